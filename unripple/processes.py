"""What a process can ask of the system about another one. Knows nothing of the project."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import signal
import sys
from collections.abc import Iterator

import psutil

_SELDOM = (20_000, 20, 50)  # new objects, and looks among younger ones; Python: 700, 10, 10
_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """End this process when its parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # killed before that call
            os._exit(1)


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Import large libraries within it: what they leave is no garbage, and looking for such is a
    fifth of the time, now and whenever it is looked for later."""
    looked_for = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if looked_for:
            gc.enable()


def seldom_collect() -> None:
    """Look for garbage less often from now on, and not among what is there: nearly all is freed by
    its count of references, and every look walks through what is alive."""
    gc.freeze()
    gc.set_threshold(*_SELDOM)


def own_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # a container or a batch system may grant fewer
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resident_mb(process: int | None) -> float:
    """Memory of a process that is in use, megabytes; 0 if there is no such process."""
    try:
        return float(psutil.Process(process).memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0


def portable(error: Exception, otherwise: type[Exception]) -> Exception:
    """The error itself where it survives the way to another process, else its text in another."""
    with contextlib.suppress(Exception):  # an error class may do anything when it is copied
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    return otherwise(f"{type(error).__name__}: {error}")
