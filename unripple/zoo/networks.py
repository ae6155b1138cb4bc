"""Weights files to ready networks: built by sizes read from the weights, then a strict load."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unripple.conventions import BadCheckpoint, UnrippleError
from unripple.zoo import gpus
from unripple.zoo.weights import read_header, read_state, size_px

EXTRAS = ("latent_avg",)
"""Tensors beside the weights proper: generator and encoder files hold the mean code."""


@dataclass(frozen=True)
class Model:
    """A ready network: evaluating, without gradients, float32, on its device.

    Attributes:
        role: what it is for.
        net: the network.
        extras: tensors of its file that are no weights, on the CPU.
        metadata: what its file says about itself.
        path: its file, for messages.
    """

    role: str
    net: nn.Module
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    path: Path = Path()

    @property
    def size_px(self) -> int:
        """Side of the pictures that the network was trained for.

        Raises:
            BadCheckpoint: its file does not say.
        """
        return size_px(self.metadata, self.path)


@dataclass(frozen=True)
class _Net:
    """A network class by name, and the prefix of its keys in the file."""

    module: str
    name: str
    prefix: str = ""

    def build(self, state: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> nn.Module:
        own = {
            key.removeprefix(self.prefix): value
            for key, value in state.items()
            if key.startswith(self.prefix)
        }
        module = importlib.import_module(f"unripple.models.{self.module}")
        sizes = module.sizes_from_state(own)
        net: nn.Module = getattr(module, self.name)(**{**sizes, **arguments})
        return net


_NETS: Mapping[str, _Net] = {
    "generator": _Net("stylegan2", "Generator"),
    "encoder": _Net("e4e", "Encoder"),
    "parser": _Net("bisenet", "BiSeNet"),
    "depth": _Net("dpt", "DPT"),
    "inpainter": _Net("lama", "Lama"),
    "landmarks": _Net("landmarks", "LandmarkNet"),
    "pose": _Net("pose", "PoseNet"),
    "identity": _Net("irse", "Backbone"),
}


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is the GPU if there is one, "gpu:0,1" a free one of these.

    Raises:
        UnrippleError: there is no such device here.
    """
    if name.startswith(gpus.PREFIX):
        gpus.claim(name)
        name = "cuda"
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UnrippleError(
            f"device {name!r} is unknown; use cpu, cuda, cuda:1, gpu:0,1 or auto"
        ) from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UnrippleError(f"device {name!r}: torch finds no GPU here; use cpu or auto")
    return device


def load(role: str, path: Path, device: torch.device) -> Model:
    """Build the network of a role from its file.

    Raises:
        BadCheckpoint: the file is damaged, foreign, or does not fit the network.
    """
    metadata, _ = read_header(path)
    state = read_state(path)
    extras = {key: state.pop(key) for key in EXTRAS if key in state}
    net = _build(role, path, state, metadata)
    _load_strictly(net, state, role, path)
    net.requires_grad_(False).eval().to(device)
    return Model(role, net, extras, metadata, path)


def _build(
    role: str, path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, Any]
) -> nn.Module:
    arguments = metadata.get("arguments", {})  # what leaves no trace in the weights
    try:
        if role == "hfgi":
            return _hfgi(state)
        return _NETS[role].build(state, arguments)
    except (
        KeyError,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        ZeroDivisionError,
    ) as error:
        first = ", ".join(sorted(state)[:4])
        raise BadCheckpoint(
            f"{path}: these are no weights of a {role} ({type(error).__name__}: {error}); the file "
            f"holds {len(state)} tensors: {first}, ...; name the right file under models.{role}"
        ) from error


def _hfgi(state: Mapping[str, Tensor]) -> nn.Module:
    """HFGI's two networks under the names of the published file."""
    return nn.ModuleDict(
        {
            "grid_align": _Net("hfgi", "Aligner", "grid_align.").build(state, {}),
            "residue": _Net("hfgi", "ResidualEncoder", "residue.").build(state, {}),
        }
    )


def _load_strictly(net: nn.Module, state: Mapping[str, Tensor], role: str, path: Path) -> None:
    wanted = net.state_dict()
    missing = sorted(set(wanted) - set(state))
    unknown = sorted(set(state) - set(wanted))
    misfits = sorted(
        f"{key} {list(state[key].shape)} instead of {list(wanted[key].shape)}"
        for key in set(wanted) & set(state)
        if wanted[key].shape != state[key].shape
    )
    if missing or unknown or misfits:
        raise BadCheckpoint(
            f"{path}: does not fit the {role} network:"
            + _listing("missing", missing)
            + _listing("unknown", unknown)
            + _listing("of another shape", misfits)
            + f" name the right file under models.{role}, or export it again"
        )
    net.load_state_dict(dict(state))


def _listing(word: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f" {len(names)} {word} ({', '.join(names[:3])}{more});"


def load_mtcnn(device: torch.device) -> Model:
    """facenet-pytorch's MTCNN with the weights of its package; finds all faces."""
    from facenet_pytorch import MTCNN

    return Model("mtcnn", MTCNN(keep_all=True, device=device))
