"""How far a long computation is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import IO


class LossMeter:
    """Says how far an optimisation is, as a bar with its loss.

    One line on stderr: in place on a terminal, else line after line, now and then.

    Args:
        stream: where to say it.
        clock: seconds.
    """

    CELLS = 24
    TERMINAL_S = 0.2
    LINES_S = 10.0

    def __init__(
        self, stream: IO[str] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.clock = clock
        self.in_place = self.stream.isatty()
        self.last = -float("inf")

    def __call__(self, name: str, iteration: int, of: int, loss: float) -> None:
        """See `unripple.runtime.work.Tell`. Says nothing just after another line, but the last."""
        now, at_end = self.clock(), iteration == of
        if not at_end and now - self.last < (self.TERMINAL_S if self.in_place else self.LINES_S):
            return
        self.last = now
        filled = self.CELLS * iteration // max(of, 1)
        bar = "#" * filled + "." * (self.CELLS - filled)
        line = f"{name} [{bar}] {iteration}/{of} loss {loss:.5f}"
        ending = "\n" if not self.in_place or at_end else ""
        self.stream.write(f"\r\x1b[K{line}{ending}" if self.in_place else f"{line}{ending}")
        self.stream.flush()
