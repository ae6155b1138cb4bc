"""The set of networks of one session: by role, loaded once, when first asked for."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from unripple.conventions import BadCheckpoint, BadConfig, UnknownName
from unripple.paths import data_folder, published_folder
from unripple.processes import importing
from unripple.zoo.index import Index, read_index
from unripple.zoo.memory import give_back_freed_memory, keep_freed_memory, keep_large_maps
from unripple.zoo.over import files_of
from unripple.zoo.weights import read_header

if TYPE_CHECKING:
    from unripple.zoo.networks import Model

EMBEDDED = "embedded"
PUBLISHED = "published"
SFE = "sfe"
ROLES = (
    "generator",
    "encoder",
    "hfgi",
    "hypernet",
    "parser",
    "depth",
    "inpainter",
    "landmarks",
    "pose",
    "attributes",
    "identity",
    "restorer",
    "head",
    "person",
    "mesh_judge",
    "identity_judge",
    "clip",
    "relevance",
    "mapper",
    "inverter",
    "sfe_editor",
)
"""Roles with a weights file of their own."""

JUDGES = ("id_vit", "inception", "lpips_trunk", "lpips_head")
"""Roles of networks that only compare pictures; no set has them."""

STYLE_SPREAD = "style_spread"
"""Mean and deviation of style space, where the file of relevance lacks them."""

ONLY = {STYLE_SPREAD: "s_mean_std", "delta_mapper": "delta_mapper"}
"""Roles that one published file alone fills."""

PUBLISHED_ROLES = (
    "w_encoder",
    "restyle",
    *ONLY,
    *JUDGES,
)
"""Roles that single methods and metrics ask for, and published files alone fill."""

NOT_EMBEDDED = ("restorer", "person", "mesh_judge", "identity_judge", *PUBLISHED_ROLES)
"""Roles that the embedded set has no network for."""

STAGE_ROLES = {
    "align": "landmarks",
    "project": "encoder",
    "invert": "hfgi",
    "edit": "generator",
    "parse": "parser",
    "inpaint": "inpainter",
    "restore": "restorer",
}
"""Stages may stand for the role that they are about; `depth` is both words already."""

PACKAGED = {"person": "selfie", "mesh_judge": "face_mesh", "identity_judge": "dlib_face"}
"""Roles of the embedded set that a published file fills as soon as it was fetched."""

BASE = "base"
AUTO = "auto"


def bare(role: str) -> str:
    """A role without the file that an edit names for it."""
    return role.partition(":")[0]


MTCNN = "mtcnn"
"""The face finder for photographs: no set has another one, and `models` cannot name one."""


def embedded_folder() -> Path:
    """The folder of the weights and directions that come with the program."""
    return data_folder()


def embedded_variants() -> list[str]:
    """Embedded networks besides the role's own, like `hfgi-faithful`: files `<role>-<word>`."""
    files = (embedded_folder() / "models").glob("*-*.safetensors")
    return sorted(path.stem for path in files if path.stem.split("-")[0] in ROLES)


def published_index() -> Index:
    """The list of published files that comes with the program."""
    return read_index(embedded_folder() / "models.lock.yaml")


def directions_path(directions: str = EMBEDDED) -> Path:
    """The file or table of latent directions, or the folder of the published ones, or the path."""
    if directions == EMBEDDED:
        return embedded_folder() / "directions" / "embedded.safetensors"
    if directions == SFE:
        return embedded_folder() / "directions" / "sfe.yaml"
    return published_folder() if directions == PUBLISHED else Path(directions)


def chosen_directions(directions: str, zoo: Zoo) -> str:
    """Which directions a config means: "auto" takes those of the generator that is used."""
    if directions != AUTO:
        return directions
    if not zoo.is_published("generator"):
        return EMBEDDED
    own = zoo.has("sfe_editor") and zoo.is_published("sfe_editor")
    return SFE if own else PUBLISHED


Kept: TypeAlias = tuple[str, Path, int, int]
"""A kept network: role, file, its length in bytes and its time of change in ns."""

KEEP_MB = 400.0
"""Length of the weights files whose networks are kept; the embedded ones are 53 MB."""

LOADED_MB = 1900.0
"""What large networks may take at a time in one zoo on a CPU: their files, and what the one at work
needs. The published ones have 3.2 GB, of which depth and encoder are the most."""
WORKING_MB = {"inpainter": 1200.0, "generator": 700.0}
"""What a large network of a role needs beside its weights, at 1024 px."""
LARGE_MB = 100.0
"""From this length of its file on a network is large: the embedded ones have up to 11 MB."""

