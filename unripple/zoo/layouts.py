"""How tensors lie in the published files: pure functions from a content to state dicts by role.

Old key names and wrappings die here; what comes out has the key names of the networks.
"""

# ruff: noqa: ARG001 (every layout is called alike)

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any, TypeAlias

import torch
from torch import Tensor

from unripple.ops.latents import FFHQ_EDITS
from unripple.zoo.directions import MEAN
from unripple.zoo.index import Entry

log = logging.getLogger(__name__)

State: TypeAlias = dict[str, Tensor]
States: TypeAlias = dict[str, State]


SPREAD = "/spread"


class Misplaced(Exception):
    """A content is laid out otherwise; the text says what was looked for and what is there."""


def _flat(content: Any, entry: Entry) -> States:
    """The state dict of the only network, as it is."""
    (role,) = entry.networks
    return {role: _state(content)}


def _hfgi(content: Any, entry: Entry) -> States:
    """HFGI: encoder, generator and both residual networks by prefix, the mean code beside them."""
    parts = _inverter(content, ("encoder.", "decoder.", "grid_align.", "residue."))
    own = ("grid_align.", "residue.")
    states = _e4e_states(content, parts)
    return {**states, "hfgi": {f"{p}{key}": value for p in own for key, value in parts[p].items()}}


def _e4e(content: Any, entry: Entry) -> States:
    """e4e: encoder and generator by prefix, the mean code beside them."""
    parts = _inverter(content, ("encoder.", "decoder."))
    if others := [key for key in _inner(content, "state_dict") if not key.startswith(tuple(parts))]:
        raise Misplaced(f"{len(others)} keys beside encoder and decoder, {others[0]}, ...")
    return _e4e_states(content, parts)


def _inverter(content: Any, prefixes: tuple[str, ...]) -> dict[str, State]:
    return _by_prefix(_inner(content, "state_dict"), prefixes)


def _e4e_states(content: Any, parts: Mapping[str, State]) -> States:
    mean = {"latent_avg": _tensor(content, "latent_avg")}
    return {"generator": parts["decoder."] | mean, "encoder": parts["encoder."] | mean}


def _stylegan2(content: Any, entry: Entry) -> States:
    """StyleGAN2 as rosinality's training saves it: the averaged generator, maybe a mean."""
    state = _inner(content, "g_ema")
    if isinstance(content.get("latent_avg"), Tensor):
        state |= {"latent_avg": content["latent_avg"].detach()}
    return {"generator": state}


def _anycost_encoder(content: Any, entry: Entry) -> States:
    """The encoder of Anycost GANs; its codes hold their mean already, so none is added to them."""
    state = _inner(content, "state_dict")
    prefixed = _by_prefix(state, ("encoder.",), optional=True)["encoder."]
    state = prefixed or state
    mean = _tensor(state, "mean_latent")
    return {"encoder": state | {"latent_avg": torch.zeros_like(mean)}}


def _graphonomy(content: Any, entry: Entry) -> States:
    """Graphonomy: names from several GPUs, an older naming of its graphs, counts that are missing.

    The source is older than the counters of batch norms, which nothing reads in a trained network.
    """
    state = {_graph_name(key.replace("module.", "")): v for key, v in _state(content).items()}
    norms = [key.removesuffix("running_mean") for key in state if key.endswith(".running_mean")]
    counters = {f"{norm}num_batches_tracked": torch.zeros((), dtype=torch.int64) for norm in norms}
    if added := len(set(counters) - set(state)):
        log.debug("%s: %d counters of batch norms, which nothing reads, added", entry.name, added)
    return {"parser": counters | state}


def _graph_name(key: str) -> str:
    """The name of a graph's weights in a network that was transferred from another one."""
    if "graph" not in key or any(w in key for w in ("source", "target", "fc_", "transpose_graph")):
        return key
    if "featuremap_2_graph" in key:
        return key.replace("featuremap_2_graph", "source_featuremap_2_graph")
    return key.replace("graph", "source_graph")


def _dpt(content: Any, entry: Entry) -> States:
    """DPT: the state dict, or under `model` where an optimizer was saved too."""
    wrapped = isinstance(content, Mapping) and "optimizer" in content
    return {"depth": _inner(content, "model") if wrapped else _state(content)}


def _lama(content: Any, entry: Entry) -> States:
    """LaMa: the generator in a Lightning checkpoint, among the networks that trained it."""
    parts = _by_prefix(_inner(content, "state_dict"), ("generator.",))
    return {"inpainter": parts["generator."]}


def _gfpgan(content: Any, entry: Entry) -> States:
    """GFPGAN: averaged weights, or the plain ones where there are no others."""
    wrapper = _mapping(content)
    return {"restorer": _inner(content, "params_ema" if "params_ema" in wrapper else "params")}


def _clip(content: Any, entry: Entry) -> States:
    """CLIP: without the three sizes that its archive keeps as tensors."""
    sizes = ("input_resolution", "context_length", "vocab_size")
    return {"clip": {key: v for key, v in _state(content).items() if key not in sizes}}


