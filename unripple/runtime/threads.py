"""On how many threads networks compute: one each, however many steps are at work."""

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
    own = threading.local()
    steps = 0
    torch: int | None = None
    environment: str | None = None


@contextmanager
def one_thread(alone: int = 1) -> Iterator[None]:
    """Keep networks to one thread: on several, their sums are ordered otherwise, and bytes differ.

    Args:
        alone: how many threads there may be while no other step of this process is at work, for
            networks that add up alike on any number.

    Torch is not imported for that. Where a step imports it only now, the environment tells it.
    Several steps may be at work in threads of their own; the last one puts back what was before.
    Within a step it changes nothing.
    """
    if getattr(_Threads.own, "in_step", False):
        yield
        return
    with _Threads.lock:
        torch = _torch()
        if not _Threads.steps:
            _Threads.torch = torch.get_num_threads() if torch else None
            _Threads.environment = os.environ.get(_THREADS)
            os.environ[_THREADS] = "1"
        _Threads.steps += 1
        if torch:  # each thread has its own number
            from unripple.models.layers.threads import grant

            grant(alone if _Threads.steps == 1 else 1)
        _Threads.own.in_step = True
    try:
        yield
    finally:
        _Threads.own.in_step = False
        with _Threads.lock:
            _Threads.steps -= 1
            if not _Threads.steps:
                _put_back()


def _torch() -> Any:
    """Torch, if it is imported to its end."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "set_num_threads") else None


def _put_back() -> None:
    if torch := _torch():
        from unripple.models.layers.threads import end_grants

        end_grants()
    if _Threads.torch is not None and torch:
        torch.set_num_threads(_Threads.torch)
    if _Threads.environment is None:
        del os.environ[_THREADS]
    else:
        os.environ[_THREADS] = _Threads.environment
