"""The set of networks of one session: by role, loaded once, when first asked for."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.conventions import BadConfig, UnknownName, UnrippleError
from unripple.zoo.weights import read_header

if TYPE_CHECKING:
    from unripple.zoo.networks import Model

EMBEDDED = "embedded"
ROLES = (
    "generator",
    "encoder",
    "hfgi",
    "parser",
    "depth",
    "inpainter",
    "landmarks",
    "pose",
    "identity",
)
"""Roles with a weights file of their own."""

MTCNN = "mtcnn"
"""The face finder of facenet-pytorch, whose weights come with that package."""


def embedded_folder() -> Path:
    """The folder of the weights and directions that come with the repository."""
    root = os.environ.get("UNRIPPLE_HOME") or Path(__file__).resolve().parents[2]
    return Path(root) / "data"


def directions_path(directions: str = EMBEDDED) -> Path:
    """The file of latent directions: the embedded one, or the path itself."""
    if directions == EMBEDDED:
        return embedded_folder() / "directions" / "embedded.safetensors"
    return Path(directions)


_kept: dict[tuple[str, Path, int, int], Model] = {}


def keep(zoo: Zoo, role: str, *, at_most_mb: float) -> None:
    """Load a network for every zoo of this process, and of those that it forks, on the CPU.

    The weights file is looked at each time: one that changed is loaded anew.

    Args:
        zoo: says which file is the role's.
        role: one with a weights file of its own.
        at_most_mb: length of all files whose networks are kept, megabytes; others are left alone.

    Raises:
        BadCheckpoint: the file is missing, damaged, or does not fit the network.
    """
    name = _name(role, zoo.path(role))
    if name is None or name in _kept:
        return
    for old in [one for one in _kept if one[:2] == name[:2]]:
        del _kept[old]
    if sum(length for _, _, length, _ in (*_kept, name)) <= at_most_mb * 1e6:
        _kept[name] = Zoo(zoo.models).load(role)


def _name(role: str, path: Path) -> tuple[str, Path, int, int] | None:
    """What a kept network goes by: its file as it is now."""
    try:
        entry = path.stat()
    except OSError:
        return None
    return role, path.resolve(), entry.st_size, entry.st_mtime_ns


class Zoo:
    """Networks by role.

    Args:
        models: "embedded", or a path per role; roles left out are embedded.
        device: where networks live, "cpu", "cuda", "cuda:1"; "auto" takes a GPU if there is one.

    Raises:
        UnknownName: `models` names a role that does not exist.
    """

    def __init__(self, models: str | Mapping[str, str] = EMBEDDED, device: str = "cpu") -> None:
        self.models = models
        self.device = device
        if isinstance(models, str) and models != EMBEDDED:
            raise BadConfig(f"models: {models!r}; wanted {EMBEDDED!r} or a path per role")
        self._chosen = {} if isinstance(models, str) else dict(models)
        unknown = sorted(set(self._chosen) - set(ROLES))
        if unknown:
            raise UnknownName(f"models: no role {unknown[0]!r}; roles: {', '.join(ROLES)}")
        self._loaded: dict[str, Model] = {}

    def files(self, role: str) -> list[Path]:
        """The weights files behind a role; their bytes decide what it computes."""
        if role == MTCNN:
            return _mtcnn_files()
        return [self.path(role)]

    def path(self, role: str) -> Path:
        """The weights file of a role."""
        chosen = self._chosen.get(role, EMBEDDED)
        if chosen != EMBEDDED:
            return Path(chosen)
        return embedded_folder() / "models" / f"{role}.safetensors"

    def metadata(self, role: str) -> dict[str, Any]:
        """What the weights file says about itself; does not load it.

        Raises:
            BadCheckpoint: the file is missing, foreign or cut short.
        """
        return read_header(self.path(role))[0]

    def _kept_name(self, role: str) -> tuple[str, Path, int, int] | None:
        if not _kept or self.device != "cpu" or role not in ROLES:
            return None
        return _name(role, self.path(role))

    def load(self, role: str) -> Model:
        """The ready network of a role, loaded on first use.

        Raises:
            BadCheckpoint: the file is missing, damaged, or does not fit the network.
            UnrippleError: the device does not exist.
        """
        if role not in self._loaded:
            name = self._kept_name(role)
            if name is not None and name in _kept:
                self._loaded[role] = _kept[name]
                return _kept[name]
            from unripple.zoo import networks

            device = networks.find_device(self.device)
            if role == MTCNN:
                self._loaded[role] = networks.load_mtcnn(device)
            else:
                self._loaded[role] = networks.load(role, self.path(role), device)
        return self._loaded[role]


def _mtcnn_files() -> list[Path]:
    spec = importlib.util.find_spec("facenet_pytorch")
    if spec is None or not spec.submodule_search_locations:
        raise UnrippleError(
            "align.mode mtcnn needs the package facenet-pytorch; install it or choose another mode"
        )
    folder = Path(spec.submodule_search_locations[0]) / "data"
    return [folder / name for name in ("pnet.pt", "rnet.pt", "onet.pt")]
