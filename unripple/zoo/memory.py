"""Keep freed memory for the next picture instead of handing it back to the system.

A layer at 1024 px holds maps of more than 32 MB, which glibc takes from the system one by one and
gives back at once, so that every layer pays for clean pages again: two fifths of a picture's time
on a CPU. Kept, they cost a quarter more memory at the peak.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import lru_cache

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4  # numbers of malloc.h
_OURS = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1, _TOP_PAD: 64 << 20}
_THEIRS = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES")


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Tune glibc's malloc for this process, once.

    Returns:
        Whether it was tuned: not where the environment says how, and not without glibc.
    """
    if any(name in os.environ for name in _THEIRS):
        return False
    if sys.platform == "win32":
        return False
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is None:
        return False
    answers = [tune(option, value) for option, value in _OURS.items()]
    return all(answer == 1 for answer in answers)


def keep_large_maps(keep: bool) -> None:
    """Whether maps of more than 32 MB are kept for the next ones like all other memory.

    Not kept, they leave no holes that the next ones do not fit into. It pays where few are so
    large: LaMa's first and last layers at 1024 px, whose holes were a third of its memory; clean
    pages cost it a tenth of its time. Does nothing where memory is not kept anyway.
    """
    if keep_freed_memory():
        tune = ctypes.CDLL(None).mallopt
        tune(_MMAP_THRESHOLD, 32 << 20)
        tune(_MMAP_MAX, 0 if keep else 1 << 16)


def give_back_freed_memory() -> None:
    """Hand freed memory to the system after all: what comes next is of another kind and size."""
    give_back = None if sys.platform == "win32" else getattr(ctypes.CDLL(None), "malloc_trim", None)
    if give_back is not None:
        give_back(0)
