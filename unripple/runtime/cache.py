"""Where artifacts are kept between steps: in the store on disk, or in memory for a live session."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from unripple.io.artifact import Artifact, Part
from unripple.io.digest import value_sha256
from unripple.io.draft import Draft
from unripple.io.metadata import NOTHING, Metadata
from unripple.io.store import Store

Ingredients = Mapping[str, Any]


class ArtifactCache(Protocol):
    """Artifacts by key."""

    def has(self, key: str) -> bool:
        """Whether the artifact is there."""

    def get(self, key: str) -> Artifact:
        """The artifact of a key that is there."""

    def put(self, key: str, artifact: Artifact, made_from: Ingredients, metadata: Metadata) -> None:
        """Keep an artifact."""

    def draft(self, key: str, suffix: str = "") -> Draft:
        """Where the making of an artifact keeps how far it came."""

    def making(self, key: str) -> AbstractContextManager[None]:
        """Waits until nobody else makes an artifact, and keeps others waiting."""


class StoreCache:
    """Artifacts on disk; colour pictures carry the mark if the ingredients say so."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def has(self, key: str) -> bool:
        """See `ArtifactCache`."""
        return self._store.has(key)

    def get(self, key: str) -> Artifact:
        """See `ArtifactCache`."""
        if _recent is None:
            return self._store.get(key)
        if not _recent.has(key):
            _recent.add(key, self._store.get(key))
        return _recent.get(key)

    def get_part(self, key: str, part: str) -> Part:
        """One part of the artifact of a key that is there."""
        if _recent is not None and _recent.has(key) and part in (kept := _recent.get(key)):
            return kept[part]
        return self._store.get_part(key, part)

    def put(self, key: str, artifact: Artifact, made_from: Ingredients, metadata: Metadata) -> None:
        """See `ArtifactCache`."""
        marked = bool(made_from["settings"].get("digital_source_type"))
        self._store.put(key, artifact, made_from, metadata=metadata.of_result(marked=marked))
        if _recent is not None:
            _recent.add(key, {name: _as_read(part) for name, part in artifact.items()})

    def draft(self, key: str, suffix: str = "") -> Draft:
        """See `ArtifactCache`."""
        return self._store.draft(key, suffix)

    def making(self, key: str) -> AbstractContextManager[None]:
        """See `ArtifactCache`."""
        return self._store.making(key)


class MemoryCache:
    """The most recently used artifacts, in memory.

    Args:
        capacity: how many to keep; one photo with one edit makes 17.
    """

    def __init__(self, capacity: int = 256) -> None:
        self._artifacts: OrderedDict[str, Artifact] = OrderedDict()
        self._capacity = capacity

    def has(self, key: str) -> bool:
        """See `ArtifactCache`."""
        return key in self._artifacts

    def get(self, key: str) -> Artifact:
        """See `ArtifactCache`."""
        self._artifacts.move_to_end(key)
        return self._artifacts[key]

    def put(
        self,
        key: str,
        artifact: Artifact,
        made_from: Ingredients,  # noqa: ARG002 (nobody reads them here)
        metadata: Metadata,  # noqa: ARG002
    ) -> None:
        """See `ArtifactCache`."""
        self._artifacts[key] = artifact
        if len(self._artifacts) > self._capacity:
            self._artifacts.popitem(last=False)

    def draft(self, key: str, suffix: str = "") -> Draft:  # noqa: ARG002 (nothing is kept)
        """See `ArtifactCache`."""
        return Draft()

    def making(self, key: str) -> AbstractContextManager[None]:  # noqa: ARG002 (it is one session's)
        """See `ArtifactCache`."""
        return nullcontext()

    def trim(self, max_bytes: int) -> int:
        """Drop the artifacts that were used longest ago; how many bytes the others hold."""
        held = sum(_bytes(artifact) for artifact in self._artifacts.values())
        while self._artifacts and held > max_bytes:
            held -= _bytes(self._artifacts.popitem(last=False)[1])
        return held


def _bytes(artifact: Artifact) -> int:
    return sum(int(getattr(part, "nbytes", 0)) for part in artifact.values())


