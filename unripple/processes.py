"""What a process can ask of the system about another one. Knows nothing of the project."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

import psutil

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """End this process when its parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # killed before that call
            os._exit(1)


def resident_mb(process: int | None) -> float:
    """Memory of a process that is in use, megabytes; 0 if there is no such process."""
    try:
        return float(psutil.Process(process).memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0
