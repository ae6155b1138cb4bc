"""What several artifacts of a stage have in common, cached under a key of its own.

Edits of one photo need one painted plate: it is made by the first, and found by the others. Its key
is made like an artifact's, from what it depends on and nothing else. No manifest names it, so
`unripple verify --prune` takes it away; then the next new edit makes it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from unripple.io.artifact import Artifact
from unripple.io.digest import array_sha256, value_sha256
from unripple.io.metadata import NOTHING
from unripple.pipeline.jobs import Job
from unripple.runtime.cache import ArtifactCache
from unripple.runtime.limits import Uncounted

_MARK = "digital_source_type"
"""Whether its pictures carry the mark of altered ones."""


@dataclass(frozen=True)
class Shared:
    """Makes or finds what artifacts of one job share.

    Attributes:
        job: the step, its place and settings.
        settings: those of the photo.
        weights: SHA-256 by role, see `Job.ingredients`.
        cache: where to look and to keep.
        uncounted: opens a context in which time does not count, for waiting.
    """

    job: Job
    settings: Mapping[str, Any]
    weights: Mapping[str, str]
    cache: ArtifactCache
    uncounted: Uncounted

    def __call__(
        self,
        name: str,
        made_from: Mapping[str, Any],
        make: Callable[[], Artifact],
        roles: Sequence[str] | None,
    ) -> Artifact:
        """See `stages.interface.Work.shared`."""
        arrays = {what: v for what, v in made_from.items() if isinstance(v, np.ndarray)}
        plain = {what: v for what, v in made_from.items() if what not in arrays}
        mark = {_MARK: self.settings[_MARK]} if _MARK in self.settings else {}
        decided_by = self.weights if roles is None else {r: self.weights[r] for r in roles}
        ingredients = {
            "stage": self.job.step.stage,
            "shared": name,
            "version": self.job.step.version,
            "settings": plain | mark,
            "weights": dict(decided_by),
            "inputs": {what: array_sha256(array) for what, array in arrays.items()},
        }
        key = value_sha256(ingredients)
        if self.cache.has(key):
            return self.cache.get(key)
        with ExitStack() as held:
            with self.uncounted():  # jobs of other edits make the very same just now
                held.enter_context(self.cache.making(key))
            if not self.cache.has(key):
                self.cache.put(key, make(), ingredients, NOTHING)
        return self.cache.get(key)