RECENT_BYTES = 64_000_000
"""What a worker process keeps of artifacts in memory: those of ten photos with the embedded models.
Decoding them again and again was a tenth of a workflow's time."""


class _Recent:
    """The artifacts that a process wrote or read last; a key's content never changes."""

    def __init__(self) -> None:
        self._artifacts: OrderedDict[str, Artifact] = OrderedDict()
        self._held = 0

    def has(self, key: str) -> bool:
        return key in self._artifacts

    def get(self, key: str) -> Artifact:
        self._artifacts.move_to_end(key)
        return self._artifacts[key]

    def add(self, key: str, artifact: Artifact) -> None:
        if key not in self._artifacts:
            self._artifacts[key] = artifact
            self._held += _bytes(artifact)
        while self._held > RECENT_BYTES and len(self._artifacts) > 1:
            self._held -= _bytes(self._artifacts.popitem(last=False)[1])


_recent: _Recent | None = None


def keep_artifacts() -> None:
    """From now on, keep what this process's `StoreCache`s wrote and read last in memory, too."""
    global _recent
    _recent = _Recent()


def _as_read(part: Part) -> Part:
    """A part as the store would give it back: sums depend on how numbers lie in memory."""
    if isinstance(part, Mapping):
        read: Part = json.loads(json.dumps(part))
        return read
    return np.ascontiguousarray(part) if part.ndim else part


class LayeredCache:
    """What a run has finished, read from its store; what is new stays in memory.

    Args:
        store: is only read.
        memory: takes what the store lacks.
    """

    def __init__(self, store: Store, memory: MemoryCache) -> None:
        self._store = store
        self._memory = memory

    def has(self, key: str) -> bool:
        """See `ArtifactCache`."""
        return self._memory.has(key) or self._store.has(key)

    def get(self, key: str) -> Artifact:
        """See `ArtifactCache`."""
        return self._memory.get(key) if self._memory.has(key) else self._store.get(key)

    def put(self, key: str, artifact: Artifact, made_from: Ingredients, metadata: Metadata) -> None:
        """See `ArtifactCache`."""
        self._memory.put(key, artifact, made_from, metadata)

    def draft(self, key: str, suffix: str = "") -> Draft:
        """See `ArtifactCache`."""
        return self._memory.draft(key, suffix)

    def making(self, key: str) -> AbstractContextManager[None]:
        """See `ArtifactCache`."""
        return self._memory.making(key)


def find(cache: ArtifactCache, ingredients: Ingredients) -> list[str] | None:
    """The keys of what these ingredients make, if all of it is in the cache.

    One key, but for a photograph of which every face is wanted: then one per face.
    """
    count = 1
    if _makes_several(ingredients):
        counted = value_sha256(_of_count(ingredients))
        if not cache.has(counted):
            return None
        faces: Any = cache.get(counted)["faces"]
        count = faces["count"]
    keys = [value_sha256(_of_face(ingredients, number)) for number in range(count)]
    return keys if all(cache.has(key) for key in keys) else None


def keep(
    cache: ArtifactCache,
    artifacts: list[Artifact],
    ingredients: Ingredients,
    metadata: Metadata = NOTHING,
) -> list[str]:
    """Keep what these ingredients made, under the keys that `find` will give.

    Args:
        cache: where to.
        artifacts: what was made.
        ingredients: what it was made from.
        metadata: the photo's, for pictures that take its place.
    """
    keys = []
    for number, artifact in enumerate(artifacts):
        made_from = _of_face(ingredients, number)
        keys.append(value_sha256(made_from))
        cache.put(keys[-1], artifact, made_from, metadata)
    if _makes_several(ingredients):
        made_from = _of_count(ingredients)
        cache.put(value_sha256(made_from), {"faces": {"count": len(artifacts)}}, made_from, NOTHING)
    return keys


def _makes_several(ingredients: Ingredients) -> bool:
    return bool(ingredients["settings"].get("faces") == "all")


def _of_face(ingredients: Ingredients, number: int) -> Ingredients:
    return {**ingredients, "face": number} if _makes_several(ingredients) else ingredients


def _of_count(ingredients: Ingredients) -> Ingredients:
    return {**ingredients, "face": "count"}
