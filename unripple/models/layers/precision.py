"""Where a network asks for every bit although its caller runs it in half of them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

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
