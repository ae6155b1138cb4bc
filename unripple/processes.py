"""What a process can ask of the system about another one. Knows nothing of the project."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """End this process when its parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # killed before that call
            os._exit(1)


def resident_mb(process: int | None) -> float:
    """Memory of a process that is in use, megabytes; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def portable(error: Exception, otherwise: type[Exception]) -> Exception:
    """The error itself where it survives the way to another process, else its text in another."""
    with contextlib.suppress(Exception):  # an error class may do anything when it is copied
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    return otherwise(f"{type(error).__name__}: {error}")
