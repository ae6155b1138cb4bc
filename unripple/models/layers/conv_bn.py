"""The block that most of the small vision networks are made of."""

from __future__ import annotations

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
