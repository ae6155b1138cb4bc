"""One picture of a photo with all of its faces edited, from those with one of them edited each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from unripple.conventions import Mask, Photo
from unripple.io.artifact import Artifact
from unripple.io.digest import value_sha256
from unripple.io.results import FACE_MARK, photo_of
from unripple.pipeline.jobs import Job
from unripple.runtime.cache import ArtifactCache
from unripple.runtime.compute import Source

JOINED = "paste"
"""The stage whose pictures are joined."""
_VERSION = 1  # raise it when the same pictures shall give other joint ones


def groups_of(subjects: Sequence[str]) -> dict[str, list[str]]:
    """The photos of which several faces are worked on: photo -> its faces, the largest first."""
    faces_of: dict[str, list[str]] = {}
    for subject in subjects:
        if FACE_MARK in subject:
            faces_of.setdefault(photo_of(subject), []).append(subject)
    return {
        photo: sorted(faces, key=lambda face: int(face.partition(FACE_MARK)[2]))
        for photo, faces in faces_of.items()
    }


def join_faces(aligned: Sequence[Artifact], pasted: Sequence[Callable[[], Artifact]]) -> Artifact:
    """Join the pictures of a photo's faces.

    Args:
        aligned: what `align` made, face by face.
        pasted: gives what `paste` made, face by face.
    """
    from unripple.ops.composite import EditedFace, join
    from unripple.ops.geometry import apply, scale_of

    def loads(load: Callable[[], Artifact]) -> Callable[[], tuple[Photo, Mask]]:
        def parts() -> tuple[Photo, Mask]:
            made: Any = load()
            return made["picture"], made["touched"]

        return parts

    faces = []
    for one, load in zip(aligned, pasted, strict=True):
        transform: Any = one["transform"]
        crop: Any = one["picture"]
        side = crop.shape[0]
        centre = apply(transform, np.array([side / 2, side / 2]))
        faces.append(EditedFace(loads(load), centre, side * scale_of(transform)))
    picture, touched = join(faces)
    return {"picture": picture, "touched": touched}


def keep_together(
    job: Job,
    source: Source,
    inputs: Mapping[str, Mapping[str, str]],
    pasted: Mapping[str, str],
    cache: ArtifactCache,
) -> tuple[str, bool]:
    """Keep the joint picture of a photo in the cache.

    Args:
        job: `paste` at its place.
        source: the photo.
        inputs: face -> keys of what its picture was made from, the largest first.
        pasted: face -> key of its picture.
        cache: where all of that is.

    Returns:
        Its key, and whether it was there already.
    """
    made_from = {
        "stage": JOINED,
        "version": [job.step.version, _VERSION],
        "settings": job.settings,
        "weights": {},
        "inputs": {"file": source.sha256(), **pasted},
        "faces": {face: inputs[face]["align"] for face in pasted},
    }
    key = value_sha256(made_from)
    if cache.has(key):
        return key, True
    metadata = source.read(job.limits.megapixels).metadata
    aligned = [cache.get(inputs[face]["align"]) for face in pasted]
    loads = [_getter(cache, one) for one in pasted.values()]
    cache.put(key, join_faces(aligned, loads), made_from, metadata)
    return key, False


def _getter(cache: ArtifactCache, key: str) -> Callable[[], Artifact]:
    return lambda: cache.get(key)
