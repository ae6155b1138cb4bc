"""Networks on one thread each, however many steps are at work."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_THREADS = "OMP_NUM_THREADS"


class _Threads:
    """How many threads networks have outside of all steps, while any step is at work."""

    lock = threading.Lock()
    steps = 0
    torch: int | None = None
    environment: str | None = None


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep networks to one thread: on several, their sums are ordered otherwise, and bytes differ.

    Torch is not imported for that. Where a step imports it only now, the environment tells it.
    Several steps may be at work in threads of their own; the last one puts back what was before.
    """
    with _Threads.lock:
        torch = _torch()
        if not _Threads.steps:
            _Threads.torch = torch.get_num_threads() if torch else None
            _Threads.environment = os.environ.get(_THREADS)
            os.environ[_THREADS] = "1"
        _Threads.steps += 1
        if torch:  # each thread has its own number
            torch.set_num_threads(1)
    try:
        yield
    finally:
        with _Threads.lock:
            _Threads.steps -= 1
            if not _Threads.steps:
                _put_back()


def _torch() -> Any:
    """Torch, if it is imported to its end."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "set_num_threads") else None


def _put_back() -> None:
    if _Threads.torch is not None:
        _torch().set_num_threads(_Threads.torch)
    if _Threads.environment is None:
        del os.environ[_THREADS]
    else:
        os.environ[_THREADS] = _Threads.environment
