"""A shard job: one step for the photos of one shard, computing only what the store lacks.

A photo that cannot be done is a result, too: its failure goes into the manifest, flows through the
stages after it, and the other photos finish. What is wrong with the machine or the config (a full
disk, a missing weights file) stops the job instead, and leaves no manifest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from unripple.conventions import (
    BadPhoto,
    BadTranslation,
    Crashed,
    LimitExceeded,
    NoFace,
    NotAPair,
    NotOffered,
    SeveralFaces,
    ShapeMismatch,
    StoreError,
    UnrippleError,
)
from unripple.io.landmarks import read_landmarks
from unripple.io.photo import printable
from unripple.io.results import FACE_MARK, Failure, Manifest, Results, photo_of
from unripple.io.sheet import Row
from unripple.pipeline.jobs import Job
from unripple.runtime.cache import StoreCache
from unripple.runtime.compute import Source, compute_or_load, compute_together, source_of
from unripple.runtime.joint import JOINED, groups_of, keep_together
from unripple.runtime.limits import Uncounted
from unripple.runtime.pool import Each, unwatched
from unripple.runtime.work import OnProgress

log = logging.getLogger(__name__)

_PHOTOS_FAULT = (
    BadPhoto,
    BadTranslation,
    NoFace,
    NotAPair,
    NotOffered,
    SeveralFaces,
    ShapeMismatch,
    LimitExceeded,
    Crashed,
)
_NOT_OFFERED = NotOffered.__name__

_Done: TypeAlias = Failure | tuple[list[str], str]
"""What became of a photo: its failure, or its artifacts' keys and what to tell."""


def run_shard(
    job: Job,
    shard: str,
    rows: Sequence[Row],
    present: Collection[str],
    results: Results,
    *,
    each: Each = unwatched,
    on_progress: OnProgress | None = None,
) -> Manifest:
    """Bring the store, the readable tree and, last, the manifest of one step up to date.

    Args:
        job: the step, its place and settings.
        shard: the shard's name.
        rows: the sheet's rows of this shard.
        present: ids of the photos to be worked on; old results of the other rows are taken away.
        results: where manifests, artifacts and pictures lie.
        each: how to go through the photos; a worker's has the job's limits on time and memory.
        on_progress: called with how far a long step is with a photo.

    Returns:
        The manifest that was written.

    Raises:
        StoreError: the disk is full or not writable, or an input is missing.
        UnrippleError: a weights file, a setting or the device is wrong.
    """
    sources = _sources(rows, job)
    subjects, failures = _subjects(job, shard, present, results)
    cache = StoreCache(results.store)
    keys: dict[str, str] = {}
    place = f"{job.step.stage} {job.of or ''}".strip()
    # After its faces comes the photo itself, with all of them edited.
    groups = groups_of(list(subjects)) if job.step.stage == JOINED else {}
    names = [*subjects, *(photo for photo in groups if photo not in failures)]

    def do(subject: str, uncounted: Uncounted) -> _Done:
        source, started = sources[photo_of(subject)], time.monotonic()
        try:
            if subject in groups:
                made, there = _together(job, source, groups[subject], subjects, failures, cache)
                return made, "there already" if there else f"{time.monotonic() - started:.1f} s"
            compute_together(job, _from(subject, subjects), cache, uncounted, on_progress)
            made, there = compute_or_load(
                job, source, subjects[subject], cache, uncounted, on_progress
            )
        except Exception as error:
            if not costs_one_photo(error):
                raise
            return _failure(job, error)
        return made, "there already" if there else f"{time.monotonic() - started:.1f} s"

    for number, (subject, done) in enumerate(each(names, do, job.limits), start=1):
        if isinstance(done, tuple):
            made, outcome = done
            keys |= dict(zip(face_names(subject, len(made)), made, strict=True))
        else:
            path = printable(str(sources[photo_of(subject)].path))
            failures[subject] = (
                done if isinstance(done, Failure) else _failure(job, done, f"{path}: ")
            )
            why = failures[subject]
            outcome = why.message if why.type == _NOT_OFFERED else f"failed: {why}"
        log.info("%s %s: %d/%d %s: %s", place, shard, number, len(names), subject, outcome)
    asked = {photo: why for photo, why in failures.items() if why.type != _NOT_OFFERED}
    not_offered = {photo: failures[photo] for photo in failures.keys() - asked.keys()}
    files = results.show(job.step.stage, job.of, keys, sources)
    manifest = Manifest(keys, asked, not_offered, files)
    results.write_manifest(job.step.stage, job.of, shard, manifest)
    return manifest


