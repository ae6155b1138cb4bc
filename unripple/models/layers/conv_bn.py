"""The block that most of the small vision networks are made of."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class ConvBNReLU(nn.Module):
    """Convolution without bias, batch norm, ReLU; keeps the size at stride 1.

    Args:
        fan_in, width: channels in and out.
        kernel: odd side of the kernel.
        stride: 2 halves the side, rounded up.
    """

    def __init__(self, fan_in: int, width: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(fan_in, width, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def halving_levels(widths: Sequence[int]) -> nn.ModuleList:
    """Levels of two blocks each, whose first one halves the side; `widths` begins with fan-in."""
    return nn.ModuleList(
        nn.Sequential(ConvBNReLU(fan_in, width, stride=2), ConvBNReLU(width, width))
        for fan_in, width in itertools.pairwise(widths)
    )


def trunk_widths(state: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Read the widths of a net with a `stem` and `halving_levels` called `down`."""
    levels = sum(key.startswith("down.") and key.endswith(".0.conv.weight") for key in state)
    deeper = (state[f"down.{n}.0.conv.weight"].shape[0] for n in range(levels))
    return (state["stem.conv.weight"].shape[0], *deeper)