_kept: dict[Kept, Model] | None = None
_loading = threading.Lock()  # one network at a time, whoever asks


def keep_networks() -> None:
    """From now on, keep what is loaded on the CPU for every zoo of this process, up to `KEEP_MB`.

    The weights file is looked at each time: one that changed is loaded anew.
    """
    global _kept
    _kept = {}


def import_torch() -> None:
    """Import torch and what loads networks, if nobody has."""
    if "torch" not in sys.modules:
        with importing():
            import_module("unripple.zoo.networks")


def _keep(name: Kept, network: Model) -> None:
    if _kept is None:
        return
    for old in [one for one in _kept if one[:2] == name[:2]]:
        del _kept[old]
    if sum(length for _, _, length, _ in (*_kept, name)) <= KEEP_MB * 1e6:
        _kept[name] = network


def _name(role: str, path: Path) -> Kept | None:
    """What a kept network goes by: its file as it is now."""
    try:
        entry = path.stat()
    except OSError:
        return None
    return role, path.resolve(), entry.st_size, entry.st_mtime_ns


class Zoo:
    """Networks by role.

    Args:
        models: "embedded", "published" or another set of the list of published files; or for each
            role (or stage) one of these words, the name of a published file or of another embedded
            one (`hfgi-faithful`), or a path. Roles left out are of the set `base`, embedded unless
            it is named.
        device: where networks live, "cpu", "cuda", "cuda:1"; "auto" takes a GPU if there is one.

    Raises:
        UnknownName: `models` names a role that does not exist.
        BadConfig: `models` is, or has as its base, no set.
    """

    def __init__(self, models: str | Mapping[str, str] = EMBEDDED, device: str = "cpu") -> None:
        self.models = models
        self.device = device
        own = {BASE: models} if isinstance(models, str) else dict(models)
        self._base = own.pop(BASE, EMBEDDED)
        if self._base != EMBEDDED and self._base not in published_index().sets:
            sets = ", ".join([EMBEDDED, *published_index().sets])
            raise BadConfig(
                f"models: no set {self._base!r}; sets: {sets}; or a section {{role: name or path}}"
            )
        self._chosen = {STAGE_ROLES.get(word, word): choice for word, choice in own.items()}
        unknown = sorted(set(self._chosen) - {*ROLES, *PUBLISHED_ROLES})
        if unknown:
            roles = ", ".join((*ROLES, *PUBLISHED_ROLES))
            raise UnknownName(f"models: no role {unknown[0]!r}; roles: {roles}")
        self._loaded: dict[str, Model] = {}
        self._last_large = ""

    def choice(self, role: str) -> str:
        """What was chosen for a role: "embedded", another embedded file or a published one by name,
        or a path.

        Raises:
            BadConfig: the set, or the file of that name, has no network of that role.
            UnknownName: no file is called so.
        """
        role, _, own = role.partition(":")
        chosen = EMBEDDED if role == MTCNN else own or self._chosen.get(role, self._base)
        if role in ONLY and role not in self._chosen:
            return ONLY[role]
        if chosen == EMBEDDED and role in PACKAGED and self._is_fetched(PACKAGED[role]):
            return PACKAGED[role]
        if chosen == EMBEDDED and role in NOT_EMBEDDED:
            raise BadConfig(
                f"models: the set {EMBEDDED!r} has no {role}; choose one under models.{role}, "
                "or do without"
            )
        if chosen == EMBEDDED or _is_path(chosen):
            return chosen
        if (variants := embedded_variants()) and chosen in variants:
            if not chosen.startswith(f"{role}-"):
                raise BadConfig(f"models.{role}: {chosen!r} holds no {role}")
            return chosen
        lock = published_index()
        if chosen not in lock.sets:
            entry = lock.entry(chosen, also=variants)
            if role not in entry.networks:
                raise BadConfig(
                    f"models.{role}: {chosen!r} holds no {role}, but {', '.join(entry.networks)}"
                )
            return chosen
        if role not in lock.sets[chosen]:
            raise BadConfig(
                f"models: the set {chosen!r} has no {role}; choose one under models.{role} "
                f"({EMBEDDED!r} or a path) beside `{BASE}: {chosen}`, or do without"
            )
        return lock.sets[chosen][role]

    @staticmethod
    def _is_fetched(name: str) -> bool:
        """Whether a published file's networks are here."""
        # Who fetched none need not wait for the list, which takes longer to read than to ask.
        if not any(published_folder().glob(f"{name}.*")):
            return False
        entry = published_index().entries.get(name)
        roles = () if entry is None else entry.networks
        return any(
            (published_folder() / entry.converted_as(role)).exists() for role in roles if entry
        )

    def is_published(self, role: str) -> bool:
        """Whether the network of a role is one of the published files."""
        chosen = self.choice(role)
        return not _is_embedded(chosen) and not _is_path(chosen)

    def has(self, role: str) -> bool:
        """Whether there is a network of that role in what was chosen."""
        try:
            self.choice(role)
        except BadConfig:
            return False
        return True

    def files(self, role: str) -> list[Path]:
        """The weights files behind a role; their bytes decide what it computes."""
        return files_of(self.path(role))

    def path(self, role: str) -> Path:
        """The weights file of a role.

        Raises:
            BadConfig, UnknownName: see `choice`.
        """
        chosen = self.choice(role)
        if _is_embedded(chosen):
            name = bare(role) if chosen == EMBEDDED else chosen
            return embedded_folder() / "models" / f"{name}.safetensors"
        if _is_path(chosen):
            return Path(chosen)
        return published_folder() / published_index().entry(chosen).converted_as(bare(role))

    def metadata(self, role: str) -> dict[str, Any]:
        """What the weights file says about itself; does not load it.

        Raises:
            BadCheckpoint: the file is missing, foreign or cut short.
        """
        self._there(role)
        return read_header(self.path(role))[0]

    def _kept_name(self, role: str) -> Kept | None:
        if _kept is None or self.device != "cpu" or bare(role) not in ROLES:
            return None
        return _name(role, self.path(role))

    def load(self, role: str) -> Model:
        """The ready network of a role, loaded on first use.

        Where large ones would take more than `LOADED_MB`, the largest others leave memory.

        Raises:
            BadCheckpoint: the file is missing, damaged, or does not fit the network.
            UnrippleError: the device does not exist.
        """
        with _loading:
            self._make_room(role)
            if role not in self._loaded:
                self._loaded[role] = self._load(role)
            return self._loaded[role]

    def _load(self, role: str) -> Model:
        name = self._kept_name(role)
        if name is not None and _kept is not None and name in _kept:
            return _kept[name]
        import_torch()
        from unripple.zoo import networks

        device = networks.find_device(self.device)
        if device.type == "cpu":
            keep_freed_memory()
        self._there(role)
        model = networks.for_inference(networks.load(bare(role), self.path(role), device))
        if name is not None:
            _keep(name, model)
        return model

    def _make_room(self, role: str) -> None:
        """Let go of the largest networks until a large one at its work is within `LOADED_MB`."""
        if not self.is_large(role) or self.device.startswith(("cuda", "gpu")):
            return
        room = (LOADED_MB - WORKING_MB.get(role, 0)) * 1e6 - _length(self.path(role))
        others = {one: _length(self.path(one)) for one in self._loaded if one != role}
        going = sorted(others, key=others.__getitem__)
        while going and sum(others[one] for one in going) > room:
            del self._loaded[going.pop()]
        if role != self._last_large:  # what another one freed has other sizes
            give_back_freed_memory()
            keep_large_maps(bare(role) != "inpainter")
            self._last_large = role

    def is_large(self, role: str) -> bool:
        """Whether the network of a role is one of the published sizes."""
        return _length(self.path(role)) >= LARGE_MB * 1e6

    def is_loaded(self, role: str) -> bool:
        """Whether `load` has nothing left to do."""
        return role in self._loaded

    def _there(self, role: str) -> None:
        if not self.is_published(role) or self.path(role).exists():
            return
        entry = published_index().entry(self.choice(role))
        raise BadCheckpoint(
            f"{self.path(role)}: the published {entry.name} is not here yet; run `unripple models "
            f"fetch {entry.name}`, or `unripple models add FILE` if you have its {entry.file}"
        )


def _length(path: Path) -> int:
    """Of a file, bytes; what is not there is refused elsewhere."""
    return path.stat().st_size if path.exists() else 0


def _is_embedded(chosen: str) -> bool:
    return chosen == EMBEDDED or chosen in embedded_variants()


def _is_path(chosen: str) -> bool:
    return "/" in chosen or Path(chosen).suffix != ""