def _direction(content: Any, entry: Entry) -> States:
    """One direction, [1, W] or [1, L, W], under the name of its file."""
    if not isinstance(content, Tensor) or content.ndim not in (2, 3) or len(content) != 1:
        raise Misplaced(f"looked for one tensor [1, W] or [1, L, W], found {_shown(content)}")
    return {"directions": {PurePath(entry.file).stem: content.detach()[0]}}


def _ffhq_pca(content: Any, entry: Entry) -> States:
    """Principal components of W, [1, W] and [K, 1, W] and [K]: those that have names.

    Each gives its axis [W] under its name, `/mean` [W] and `/spread` [], see `spreads_apart`.
    """
    parts = _state(content)
    mean, axes, spread = (_tensor(parts, name) for name in ("mean", "comp", "std"))
    if mean.ndim != 2 or axes.shape != (len(spread), *mean.shape) or len(mean) != 1:
        shapes = [list(tensor.shape) for tensor in (mean, axes, spread)]
        raise Misplaced(f"looked for mean [1, W], comp [K, 1, W], std [K], found {shapes}")
    if len(spread) <= max(edit.component for edit in FFHQ_EDITS.values()):
        raise Misplaced(f"looked for the components {list(FFHQ_EDITS)}, found {len(spread)}")
    state = {}
    for name, edit in FFHQ_EDITS.items():
        state[name] = axes[edit.component, 0]
        state[name + MEAN] = mean[0]
        state[name + SPREAD] = spread[edit.component]
    return {"directions": state}


def spreads_apart(state: State) -> tuple[State, dict[str, Any]]:
    """The vectors of a directions file, and what its metadata say of components.

    Args:
        state: of role `directions`.
    """
    facts = {}
    for key in [key for key in state if key.endswith(SPREAD)]:
        name = key.removesuffix(SPREAD)
        edit = FFHQ_EDITS[name]
        codes = [edit.first_code, edit.end_code]
        facts[name] = {"spread": state[key].item(), "codes": codes}
    return {key: value for key, value in state.items() if not key.endswith(SPREAD)}, facts


LAYOUTS: Mapping[str, Callable[[Any, Entry], States]] = {
    "flat": _flat,
    "hfgi": _hfgi,
    "e4e": _e4e,
    "stylegan2": _stylegan2,
    "anycost_encoder": _anycost_encoder,
    "graphonomy": _graphonomy,
    "dpt": _dpt,
    "lama": _lama,
    "gfpgan": _gfpgan,
    "clip": _clip,
    "direction": _direction,
    "ffhq_pca": _ffhq_pca,
}
"""The word of `Entry.layout` -> (content, entry) -> role -> its tensors, extras included. They
raise `Misplaced` where the content is laid out otherwise."""


def _mapping(content: Any) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise Misplaced(f"looked for a dict, found {_shown(content)}")
    return content


def _inner(content: Any, key: str) -> State:
    """The state dict under a key of the content."""
    wrapper = _mapping(content)
    if key not in wrapper:
        raise Misplaced(f"looked for an entry {key!r}, found {_keys(wrapper)}")
    return _state(wrapper[key])


def _state(content: Any) -> State:
    """A state dict: names and tensors, nothing else."""
    wrapper = _mapping(content)
    others = [key for key, v in wrapper.items() if not isinstance(v, Tensor)]
    if others or not wrapper:
        raise Misplaced(f"looked for a state dict, found {_keys(wrapper)}")
    return {str(key): value.detach() for key, value in wrapper.items()}


def _tensor(content: Any, key: str) -> Tensor:
    value = _mapping(content).get(key)
    if not isinstance(value, Tensor):
        raise Misplaced(f"looked for a tensor {key!r}, found {_shown(value)}")
    return value.detach()


def _by_prefix(
    state: Mapping[str, Tensor], prefixes: tuple[str, ...], *, optional: bool = False
) -> dict[str, State]:
    """Prefix, with its dot -> the tensors below it; others are left out, and named in the log."""
    parts: dict[str, State] = {
        prefix: {
            key.removeprefix(prefix): value
            for key, value in state.items()
            if key.startswith(prefix)
        }
        for prefix in prefixes
    }
    if empty := [prefix for prefix in prefixes if not parts[prefix] and not optional]:
        raise Misplaced(f"looked for keys {empty[0]}*, found {_keys(state)}")
    if others := {key.split(".")[0] for key in state if not key.startswith(prefixes)}:
        log.debug("left out, as the published code does: %s", ", ".join(sorted(others)[:9]))
    return parts


def _keys(content: Iterable[object]) -> str:
    names = [str(key)[:60] for key in content]
    return f"{len(names)} keys ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _shown(content: object) -> str:
    if isinstance(content, Tensor):
        return f"a tensor {list(content.shape)}"
    return "nothing" if content is None else f"a {type(content).__name__}"
