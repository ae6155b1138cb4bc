"""One photo through one step: find its artifact by its key, or make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unripple.api.jobs import Job
from unripple.api.shelf import Shelf, find, keep
from unripple.api.work import Work
from unripple.conventions import BadConfig, BadPhoto
from unripple.io.config import align_modes
from unripple.io.digest import array_sha256, file_sha256
from unripple.io.landmarks import Points
from unripple.io.photo import MAX_MEGAPIXELS, Photograph, read_photo
from unripple.io.truth import TruthFolder
from unripple.zoo.zoo import directions_path


@dataclass(frozen=True)
class Source:
    """A photograph to be worked on: a file, or pixels in memory.

    Attributes:
        photo: its id.
        path: its file; only its name counts where `pixels` is given.
        pixels: what is in memory already.
        align: its own way to find landmarks, or "" for the config's.
        points: its landmarks, where a file names them.
    """

    photo: str
    path: Path
    pixels: Photograph | None = None
    align: str = ""
    points: Points | None = None

    def sha256(self) -> str:
        """SHA-256 of the file's bytes, or of the pixels.

        Raises:
            BadPhoto: the file is gone.
        """
        if self.pixels is not None:
            return array_sha256(self.pixels.pixels)
        try:
            return file_sha256(self.path)
        except OSError as error:
            raise BadPhoto(f"{self.path}: cannot be read: {error.strerror}") from error

    def read(self, max_megapixels: float) -> Photograph:
        """The photograph; see `read_photo`."""
        if self.pixels is not None:
            return self.pixels
        return read_photo(self.path, max_megapixels=max_megapixels)


def advance(
    job: Job, source: Source, input_keys: Mapping[str, str], shelf: Shelf
) -> tuple[list[str], bool]:
    """Bring one photo through one step.

    Args:
        job: the step, its place and settings.
        source: the photograph.
        input_keys: artifact keys by input name.
        shelf: where inputs are and outputs go.

    Returns:
        The keys of the artifacts, several only where align finds several faces, and whether they
        were on the shelf already.

    Raises:
        UnrippleError: the photo cannot be done.
    """
    step = job.step
    inputs = dict(input_keys)
    if step.reads_photo:
        inputs["file"] = source.sha256()
    truth = None
    if step.stage == "measure":
        truth = TruthFolder(source.path, source.photo, str(job.of), job.settings["moves"])
        inputs |= {f"truth {name}": digest for name, digest in truth.digests().items()}
    ingredients = job.ingredients(inputs, _own_settings(job, source))
    found = find(shelf, ingredients)
    if found is not None:
        return found, True
    settings = ingredients["settings"]
    photo = None
    if step.reads_photo:
        photo = source.read(settings.get("max_megapixels", MAX_MEGAPIXELS))
    work = Work(
        settings,
        {name: shelf.get(key) for name, key in input_keys.items()},
        job.zoo,
        photo,
        directions_path(job.directions),
        None if truth is None else truth.read(),
    )
    made = step.call(work)
    artifacts = made if isinstance(made, list) else [made]
    return keep(shelf, artifacts, ingredients, photo.icc_profile if photo else None), False


def _own_settings(job: Job, source: Source) -> dict[str, object]:
    """Settings of one photo beside the job's: how align finds its face, and its landmarks."""
    if job.step.stage != "align":
        return {}
    mode = source.align or job.settings["mode"]
    if mode not in align_modes():
        listed = ", ".join(align_modes())
        raise BadConfig(f"sheet: {source.photo}: align says {mode!r}; wanted one of {listed}")
    return {"mode": mode, "points": source.points if mode == "file" else None}
