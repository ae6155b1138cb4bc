"""Running averages of weights."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Net = TypeVar("Net", bound=nn.Module)


def shadow(net: Net) -> Net:
    """A frozen copy of a net that will follow it."""
    return copy.deepcopy(net).eval().requires_grad_(False)


@torch.no_grad()
def follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the average towards the net: average = decay * average + (1 - decay) * net.

    Buffers are copied, because statistics and counters already are averages.
    """
    mine: list[Tensor] = list(average.parameters())
    theirs: list[Tensor] = list(net.parameters())
    torch._foreach_lerp_(mine, theirs, 1.0 - decay)
    for kept, seen in zip(average.buffers(), net.buffers(), strict=True):
        kept.copy_(seen)
