"""The readable results tree: where manifests and pictures lie, and what a manifest says.

    results/<stage>[/<edit>]/<shard>.json             manifest: photo -> artifact key or failure
    results/<stage>[/<edit>]/<photo>.<part>.<ending>  the artifact's files by name, for people
    results/store/                                    the artifacts themselves

Stages that look at the photo and at its edits have a folder `photo` beside the edits' folders.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from unripple import atomic
from unripple.conventions import StoreError, UnknownName
from unripple.io.store import Store

PHOTO = "photo"
"""The name that stands for the unedited picture where a stage looks at both."""

RESULTS = Path("results")
"""The results folder of the samples, see `io.places`."""

FACE_MARK = "+"
"""Between a photo's id and the number of a face in it; never part of a photo's id."""

_STEP_NS = 1000  # what a time of change in seconds, as a float, can tell apart


@dataclass(frozen=True)
class Failure:
    """Why a photo has no artifact, and at which stage it stopped."""

    stage: str
    type: str
    message: str

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


@dataclass(frozen=True)
class Manifest:
    """What one stage made of one shard: the artifact key or the failure of each photo.

    A photo to which an edit is not offered has neither, but the reason.

    Attributes:
        keys: artifact key by photo, or face of a photo.
        failures: why a photo has none.
        not_offered: why a photo is not to have one.
        files: what the readable tree shows of each photo: the ends of the names.
    """

    keys: Mapping[str, str]
    failures: Mapping[str, Failure]
    not_offered: Mapping[str, Failure] = field(default_factory=dict)
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Results:
    """One results folder."""

    def __init__(self, root: Path = RESULTS) -> None:
        self.root = root
        self.store = Store(root / "store")

    def folder(self, stage: str, of: str | None = None) -> Path:
        """The folder of a stage; `of` is an edit's name, or `PHOTO`, for stages that ask for it."""
        return self.root / stage / of if of else self.root / stage

    def manifest_path(self, stage: str, of: str | None, shard: str) -> Path:
        """The manifest of a stage for a shard."""
        return self.folder(stage, of) / f"{shard}.json"

    def read_manifest(self, stage: str, of: str | None, shard: str) -> Manifest:
        """Read a manifest.

        Raises:
            StoreError: the stage did not run for this shard, or the file is damaged.
        """
        path = self.manifest_path(stage, of, shard)
        if not path.exists():
            raise StoreError(f"{path}: not made yet; run snakemake, or stage {stage} before")
        return self._read(path)

    @staticmethod
    def _read(path: Path) -> Manifest:
        try:
            photos = json.loads(path.read_text())["photos"]
            return Manifest(
                {photo: entry["key"] for photo, entry in photos.items() if "key" in entry},
                {
                    photo: Failure(**entry["failed"])
                    for photo, entry in photos.items()
                    if "failed" in entry
                },
                {
                    photo: Failure(**entry["not_offered"])
                    for photo, entry in photos.items()
                    if "not_offered" in entry
                },
                {photo: entry["files"] for photo, entry in photos.items() if "files" in entry},
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{path}: damaged ({error}); delete it and run again") from error

    def write_manifest(self, stage: str, of: str | None, shard: str, manifest: Manifest) -> None:
        """Write a manifest, last of all that a job writes and in one step."""
        photos: dict[str, dict[str, object]] = {
            photo: {"key": key} for photo, key in manifest.keys.items()
        }
        for photo, files in manifest.files.items():
            photos[photo]["files"] = list(files)
        photos |= {photo: {"failed": asdict(why)} for photo, why in manifest.failures.items()}
        for photo, why in manifest.not_offered.items():
            photos[photo] = {"not_offered": asdict(why)}
        content = {"stage": stage, "of": of, "shard": shard, "photos": photos}
        text = json.dumps(content, indent=1, sort_keys=True) + "\n"
        atomic.write_text(self.manifest_path(stage, of, shard), text)

    def show(
        self, stage: str, of: str | None, keys: Mapping[str, str], photos: Collection[str]
    ) -> dict[str, list[str]]:
        """Link artifacts into the readable tree and take away what is out of date.

        Args:
            stage: the stage word.
            of: edit name, `PHOTO` or None.
            keys: artifact key by photo id (faces of a photo: id, `FACE_MARK`, number).
            photos: photo ids whose older files go away unless `keys` brings them back.

        Returns:
            What a manifest tells as `files`.
        """
        folder = self.folder(stage, of)
        shown = {photo: list(self.store.parts(key).values()) for photo, key in keys.items()}
        file_of_link = {f"{photo}.{path.name}": path for photo in shown for path in shown[photo]}
        for path in folder.glob("*.*.*"):
            if path.name not in file_of_link and photo_of(path.name.split(".")[0]) in photos:
                path.unlink(missing_ok=True)
        for name, source in file_of_link.items():
            atomic.link(source, folder / name)
        return {photo: [path.name for path in paths] for photo, paths in shown.items()}

    def incomplete(
        self, places: Iterable[tuple[str, str | None]], shards: Collection[str]
    ) -> Iterator[Path]:
        """Manifests that name artifacts or pictures which are gone, or that cannot be read.

        Nothing is read but the manifests: a listing of each folder tells what is there.
        """
        stored = self.store.listed()
        for stage, of in places:
            folder = self.folder(stage, of)
            there = set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208 (names)
            for shard in shards:
                path = self.manifest_path(stage, of, shard)
                if path.name in there and not _is_complete(path, stored, there):
                    yield path

    def sweep(self) -> int:
        """Delete what killed processes left half-written; how much it was.

        Only while no other process writes here.
        """
        leftovers = []
        for folder, folders, names in os.walk(self.root):
            if Path(folder) == self.root:
                folders[:] = [name for name in folders if name != self.store.root.name]
            leftovers += [Path(folder, name) for name in names if atomic.is_temporary(name)]
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return len(leftovers) + self.store.sweep()

    def manifest_paths(self) -> list[Path]:
        """Every manifest file there is."""
        manifests = (*self.root.glob("*/?????.json"), *self.root.glob("*/*/?????.json"))
        return sorted(path for path in manifests if not path.is_relative_to(self.store.root))

    def dated(self) -> list[Path]:
        """The files whose times of change decide what is up to date."""
        views = (path for path in self.root.glob("view/**/*") if path.is_file())
        return [*self.manifest_paths(), *self.root.glob("*.*"), *views]

    def manifests(self) -> Iterator[tuple[Path, Manifest | StoreError]]:
        """Every manifest file there is: what it says, or what is wrong with it."""
        for path in self.manifest_paths():
            try:
                yield path, self._read(path)
            except StoreError as error:
                yield path, error

    def shown(self, manifest: Path, subject: str, key: str) -> dict[Path, Path]:
        """Where the tree should show an artifact that a manifest names: name in it -> file."""
        parts = self.store.parts(key).values()
        return {manifest.parent / f"{subject}.{path.name}": path for path in parts}

    def part(self, stage: str, of: str | None, photo: str, part: str | None = None) -> Path:
        """One file of the readable tree by names.

        Raises:
            UnknownName: there is none; the text lists what there is.
        """
        folder = self.folder(stage, of)
        names = [path for path in sorted(folder.glob("*.*.*")) if path.name.count(".") == 2]
        files = [path for path in names if path.name.split(".")[0] == photo]
        if part is None:  # the picture that a stage is looked at for
            files = [path for path in files if path.suffix == ".png"] or files
        else:
            files = [path for path in files if path.name.split(".")[1] == part]
        if not files:
            there = sorted({path.name.split(".")[0] for path in names})
            listing = ", ".join(there[:12]) + (", ..." if len(there) > 12 else "")
            raise UnknownName(
                f"{folder}: nothing of {photo!r}"
                + (f" with part {part!r}" if part else "")
                + f"; there is: {listing or 'nothing yet, run snakemake'}"
            )
        return files[0]


def _is_complete(path: Path, stored: Collection[str], there: Collection[str]) -> bool:
    """Whether all is there that a manifest names; those of other programs do not tell."""
    try:
        photos = json.loads(path.read_bytes())["photos"]
        return all(
            entry["key"] in stored and all(f"{photo}.{file}" in there for file in entry["files"])
            for photo, entry in photos.items()
            if "files" in entry
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def date_back(paths: Iterable[Path]) -> None:
    """Give files that come from the future, by the clock of another machine, the time of now.

    Snakemake would take them for newer than all that is made from them. Their order stays.
    """
    now = time.time_ns()
    times = {path: path.stat().st_mtime_ns for path in paths}
    ahead = {path: when for path, when in times.items() if when > now}
    order = {when: number for number, when in enumerate(sorted(set(ahead.values())))}
    for path, when in ahead.items():
        dated = now + order[when] * _STEP_NS
        os.utime(path, ns=(dated, dated))


def photo_of(subject: str) -> str:
    """The photo's id, given that of a photo or of one face in it."""
    return subject.partition(FACE_MARK)[0]
