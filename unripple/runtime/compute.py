"""One photo through one step: find its artifact by its key, or make it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from unripple.conventions import BadPhoto, BadTranslation, WPlus
from unripple.io.artifact import Artifact
from unripple.io.digest import array_sha256, file_sha256, value_sha256
from unripple.io.landmarks import Points, landmarks_of
from unripple.io.metadata import NOTHING
from unripple.io.edited import EditedFile, find_edited
from unripple.io.photo import Photograph, check_photo, read_photo
from unripple.io.sheet import Row
from unripple.io.translations import characteristics_of, read_translation
from unripple.io.truth import TruthFolder
from unripple.pipeline.jobs import Job
from unripple.pipeline.limits import Limits
from unripple.runtime.cache import Shelf, find, keep
from unripple.runtime.limits import Uncounted
from unripple.runtime.work import Tell, Work
from unripple.zoo.zoo import directions_path

_THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True)
class Source:
    """A photograph to be worked on: a file, or pixels in memory.

    Attributes:
        photo: its id.
        path: its file; only its name counts where `pixels` is given.
        pixels: what is in memory already.
        align: its own way to find landmarks, or "" for the config's.
        points: its landmarks, where a file names them.
        characteristics: what the sheet says of its face, or "".
        edited: what somebody made of it elsewhere, where it is at hand.
    """

    photo: str
    path: Path
    pixels: Photograph | None = None
    align: str = ""
    points: Points | None = None
    characteristics: str = ""
    edited: EditedFile | None = None

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

    def check(self, limits: Limits) -> None:
        """Refuse a file that is too large, or no photo at first sight.

        Raises:
            BadPhoto: it is.
        """
        if self.pixels is None:
            check_photo(self.path, max_megapixels=limits.megapixels, max_mb=limits.memory_mb)

    def read(self, max_megapixels: float) -> Photograph:
        """The photograph; see `read_photo`."""
        if self.pixels is not None:
            return self.pixels
        return read_photo(self.path, max_megapixels=max_megapixels)


def source_of(row: Row, listed: dict[str, Points]) -> Source:
    """A photo as the sheet has it, with its landmarks if the list of marked ones names it."""
    path = Path(row.path)
    return Source(
        row.photo,
        path,
        align=row.align,
        points=landmarks_of(listed, row.photo, path),
        characteristics=row.characteristics,
    )


def advance(
    job: Job,
    source: Source,
    input_keys: Mapping[str, str],
    shelf: Shelf,
    uncounted: Uncounted = nullcontext,
    tell: Tell | None = None,
) -> tuple[list[str], bool]:
    """Bring one photo through one step.

    Args:
        job: the step, its place and settings.
        source: the photograph.
        input_keys: artifact keys by input name.
        shelf: where inputs are and outputs go.
        uncounted: see `limits`; networks are loaded in its context.
        tell: whom to tell how far a long step is.

    Returns:
        The keys of the artifacts, several only where align finds several faces, and whether they
        were on the shelf already.

    Raises:
        UnrippleError: the photo cannot be done.
    """
    step = job.step
    inputs = dict(input_keys)
    if step.reads_photo:
        source.check(job.limits)
        inputs["file"] = source.sha256()
    truth = None
    if step.reads_truth:
        truth = TruthFolder(source.path, source.photo, str(job.of), job.settings["moves"])
        inputs |= {f"truth {name}": digest for name, digest in truth.digests().items()}
    edited = _edited(job, source)
    if edited is not None:
        inputs |= edited.digests()
    offset = _offered(job, source)
    if offset is not None:
        inputs["translation"] = array_sha256(offset)
    ingredients = job.ingredients(inputs, step.own(job.settings, source))
    found = find(shelf, ingredients)
    if found is not None:
        return found, True
    settings = ingredients["settings"]
    photo = source.read(job.limits.megapixels) if step.reads_photo else None
    known = None if truth is None else truth.read()
    _check_unchanged(source, truth, inputs, edited)
    _load(job, step.roles(settings), uncounted)
    work = Work(
        settings,
        _inputs(shelf, input_keys),
        job.zoo,
        photo,
        directions_path(job.directions),
        known,
        offset,
        job.domain,
        edited,
        **_slowly(shelf, ingredients, source.photo, tell),
    )
    with one_thread():
        made = step.call(work)
    artifacts = made if isinstance(made, list) else [made]
    # A picture that takes the photo's place says what the photo said.
    metadata = photo.metadata if photo is not None and step.marked else NOTHING
    keys = keep(shelf, artifacts, ingredients, metadata)
    work.draft.remove()
    return keys, False


def advance_together(
    job: Job,
    subjects: Mapping[str, Mapping[str, str]],
    shelf: Shelf,
    uncounted: Uncounted = nullcontext,
    tell: Tell | None = None,
) -> None:
    """Bring the first photos that lack a step through it in one batch, on a GPU; else do nothing.

    On a CPU a batch is hardly faster, and its sums, and so the bytes, would depend on who is in it.
    `advance` finds the artifacts on the shelf afterwards.

    Args:
        job: the step, its place and settings.
        subjects: photo -> artifact keys by input name, in the order of the shard.
        shelf, uncounted, tell: as for `advance`.
    """
    if job.batch == 1 or job.step.together is None or job.zoo.device == "cpu":
        return
    made_from = {name: job.ingredients(inputs) for name, inputs in subjects.items()}
    lacking = [name for name in subjects if find(shelf, made_from[name]) is None][: job.batch]
    if len(lacking) < 2 or lacking[0] != next(iter(subjects)):
        return
    _load(job, job.step.roles(job.settings), uncounted)
    if not job.on_gpu():
        return
    shown = f"{lacking[0]} and {len(lacking) - 1} more"
    suffix = "-" + value_sha256([made_from[name] for name in lacking])
    slowly = _slowly(shelf, made_from[lacking[0]], shown, tell, suffix)
    works = [
        Work(job.settings, _inputs(shelf, subjects[name]), job.zoo, **slowly) for name in lacking
    ]
    with one_thread():
        artifacts = job.step.together(works)
    for name, artifact in zip(lacking, artifacts, strict=True):
        keep(shelf, [artifact], made_from[name])
    works[0].draft.remove()


def _load(job: Job, roles: Sequence[str], uncounted: Uncounted) -> None:
    """Load networks; nobody is told of it, again and again, once they are there."""
    there = all(job.zoo.is_loaded(role) for role in roles)
    with nullcontext() if there else uncounted():
        for role in roles:
            job.load(role)


def _inputs(shelf: Shelf, keys: Mapping[str, str]) -> dict[str, Artifact]:
    return {name: shelf.get(key) for name, key in keys.items()}


def _slowly(
    shelf: Shelf, ingredients: Mapping[str, Any], photo: str, tell: Tell | None, suffix: str = ""
) -> dict[str, Any]:
    """What a long step gets: where to keep how far it came, and whom to tell."""
    words: dict[str, Any] = {"draft": shelf.draft(value_sha256(ingredients), suffix)}
    return words if tell is None else words | {"tell": partial(tell, photo)}


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep networks to one thread: on several, their sums are ordered otherwise, and bytes differ.

    Torch is not imported for that. Where a step imports it only now, the environment tells it.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
        return
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


def _edited(job: Job, source: Source) -> EditedFile | None:
    """What another program made of the photo, where the step asks for it; read when it is needed.

    Raises:
        NotOffered: there is none.
        BadPhoto: there are several.
    """
    if not job.step.reads_edited:
        return None
    if source.edited is not None:
        return source.edited
    assert job.edited is not None
    limit = job.limits.megapixels
    return find_edited(job.edited, str(job.of), source.photo, max_megapixels=limit)


def _check_unchanged(
    source: Source,
    truth: TruthFolder | None,
    inputs: Mapping[str, str],
    edited: EditedFile | None,
) -> None:
    """Refuse files that changed between their digest and their reading.

    Raises:
        BadPhoto: one did; the artifact's name would lie about it for ever.
    """
    if "file" in inputs and source.sha256() != inputs["file"]:
        raise BadPhoto(f"{source.path}: changed while it was read; run again")
    if edited is not None:
        _ = edited.srgb, edited.mask
        if any(inputs[name] != digest for name, digest in edited.digests().items()):
            raise BadPhoto(f"{edited.path}: changed while it was read; run again")
    if truth is None:
        return
    for name, digest in truth.digests().items():
        if inputs.get(f"truth {name}") != digest:
            raise BadPhoto(f"{source.path}: its truth {name} changed while it was read; run again")


def _offered(job: Job, source: Source) -> WPlus | None:
    """The offset that the photo is offered for the job's translation, if it has one.

    Raises:
        NotOffered: the photo has what it would give it.
        BadTranslation: there is none for this photo.
    """
    if not job.step.reads_directions or "translation" not in job.settings:
        return None
    wanted = job.settings["translation"]
    try:
        known = characteristics_of(source.path, source.characteristics)
        return read_translation(job.library.choose(wanted, known))
    except BadTranslation as error:
        raise BadTranslation(f"{source.photo}: {error}") from error
