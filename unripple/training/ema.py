"""Running averages of weights.

The average itself is torch's (`torch.optim.swa_utils`). Its `AveragedModel` is left out: it would
put a wrapper around each averaged net, and with it other key names into the checkpoints of all
trainings, and it begins with a plain copy after the first step instead of the net before it.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

Net = TypeVar("Net", bound=nn.Module)


def shadow(net: Net) -> Net:
    """A frozen copy of a net that will follow it."""
    return copy.deepcopy(net).eval().requires_grad_(False)


@torch.no_grad()
def follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the average towards the net: average = decay * average + (1 - decay) * net.

    Buffers are copied, because statistics and counters already are averages.
    """
    move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    move(tuple(average.parameters()), tuple(net.parameters()), None)
    for kept, newest in zip(average.buffers(), net.buffers(), strict=True):
        kept.copy_(newest)
