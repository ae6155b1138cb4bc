"""What all users share: model sets and their networks, sample photos, directions, limits."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from unripple.conventions import UnknownName, UnrippleError
from unripple.io.config import Config, complete
from unripple.io.photo import PHOTO_SUFFIXES, encode_jpeg
from unripple.io.schema import nearest
from unripple.pipeline.graph import RECIPES, STEPS
from unripple.pipeline.jobs import job_from_config
from unripple.pipeline.limits import Limits
from unripple.processes import own_cores
from unripple.runtime.cache import MemoryCache
from unripple.runtime.editor import Editor
from unripple.runtime.view import thumbnail
from unripple.runtime.work import Work
from unripple.stages.align import finder_of
from unripple.stages.families import text
from unripple.stages.inverters import INVERTERS
from unripple.webui.controls import Group, grouped
from unripple.webui.reading import PATIENT, Decoded, Patience, Reader
from unripple.webui.text_controls import texts_of
from unripple.webui.translations import FOLDER, USER, list_translations
from unripple.zoo.directions import Direction
from unripple.zoo.pixel_directions import listed_directions
from unripple.zoo.zoo import (
    AUTO,
    EMBEDDED,
    PUBLISHED,
    ROLES,
    Zoo,
    chosen_directions,
    directions_path,
    embedded_folder,
)

CONFIGURED = "configured"
BATCH = Path("batch.yaml")
PREFIX = "unripple-editor-"
_THUMBNAIL_PX = 128


@dataclass(frozen=True)
class UserLimits:
    """What users may cost.

    Attributes:
        upload_mb: length of a file.
        sessions: how many people at once; the one who did nothing for longest leaves first.
        memory_mb: pictures of all sessions; those of the ones idle for longest go first.
        disk_mb: likewise, of what their photos and results take on the disk.
        uploads: how many files one session may send at a time.
        idle_s: how long a session may do nothing.
    """

    upload_mb: float = 64.0
    sessions: int = 64
    memory_mb: float = 1500.0
    disk_mb: float = 8000.0
    uploads: int = 4
    idle_s: float = 3600.0


@dataclass
class AppState:
    """Configs, networks and lists, made on first use and kept.

    Attributes:
        config: what the editor was started with.
        device: where networks run.
        batch: the config that "Add to the batch" writes.
        translations: folder of named translations; the user's own go to its `user`.
        limits: see `UserLimits`.
        photo_seen: set when somebody's first photo is open.
    """

    config: Config
    device: str = "cpu"
    batch: Path = BATCH
    translations: Path = FOLDER
    limits: UserLimits = field(default_factory=UserLimits)

    def __post_init__(self) -> None:
        self.config = {**self.config, "own_translations": (self.translations / USER).as_posix()}
        self._zoos: dict[str, Zoo] = {}
        self._thumbnails: dict[Path, bytes] = {}
        self.photo_seen = threading.Event()
        self._lock = threading.Lock()
        self._drawing = threading.Lock()
        self.root = Path(tempfile.mkdtemp(prefix=PREFIX))  # for this user alone
        self.reader = Reader(self.root)

    def close(self) -> None:
        """End all readings and delete all that was sent."""
        self.reader.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def read(self, path: Path, patience: Patience = PATIENT) -> Decoded:
        """Decode a file under the config's limits.

        Raises:
            UnrippleError: it cannot be read, or costs more.
        """
        return self.reader.read(path, Limits(**self.config["limits"]), patience)

    @property
    def models(self) -> list[str]:
        """The sets of models to choose from; the config's own comes first."""
        own = self.config["models"]
        first = own if isinstance(own, str) else CONFIGURED
        others = [name for name in (EMBEDDED, PUBLISHED) if name != first and _is_here(name)]
        return [first, *others]

    def config_of(
        self, models: str, inverter: str, align: Mapping[str, str] = MappingProxyType({})
    ) -> Config:
        """The config of one choice on the page.

        Args:
            models, inverter: what is chosen of `models` and `inverters`.
            align: settings of the section `align` that the page chose otherwise.

        Raises:
            UnknownName: there is no such set or inverter.
            BadConfig: there is no such setting.
        """
        if models not in self.models:
            raise UnknownName(f"models {models!r}{nearest(models, self.models)}")
        content = {
            **self.config,
            "invert": {**self.config["invert"], "method": INVERTERS[inverter].name},
            "align": {**self.config["align"], **align},
        }
        if models != self.models[0]:
            content |= {"models": models, "directions": AUTO}
        return complete(content)

    def _config_of(self, models: str) -> Config:
        return self.config_of(models, self.config["invert"]["method"])

    def inverters(self, models: str) -> list[str]:
        """The inverters all of whose networks a set has."""
        zoo = self.zoo(models)
        return [
            name
            for name, method in INVERTERS.items()
            if all(zoo.has(role) and zoo.path(role).exists() for role in method.roles)
        ]

    def face_finder(self, models: str, mode: str | None = None) -> str:
        """Who looks for faces with these models, `align.mode` being `mode` or else the config's."""
        published = self.zoo(models).is_published("encoder")
        return finder_of(mode or self.config["align"]["mode"], published_encoder=published)

    def editor(
        self,
        models: str,
        inverter: str,
        cache: MemoryCache,
        align: Mapping[str, str],
        *,
        keep: Path | None = None,
        before_stage: Callable[[str], None] | None = None,
    ) -> Editor:
        """A live session of the choice; networks are shared with all others.

        Args:
            models, inverter, align: see `config_of`.
            cache: of the session.
            keep: a folder of masks of what edits leave alone, see `edit.keep` of the config.
            before_stage: told the word of each stage that begins.
        """
        config = self.config_of(models, inverter, align)
        if keep is not None:
            config = {**config, "edit": {**config["edit"], **keeping(keep)}}
        zoo = self.zoo(models)
        return Editor(
            settings=config,
            cache=cache,
            zoo=zoo,
            before_stage=before_stage,
            cores=own_cores(),
        )

    def zoo(self, models: str) -> Zoo:
        """The networks of a set; each is loaded when it is first asked for."""
        with self._lock:
            if models not in self._zoos:
                self._zoos[models] = Zoo(self._config_of(models)["models"], self.device)
            return self._zoos[models]

    def warm_up(self) -> None:
        """Load the first set's networks, and what the stages import, before anybody waits.

        Those that a photo needs come first; nobody edits before a photo is open. The others, and
        what all texts share, which takes seconds to draw, follow then.
        """
        import importlib

        with contextlib.suppress(UnrippleError):  # whoever opens a photo will be told
            for stage in STEPS:
                importlib.import_module(f"unripple.stages.{stage}")
            zoo = self.zoo(self.models[0])
            _load(zoo, self._photo_roles(zoo))
            self.photo_seen.wait()
            _load(zoo, ROLES)
            if zoo.has("clip") and not zoo.is_published("generator"):
                text.warm_up(Work({}, {}, zoo), text.FACEWORLD)

    def _photo_roles(self, zoo: Zoo) -> list[str]:
        """The networks of the stages that a photo goes through without an edit, in their order."""
        config = self._config_of(self.models[0])
        roles: list[str] = []
        for stage, step in RECIPES[config["recipe"]].items():
            for place in step.places(()):
                job = job_from_config(config, stage, place, zoo)
                roles += job.step.roles(job.settings)
        return list(dict.fromkeys(roles))

    def directions(self, models: str) -> Mapping[str, Direction]:
        """The directions of a set by name."""
        config = self._config_of(models)
        return listed_directions(
            directions_path(chosen_directions(config["directions"], Zoo(config["models"])))
        )

    def groups(self, models: str) -> list[Group]:
        """The sliders of a set."""
        return grouped(self.directions(models))

    def samples(self) -> dict[str, Path]:
        """The config's photos by name; empty without such a folder."""
        folder = Path(self.config["photos"])
        if not folder.is_dir():
            return {}
        files = sorted(path for path in folder.iterdir() if path.is_file())
        return {path.name: path for path in files if path.suffix.lower() in PHOTO_SUFFIXES}

    def sample(self, name: str) -> Path:
        """One of the samples.

        Raises:
            UnknownName: there is none of that name.
        """
        samples = self.samples()
        if name not in samples:
            raise UnknownName(f"no sample {name!r}{nearest(name, samples)}")
        return samples[name]

    def thumbnail(self, name: str) -> bytes:
        """A sample as a small JPEG.

        Raises:
            UnrippleError: there is none of that name, or it cannot be read.
        """
        path = self.sample(name)
        with self._drawing:
            if path not in self._thumbnails:
                pixels = self.read(path).photo.srgb
                self._thumbnails[path] = encode_jpeg(thumbnail(pixels, _THUMBNAIL_PX))
            return self._thumbnails[path]

    def all_translations(self) -> dict[str, Path]:
        """Named translations: set/name -> file."""
        folders = dict.fromkeys((embedded_folder() / "translations", self.translations))
        return list_translations(*folders)

    def describe(self, models: str) -> dict[str, Any]:
        """What the page's controls show for a set of models."""
        return {
            "groups": [group.as_json() for group in self.groups(models)],
            "translations": list(self.all_translations()),
            "models": self.models,
            "inverters": self.inverters(models),
            "samples": list(self.samples()),
            "inverter": self.config["invert"]["method"],
            "batch": str(self.batch),
            "texts": texts_of(self.zoo(models)),
        }


def keeping(masks: Path) -> dict[str, Any]:
    """Settings of the section `edit` by which masks in a folder keep the photo's bytes."""
    return {"keep": str(masks), "keep_pixels": True}


def _load(zoo: Zoo, roles: Iterable[str]) -> None:
    """Load those that stay in memory together."""
    for role in roles:
        if zoo.has(role) and zoo.path(role).exists() and not zoo.is_large(role):
            zoo.load(role)


def _is_here(models: str) -> bool:
    zoo = Zoo(models)
    try:
        return all(zoo.path(role).exists() for role in ROLES if zoo.has(role))
    except UnrippleError:
        return False
