"""One photo through one step: find its artifact by its key, or make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from unripple.conventions import BadPhoto, BadTranslation, NotOffered, WPlus
from unripple.io.artifact import Artifact
from unripple.io.digest import array_sha256, file_sha256, value_sha256
from unripple.io.edited import EditedFile, find_edited
from unripple.io.kept import KeptMask, mask_file, read_mask
from unripple.io.landmarks import Points, landmarks_of
from unripple.io.metadata import NOTHING
from unripple.io.photo import Photograph, check_photo, read_photo
from unripple.io.sheet import Row
from unripple.io.translations import characteristics_of, read_translation
from unripple.io.truth import TruthFolder
from unripple.pipeline.jobs import Job
from unripple.pipeline.limits import Limits
from unripple.runtime.cache import ArtifactCache, find, keep
from unripple.runtime.limits import Uncounted
from unripple.runtime.shared import Shared
from unripple.runtime.threads import one_thread
from unripple.runtime.work import OnProgress, Work
from unripple.stages.keeping import MASKS
from unripple.zoo.zoo import directions_path, import_torch


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
            return self.pixels.sha256
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


def compute_or_load(
    job: Job,
    source: Source,
    input_keys: Mapping[str, str],
    cache: ArtifactCache,
    uncounted: Uncounted = nullcontext,
    on_progress: OnProgress | None = None,
    cores: int = 1,
) -> tuple[list[str], bool]:
    """Bring one photo through one step.

    Args:
        job: the step, its place and settings.
        source: the photograph.
        input_keys: artifact keys by input name.
        cache: where inputs are and outputs go.
        uncounted: see `limits`; networks are loaded in its context.
        on_progress: called with how far a long step is.
        cores: how many it may use, where its bytes do not depend on them.

    Returns:
        The keys of the artifacts, several only where align finds several faces, and whether they
        were in the cache already.

    Raises:
        UnrippleError: the photo cannot be done.
    """
    step = job.step
    _check_asked(job, source)
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
    mask = None
    if job.settings.get("keep") == MASKS:
        mask = mask_file(Path(job.keep), source.photo, source.path.name)
    if mask is not None:
        inputs["keep"] = file_sha256(mask)
    own = {**step.own(job.settings, source)}
    # How a face is found the sheet or marked points may say instead of the photo.
    said = step.reads_photo and (source.align or source.points is not None)
    if job.settles and not said:
        own |= _settled(job, source, {**job.settings, **own}, inputs, input_keys, cache, uncounted)
    reads_photo = step.reads_photo or step.looks_at_photo({**job.settings, **own})
    if reads_photo and "file" not in inputs:
        source.check(job.limits)
        inputs["file"] = source.sha256()
    ingredients = job.ingredients(inputs, own)
    if (there := find(cache, ingredients)) is not None:
        return there, True
    settings = ingredients["settings"]
    photo = source.read(job.limits.megapixels) if reads_photo else None
    truth_of_photo = None if truth is None else truth.read()
    _check_unchanged(source, truth, inputs, edited)
    slowly = _slowly(cache, ingredients, source.photo, on_progress)
    ready = partial(_load, job, step.roles(settings), uncounted)
    if step.loads_late:
        slowly["ready"] = ready
    else:
        ready()
    work = Work(
        settings,
        _inputs(cache, input_keys),
        job.zoo,
        photo,
        directions_path(job.directions),
        truth_of_photo,
        offset,
        job.domain,
        None if mask is None else _mask(mask, source, job.limits),
        edited,
        share=Shared(job, settings, ingredients["weights"], cache, uncounted),
        **slowly,
    )
    with one_thread(threads_of(job, settings, cores)):
        made = step.call(work)
    artifacts = made if isinstance(made, list) else [made]
    # A picture that takes the photo's place says what the photo said.
    metadata = photo.metadata if photo is not None and step.reads_photo and step.marked else NOTHING
    keys = keep(cache, artifacts, ingredients, metadata)
    work.draft.remove()
    return keys, False


MOST_THREADS = 4
"""More hardly help a network of one picture."""


def threads_of(job: Job, settings: Mapping[str, Any], cores: int) -> int:
    """On how many threads a step may compute: small networks would wait for theirs."""
    roles = job.step.roles(settings)
    alike = job.step.threads_alike and roles and all(map(job.zoo.is_large, roles))
    return min(cores, MOST_THREADS) if alike else 1


def _mask(path: Path, source: Source, limits: Limits) -> KeptMask:
    """The mask of what the edit leaves alone; the photo tells what it is about."""
    photo = source.read(limits.megapixels).pixels
    return read_mask(path, photo, max_megapixels=limits.megapixels)


def _settled(
    job: Job,
    source: Source,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    input_keys: Mapping[str, str],
    cache: ArtifactCache,
    uncounted: Uncounted,
) -> Mapping[str, Any]:
    """What the photo's pixels decide of its settings, see `Stage.settle`; kept, so decided once."""
    made_from = job.settled_by(inputs, settings)
    key = value_sha256(made_from)
    if not cache.has(key):
        step = job.step
        assert step.settle is not None
        photo = source.read(job.limits.megapixels) if step.reads_photo else None
        _check_unchanged(source, None, inputs, None)
        _load(job, step.settle_roles, uncounted)
        settings = {**settings, **job.open_settings}
        work = Work(settings, _inputs(cache, input_keys), job.zoo, photo)
        with one_thread():
            decided = step.settle(work, step.settings.of(settings))
        cache.put(key, {"settled": dict(decided)}, made_from, NOTHING)
    settled: Any = cache.get(key)["settled"]
    return dict(settled)


