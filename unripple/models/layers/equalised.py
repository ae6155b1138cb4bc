"""Equalised layers: stored weights have unit scale, the forward pass divides by sqrt(fan-in).

Source: Karras et al. 2018 (Progressive GAN), section 4.1; key names as rosinality/stylegan2-pytorch
(MIT).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
GAIN = math.sqrt(2.0)


class EqualLinear(nn.Module):
    """x @ weight^T * (lr / sqrt(fan_in)) + bias * lr, in float32 whatever the autocast says.

    Args:
        fan_in, width: features in and out.
        bias: first value of every (effective) bias.
        lr: learning-rate multiplier; weights and bias are stored 1 / lr times as large, so that a
            new layer computes the same whatever it is.
        activate: follow with leaky ReLU of slope 0.2 times sqrt(2).
    """

    def __init__(
        self, fan_in: int, width: int, *, bias: float = 0.0, lr: float = 1.0, activate: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, fan_in) / lr)
        self.bias = nn.Parameter(torch.full((width,), bias / lr))
        self.lr = lr
        self.scale = lr / math.sqrt(fan_in)
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        # Styles steer every pixel of a picture: bfloat16 here would be visible.
        with torch.autocast(x.device.type, enabled=False):
            y = F.linear(x.float(), self.weight * self.scale, self.bias * self.lr)
            return F.leaky_relu(y, SLOPE) * GAIN if self.activate else y


class EqualConv2d(nn.Module):
    """3x3 convolution with padding 1, bias, and weight / sqrt(9 * fan_in)."""

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, fan_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(width))
        self.scale = 1.0 / math.sqrt(9 * fan_in)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=1)


class ScaledLeakyReLU(nn.Module):
    """Leaky ReLU of slope 0.2 times sqrt(2), which keeps the variance of its input."""

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, SLOPE) * GAIN
