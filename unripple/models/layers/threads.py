"""Layers that compute on one thread while their network computes on several.

Torch takes another library for a 1x1 convolution on several threads than on one, which rounds
otherwise, and a transposed one is cut up otherwise for three threads than for two. What else LaMa
is made of (larger convolutions, Fourier transforms, norms) adds up alike on any number. So with
these layers on one thread, the network's bytes do not depend on threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn


class _Granted:
    """On how many threads networks may compute; None is as many as there are."""

    lock = threading.Lock()
    threads: int | None = None


def grant(threads: int) -> None:
    """From now on, this many, and in the calling thread at once.

    The matrix library has one number for the whole process. So whoever begins beside a network that
    computes on several threads must take them back (`grant(1)`), lest it computes on them, too.
    """
    with _Granted.lock:
        _Granted.threads = threads
        torch.set_num_threads(threads)


def end_grants() -> None:
    """Whoever granted threads does so no more."""
    with _Granted.lock:
        _Granted.threads = None


@contextmanager
def single() -> Iterator[None]:
    """Compute on one thread within it, and then on as many as before, unless they were taken."""
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        with _Granted.lock:
            torch.set_num_threads(before if _Granted.threads is None else _Granted.threads)


class OneThread(nn.Module):
    """Stands before the class of a layer that computes on one thread, where it does not train."""

    def forward(self, *inputs: Any, **more: Any) -> Any:
        with nullcontext() if torch.is_grad_enabled() else single():
            return super().forward(*inputs, **more)