def compute_together(
    job: Job,
    subjects: Mapping[str, Mapping[str, str]],
    cache: ArtifactCache,
    uncounted: Uncounted = nullcontext,
    on_progress: OnProgress | None = None,
) -> None:
    """Bring the first photos that lack a step through it in one batch, on a GPU; else do nothing.

    On a CPU a batch is hardly faster, and its sums, and so the bytes, would depend on who is in it.
    `compute_or_load` finds the artifacts in the cache afterwards.

    Args:
        job: the step, its place and settings.
        subjects: photo -> artifact keys by input name, in the order of the shard.
        cache, uncounted, on_progress: as for `compute_or_load`.
    """
    if job.batch == 1 or job.step.together is None or job.zoo.device == "cpu":
        return
    if not job.step.batches(job.settings):
        return
    made_from = {name: job.ingredients(inputs) for name, inputs in subjects.items()}
    lacking = [name for name in subjects if find(cache, made_from[name]) is None][: job.batch]
    if len(lacking) < 2 or lacking[0] != next(iter(subjects)):
        return
    _load(job, job.step.roles(job.settings), uncounted)
    if not job.on_gpu():
        return
    shown = f"{lacking[0]} and {len(lacking) - 1} more"
    suffix = "-" + value_sha256([made_from[name] for name in lacking])
    slowly = _slowly(cache, made_from[lacking[0]], shown, on_progress, suffix)
    works = [
        Work(job.settings, _inputs(cache, subjects[name]), job.zoo, **slowly) for name in lacking
    ]
    with one_thread():
        artifacts = job.step.together(works)
    for name, artifact in zip(lacking, artifacts, strict=True):
        keep(cache, [artifact], made_from[name])
    works[0].draft.remove()


def _load(job: Job, roles: Sequence[str], uncounted: Uncounted) -> None:
    """Load networks; nobody is told of it, again and again, once they are there."""
    there = all(job.zoo.is_loaded(role) for role in roles)
    with nullcontext() if there else uncounted():
        if not there:
            import_torch()  # with the threads that it has for others
        with one_thread():  # the many small tensors of a file would wait for each other's threads
            for role in roles:
                job.load(role)


def _inputs(cache: ArtifactCache, keys: Mapping[str, str]) -> dict[str, Artifact]:
    return {name: cache.get(key) for name, key in keys.items()}


def _slowly(
    cache: ArtifactCache,
    ingredients: Mapping[str, Any],
    photo: str,
    on_progress: OnProgress | None,
    suffix: str = "",
) -> dict[str, Any]:
    """What a long step gets: where to keep how far it came, and what to call."""
    words: dict[str, Any] = {"draft": cache.draft(value_sha256(ingredients), suffix)}
    return words if on_progress is None else words | {"on_progress": partial(on_progress, photo)}


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


def _check_asked(job: Job, source: Source) -> None:
    """Leave out the photos that the edit is not for.

    Raises:
        NotOffered: the edit names its photos, and this is none of them.
    """
    if job.only is not None and not {source.photo, source.path.name} & set(job.only):
        raise NotOffered(f"{source.photo}: the edit {job.of} is for other photos (edits: photos)")


def _offered(job: Job, source: Source) -> WPlus | None:
    """The offset that the photo is offered for the job's translation, if it has one.

    Raises:
        NotOffered: the photo has what it would give it.
        BadTranslation: there is none for this photo.
    """
    if not job.step.reads_directions or "translation" not in job.settings:
        return None
    name = job.settings["translation"]
    try:
        values = characteristics_of(source.path, source.characteristics)
        return read_translation(job.library.choose(name, values))
    except BadTranslation as error:
        raise BadTranslation(f"{source.photo}: {error}") from error
