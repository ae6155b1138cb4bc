"""How far a long computation is, or an edit of several photos."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

log = logging.getLogger(__name__)


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


class StepMeter:
    """Says on stderr which stage of which photo is at work: a bar on a terminal, else now and then
    a line. A long stage does not silence it.

    Args:
        steps: how many there are in all.
        quiet: say nothing.
        verbose: say of each stage how long it took.
        stream: where the bar goes.
    """

    TICK_S = 1.0
    LINES_S, RARELY_S = 5.0, 40.0

    def __init__(
        self, steps: int, *, quiet: bool, verbose: bool, stream: IO[str] | None = None
    ) -> None:
        self._steps, self._quiet, self._verbose = steps, quiet, verbose
        self._stream = stream if stream is not None else sys.stderr
        self._bar: Any = None
        self._done, self._photo, self._now = 0, "", "start"
        self._began = time.monotonic()
        self._ended = threading.Event()

    def __enter__(self) -> StepMeter:
        self._exits = contextlib.ExitStack()
        if not self._quiet and self._stream.isatty():
            from tqdm import tqdm
            from tqdm.contrib.logging import logging_redirect_tqdm

            self._exits.enter_context(logging_redirect_tqdm())
            self._bar = tqdm(
                total=self._steps, file=self._stream, leave=False, dynamic_ncols=True, unit="stage"
            )
            self._exits.callback(self._bar.close)
        if not self._quiet:
            ticker = threading.Thread(target=self._tick, daemon=True)
            ticker.start()
            self._exits.callback(ticker.join)
        self._exits.callback(self._ended.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    @contextlib.contextmanager
    def photo(self, name: str) -> Iterator[None]:
        """While a photo is at work."""
        self._photo = name
        try:
            yield
        finally:
            self._time()
            self._now = "start"

    def stage(self, stage: str) -> None:
        """A stage begins."""
        self._time()
        self._now, self._began = stage, time.monotonic()
        self._done += 1
        if self._bar is not None:
            self._bar.update(1)
            self._bar.set_description(f"{self._photo}: {stage}")

    def loss(self, name: str, iteration: int, of: int, loss: float) -> None:  # noqa: ARG002
        """See `unripple.runtime.work.OnProgress`."""
        self._now = f"{self._now.split()[0]} {iteration}/{of} loss {loss:.5f}"
        if self._bar is not None:
            self._bar.set_description(f"{self._photo}: {self._now}")

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """While something else is written to the terminal."""
        if self._bar is None:
            yield
        else:
            with self._bar.external_write_mode(file=sys.stdout):
                yield

    def _time(self) -> None:
        if self._verbose and self._now != "start":
            stage, took_s = self._now.split()[0], time.monotonic() - self._began
            log.info("%s: %s: %.1f s", self._photo, stage, took_s)

    def _tick(self) -> None:
        """The clock in the bar goes on; where there is none, a line tells that all is well."""
        began, pause_s = time.monotonic(), self.TICK_S if self._bar is not None else self.LINES_S
        while not self._ended.wait(pause_s):
            if self._bar is not None:
                self._bar.refresh()
                continue
            at, took_s = f"{self._done} of {self._steps}", time.monotonic() - began
            log.info("%s: %s, %s, %.0f s", self._photo, self._now, at, took_s)
            pause_s = min(2 * pause_s, self.RARELY_S)  # a slow machine is not to fill the screen
