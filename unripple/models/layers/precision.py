"""Where a network asks for every bit although its caller runs it in half of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor


def full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Within it, autocast leaves the tensors of x's device alone.

    For what is cheap and would spoil the rest: norms and sums that many layers pass their errors
    through, first layers, heads. What comes in from outside must be made float32 by hand. Where no
    autocast is on, nothing changes.
    """
    kind = x.device.type
    if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
        return nullcontext()
    off: AbstractContextManager[None] = torch.autocast(kind, enabled=False)
    return off


@contextmanager
def exact_products() -> Iterator[None]:
    """Within it, products and convolutions on a GPU are float32 indeed, without TF32."""
    switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for switch in switches:
            switch.allow_tf32 = False
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value