def _from(subject: str, subjects: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """A subject and those after it."""
    names = list(subjects)
    return {name: subjects[name] for name in names[names.index(subject) :]}


def _together(
    job: Job,
    source: Source,
    faces: Sequence[str],
    subjects: Mapping[str, Mapping[str, str]],
    failures: Mapping[str, Failure],
    cache: StoreCache,
) -> tuple[list[str], bool]:
    """The key of a photo with all of its faces edited, in a list, and whether it was there.

    Raises:
        UnrippleError: one of the faces cannot be done, at this stage or before.
    """
    lost = [face for face in failures if photo_of(face) == source.photo and face != source.photo]
    if lost:
        raise BadPhoto(f"{lost[0]} failed, so there is no picture with all faces edited")
    pasted = {}
    for face in faces:
        (pasted[face],), _ = compute_or_load(job, source, subjects[face], cache)
    key, there = keep_together(job, source, subjects, pasted, cache)
    return [key], there


def _sources(rows: Sequence[Row], job: Job) -> dict[str, Source]:
    listed = read_landmarks(Path(job.landmarks)) if job.landmarks else {}
    return {row.photo: source_of(row, listed) for row in rows}


def _subjects(
    job: Job, shard: str, present: Collection[str], results: Results
) -> tuple[dict[str, dict[str, str]], dict[str, Failure]]:
    """Photos (or faces) with the keys of their inputs, and those that stopped before."""
    sources = job.step.inputs(job.of)
    if not sources:
        return {photo: {} for photo in sorted(present)}, {}
    manifests = {
        name: results.read_manifest(stage, of, shard) for name, (stage, of) in sources.items()
    }
    failures: dict[str, Failure] = {}
    for manifest in manifests.values():
        failures = {**manifest.failures, **manifest.not_offered, **failures}
    named = {subject for manifest in manifests.values() for subject in manifest.keys}
    subjects = {
        subject: _keys_of(subject, manifests, f"{job.step.stage} {shard}")
        for subject in sorted(named - set(failures))
    }
    return subjects, failures


def _keys_of(subject: str, manifests: Mapping[str, Manifest], where: str) -> dict[str, str]:
    lacking = [name for name, manifest in manifests.items() if subject not in manifest.keys]
    if lacking:
        raise StoreError(
            f"{where}: {subject} is missing from the manifest of {lacking[0]}, others name it; "
            "run snakemake to bring all of them up to date"
        )
    return {name: manifest.keys[subject] for name, manifest in manifests.items()}


def face_names(subject: str, count: int) -> list[str]:
    """What the faces of a photo are called: like the photo, if there is one."""
    if count == 1:
        return [subject]
    return [f"{subject}{FACE_MARK}{number}" for number in range(1, count + 1)]


def costs_one_photo(error: Exception) -> bool:
    """Whether to go on with the other photos: its own fault, or an error that nobody foresaw.

    A full disk, a missing file of weights, an unknown device would fail every photo alike.
    """
    if isinstance(error, UnrippleError):
        return isinstance(error, _PHOTOS_FAULT)
    # torch's error for a full GPU cannot be named here without importing torch.
    out_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return not out_of_memory and not isinstance(error, ImportError)


def _failure(job: Job, error: Exception, about: str = "") -> Failure:
    if not isinstance(error, UnrippleError):
        log.warning("%s: unforeseen error", job.step.stage, exc_info=error)
    text = printable(" ".join(str(error).split()))
    return Failure(job.step.stage, type(error).__name__, about + text)
