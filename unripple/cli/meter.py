"""How far a long computation is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import IO


class _Line:
    """One line on stderr: in place on a terminal, else line after line, now and then.

    Args:
        stream: where to say it.
        clock: seconds.
    """

    TERMINAL_S = 0.2
    LINES_S = 10.0

    def __init__(
        self, stream: IO[str] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.clock = clock
        self.in_place = self.stream.isatty()
        self.last = -float("inf")

    def say(self, line: str, *, last: bool) -> None:
        """Say a line, unless one was said just before; the last one always."""
        now = self.clock()
        if not last and now - self.last < (self.TERMINAL_S if self.in_place else self.LINES_S):
            return
        self.last = now
        ending = "\n" if not self.in_place or last else ""
        self.stream.write(f"\r\x1b[K{line}{ending}" if self.in_place else f"{line}{ending}")
        self.stream.flush()


class LossMeter(_Line):
    """Says how far an optimisation is, as a bar with its loss."""

    CELLS = 24

    def __call__(self, name: str, iteration: int, of: int, loss: float) -> None:
        """See `unripple.runtime.work.OnProgress`."""
        filled = self.CELLS * iteration // max(of, 1)
        bar = "#" * filled + "." * (self.CELLS - filled)
        self.say(f"{name} [{bar}] {iteration}/{of} loss {loss:.5f}", last=iteration == of)


class CountMeter(_Line):
    """Says how many of many pictures are done."""

    def __call__(self, done: int, of: int, name: str) -> None:
        """See `unripple.runtime.compare.folders.Tell`."""
        self.say(f"{done}/{of} {name}", last=done == of)
