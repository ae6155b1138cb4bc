"""Reading foreign weights in a process of its own, which may be ended.

No Python code can interrupt a library that hangs, eats the memory or crashes over a file. So the
process that reads is watched from outside, and what it costs must be in proportion to the file.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from unripple.conventions import BadCheckpoint, UnrippleError
from unripple.processes import die_with, portable, resident_mb

Outcome = TypeVar("Outcome")

LEAST_S, S_PER_MB = 45.0, 0.1
"""Time that reading and converting a file may take, beyond that for its length."""

LEAST_MB, TIMES_THE_FILE = 1500.0, 4.0
"""The same for memory; torch alone is a third of it."""

_POLL_S = 0.02


def apart(work: Callable[[], Outcome], path: Path) -> Outcome:
    """Do something with a file in a child process, within limits that follow from its length.

    Args:
        work: runs in a forked child; what it returns is pickled.
        path: the file.

    Raises:
        BadCheckpoint: it took more time or memory than any weights of its length, or crashed.
        UnrippleError: whatever `work` raised.
    """
    size_mb = path.stat().st_size / 1e6
    seconds, memory_mb = LEAST_S + S_PER_MB * size_mb, LEAST_MB + TIMES_THE_FILE * size_mb
    context = multiprocessing.get_context("fork")
    pipe, far_end = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(work, far_end, os.getpid()))
    child.start()
    far_end.close()  # the pipe ends with the child
    start_mb, deadline = resident_mb(os.getpid()), time.monotonic() + seconds
    try:
        while not pipe.poll(_POLL_S):
            if time.monotonic() > deadline:
                raise _beyond(path, f"{seconds:.0f} s", size_mb)
            if resident_mb(child.pid) - start_mb > memory_mb:
                raise _beyond(path, f"{memory_mb:.0f} MB of memory", size_mb)
        try:
            good, outcome = pipe.recv()
        except EOFError:
            child.join()
            raise _died(path, child.exitcode or 0) from None
    finally:
        child.kill()
        child.join()
        pipe.close()
    if not good:
        raise outcome
    return outcome


def _beyond(path: Path, what: str, size_mb: float) -> BadCheckpoint:
    return BadCheckpoint(
        f"{path}: reading it took more than {what}, which no weights of {size_mb:.3g} MB need, so "
        "it was stopped; get the file from where its authors keep it"
    )


def _died(path: Path, status: int) -> BadCheckpoint:
    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return BadCheckpoint(
        f"{path}: the process that read it ended with {how}: a library crashed over it, or the "
        "machine was out of memory; get the file again"
    )


def _work(work: Callable[[], Any], pipe: Connection, parent: int) -> None:
    """The child's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it, too, and ends the child
    die_with(parent)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)  # threads do not survive a fork
    try:
        outcome: tuple[bool, Any] = (True, work())
    except Exception as error:
        outcome = (False, portable(error, UnrippleError))
    pipe.send(outcome)
