"""How far a session's work is: what is made, at which stage, for how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

OPENING, EDITING = "opening", "editing"


class WorkProgress:
    """Told by the thread that works, asked by the one that answers.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._now: tuple[str, str, float] | None = None

    @contextmanager
    def of(self, work: str) -> Iterator[None]:
        """While something is made."""
        self._now = (work, "", self._clock())
        try:
            yield
        finally:
            self._now = None

    def stage(self, word: str) -> None:
        """A stage begins."""
        now = self._now
        if now is not None:
            self._now = (now[0], word, now[2])

    def as_json(self) -> dict[str, Any]:
        """What is made, its stage, and the seconds since it began; nothing while nothing is."""
        now = self._now
        if now is None:
            return {}
        return {"work": now[0], "stage": now[1], "seconds": round(self._clock() - now[2], 1)}
