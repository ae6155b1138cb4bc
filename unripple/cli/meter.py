"""How far a download is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import IO

from unripple.cli.model_table import size_text


class Meter:
    """Says on stderr how far a download is: in place on a terminal, else in lines, now and then.

    Args:
        name: of what is downloaded.
        stream: where to say it.
        clock: seconds.
    """

    TERMINAL_S = 0.2
    LINES_S = 10.0

    def __init__(
        self,
        name: str,
        stream: IO[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.stream = stream if stream is not None else sys.stderr
        self.clock = clock
        self.in_place = self.stream.isatty()
        self.last = -float("inf")

    def __call__(self, done: int, total: int | None) -> None:
        """See `unripple.zoo.fetch.Progress`."""
        now = self.clock()
        if done != total and now - self.last < (self.TERMINAL_S if self.in_place else self.LINES_S):
            return
        self.last = now
        share = f" of {size_text(total)}, {100 * done // max(total, 1)}%" if total else ""
        line = f"{self.name}: {size_text(done)}{share}"
        ending = "\n" if not self.in_place or done == total else ""
        self.stream.write(f"\r\x1b[K{line}{ending}" if self.in_place else f"{line}{ending}")
        self.stream.flush()
