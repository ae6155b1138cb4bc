"""Watching what one photo costs at one stage."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from unripple.conventions import LimitExceeded
from unripple.pipeline.limits import Limits
from unripple.processes import resident_mb

Uncounted: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Opens a context in which time and memory do not count, for loading networks."""

POLL_S = 0.05
"""How often a process at a photo is looked at. Most photos are done with one look or two."""


class PhotoBudget:
    """What a process may take for a photo, from now on.

    Args:
        limits: seconds and memory_mb count.
        start_mb: memory that does not count.
    """

    def __init__(self, limits: Limits, start_mb: float = 0.0) -> None:
        self._limits, self._start_mb = limits, start_mb
        self._deadline = time.monotonic() + limits.seconds

    def excess(self, process: int) -> LimitExceeded | None:
        """The photo's error, if the process took more; it is to be killed then."""
        seconds, memory_mb = self._limits.seconds, self._limits.memory_mb
        if time.monotonic() > self._deadline:
            return _over(f"{seconds:g} s", "seconds")
        if resident_mb(process) - self._start_mb > memory_mb:
            return _over(f"{memory_mb:g} MB of memory", "memory_mb")
        return None


def _over(what: str, limit: str) -> LimitExceeded:
    return LimitExceeded(f"took more than {what}; raise limits.{limit} or leave the photo out")
