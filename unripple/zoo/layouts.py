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

from unripple.ops.latents import FFHQ_COMPONENTS
from unripple.zoo.directions import MEAN
from unripple.zoo.flax import lpips_states
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
    if _encoder_type(content) == PSP_ENCODER:
        raise Misplaced("its options say that the encoder is pSp's")
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
    counters = _counters(state)
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


def _sfe_editor(content: Any, entry: Entry) -> States:
    """StyleFeatureEditor, light: the feature editor, and the inverter beside it."""
    parts = _sfe(content, ("encoder.", "inverter."), whole=False)
    return {"sfe_editor": parts["encoder."], "inverter": parts["inverter."]}


def _sfe_editor_full(content: Any, entry: Entry) -> States:
    """The same within its training, of which the rest is known from other files."""
    parts = _sfe(content, ("encoder.", "inverter."), whole=True)
    return {"sfe_editor": parts["encoder."], "inverter": parts["inverter."]}


def _sfe_inverter(content: Any, entry: Entry) -> States:
    """StyleFeatureEditor's first phase, light: here `encoder.` is the inverter."""
    return {"inverter": _sfe_first_phase(content, whole=False)}


def _sfe_inverter_full(content: Any, entry: Entry) -> States:
    """The same within its training."""
    return {"inverter": _sfe_first_phase(content, whole=True)}


def _sfe_first_phase(content: Any, *, whole: bool) -> State:
    parts = _sfe(content, ("encoder.", "inverter."), whole=whole, optional=True)
    if parts["inverter."] or not parts["encoder."]:
        raise Misplaced("looked for an inverter's keys encoder.* and no inverter.*")
    return parts["encoder."]


def _sfe(
    content: Any, prefixes: tuple[str, ...], *, whole: bool, optional: bool = False
) -> dict[str, State]:
    """Parts of a file of StyleFeatureEditor; a whole training holds the generator, too."""
    wrapped = isinstance(content, Mapping) and "state_dict" in content
    state = _inner(content, "state_dict") if wrapped else _state(content)
    if whole != any(key.startswith("decoder.") for key in state):
        raise Misplaced(f"looked for {'a' if whole else 'no'} generator (decoder.*) in it")
    return _by_prefix(state, prefixes, optional=optional)


def _hyperstyle(content: Any, entry: Entry) -> States:
    """HyperStyle: hypernetwork and generator by prefix, the mean code beside the latter.

    The shared hypernetwork is there ten times, under its own name and in every block that uses it.
    """
    parts = _inverter(content, ("hypernet.", "decoder."))
    own = parts["hypernet."]
    aliases = {key: key.split(".hypernet.")[1] for key in own if ".hypernet." in key}
    for key, name in aliases.items():
        shared = own.get(f"shared_weight_hypernet.{name}")
        if shared is None or not _same(own[key], shared):
            raise Misplaced(f"{key} is not the shared hypernetwork's {name}")
    hypernet = {key: value for key, value in own.items() if key not in aliases}
    mean = {"latent_avg": _tensor(content, "latent_avg")}
    return {"hypernet": hypernet, "generator": parts["decoder."] | mean}


def _same(one: Tensor, other: Tensor) -> bool:
    alike = one.data_ptr() == other.data_ptr() and one.stride() == other.stride()
    return one.shape == other.shape and (alike or torch.equal(one, other))


def _w_encoder(content: Any, entry: Entry) -> States:
    """HyperStyle's W encoder; the generator beside it is another file's."""
    parts = _inverter(content, ("encoder.",))
    return {"w_encoder": parts["encoder."] | {"latent_avg": _tensor(content, "latent_avg")}}


def _restyle(content: Any, entry: Entry) -> States:
    """ReStyle: encoder and generator by prefix, the mean code beside both."""
    states = _e4e_states(content, _inverter(content, ("encoder.", "decoder.")))
    return {"generator": states["generator"], "restyle": states["encoder"]}


PSP_ENCODER = "GradualStyleEncoder"


def _psp(content: Any, entry: Entry) -> States:
    """pSp: laid out as e4e, and told apart by the options alone."""
    if (kind := _encoder_type(content)) not in (None, PSP_ENCODER):
        raise Misplaced(f"its options name the encoder {kind}, not {PSP_ENCODER}")
    return _e4e_states(content, _inverter(content, ("encoder.", "decoder.")))


def _encoder_type(content: Any) -> str | None:
    options = content.get("opts") if isinstance(content, Mapping) else None
    kind = options.get("encoder_type") if isinstance(options, Mapping) else None
    return kind if isinstance(kind, str) else None


def _id_vit(content: Any, entry: Entry) -> States:
    """ViTs_face without the classifier of its training."""
    return {"id_vit": {key: v for key, v in _state(content).items() if key != "loss.weight"}}


def _convolutions(content: Any, entry: Entry) -> States:
    """The convolutions of one of torchvision's classifiers."""
    (role,) = entry.networks
    parts = _by_prefix(_state(content), ("features.",))
    return {role: {f"features.{key}": value for key, value in parts["features."].items()}}


def _inception(content: Any, entry: Entry) -> States:
    """Inception, with the counters of batch norms that its source did not have."""
    state = _state(content)
    return {"inception": _counters(state) | state}


def _counters(state: Mapping[str, Tensor]) -> State:
    norms = [key.removesuffix("running_mean") for key in state if key.endswith(".running_mean")]
    return {f"{norm}num_batches_tracked": torch.zeros((), dtype=torch.int64) for norm in norms}


def _direction(content: Any, entry: Entry) -> States:
    """One direction, [1, W] or [1, L, W], under the name of its file."""
    if not isinstance(content, Tensor) or content.ndim not in (2, 3) or len(content) != 1:
        raise Misplaced(f"looked for one tensor [1, W] or [1, L, W], found {_shown(content)}")
    return {"directions": {PurePath(entry.file).stem: content.detach()[0]}}


def _boundary(content: Any, entry: Entry) -> States:
    """A boundary of w+, [1, L * W], under the name of its entry, as the [L, W] that moves codes."""
    width = 512
    if not isinstance(content, Tensor) or content.ndim != 2 or len(content) != 1:
        raise Misplaced(f"looked for one tensor [1, L * {width}], found {_shown(content)}")
    if content.shape[1] % width or content.shape[1] == width:
        raise Misplaced(f"looked for codes of {width} numbers, found {_shown(content)}")
    return {"directions": {entry.name: content.detach().reshape(-1, width)}}


def _ffhq_pca(content: Any, entry: Entry) -> States:
    """Principal components of W, [1, W] and [K, 1, W] and [K]: those that have names.

    Each gives its axis [W] under its name, `/mean` [W] and `/spread` [], see `spreads_apart`.
    """
    parts = _state(content)
    mean, axes, spread = (_tensor(parts, name) for name in ("mean", "comp", "std"))
    if mean.ndim != 2 or axes.shape != (len(spread), *mean.shape) or len(mean) != 1:
        shapes = [list(tensor.shape) for tensor in (mean, axes, spread)]
        raise Misplaced(f"looked for mean [1, W], comp [K, 1, W], std [K], found {shapes}")
    if len(spread) <= max(edit.component for edit in FFHQ_COMPONENTS.values()):
        raise Misplaced(f"looked for the components {list(FFHQ_COMPONENTS)}, found {len(spread)}")
    state = {}
    for name, edit in FFHQ_COMPONENTS.items():
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
        edit = FFHQ_COMPONENTS[name]
        codes = [edit.first_code, edit.end_code]
        facts[name] = {"spread": state[key].item(), "codes": codes}
    return {key: value for key, value in state.items() if not key.endswith(SPREAD)}, facts


def _lpips_flax(content: Any, entry: Entry) -> States:
    """LPIPS as flax has it: trunk and weights in one."""
    try:
        return lpips_states(_mapping(content))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Misplaced(f"looked for LPIPS in flax's names: {error}") from error


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
    "sfe_editor": _sfe_editor,
    "sfe_editor_full": _sfe_editor_full,
    "sfe_inverter": _sfe_inverter,
    "sfe_inverter_full": _sfe_inverter_full,
    "hyperstyle": _hyperstyle,
    "w_encoder": _w_encoder,
    "restyle": _restyle,
    "psp": _psp,
    "id_vit": _id_vit,
    "convolutions": _convolutions,
    "inception": _inception,
    "lpips_flax": _lpips_flax,
    "direction": _direction,
    "boundary": _boundary,
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
