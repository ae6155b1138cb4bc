"""The ways in which StyleGAN2 doubles the side of maps: its exact FIR filter, and bilinear.

Source: Karras et al. 2020; buffers as in rosinality/stylegan2-pytorch (MIT). Written from its
description, without its CUDA kernels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def upsampling_kernel() -> Tensor:
    """The published FIR [1, 3, 3, 1] x [1, 3, 3, 1], summing to 4 (one per inserted zero)."""
    taps = (1.0, 3.0, 3.0, 1.0)
    return torch.tensor([[across * down / 16.0 for across in taps] for down in taps])


class Blur(nn.Module):
    """Filter every channel with a 4x4 kernel; a side of 2h + 1 becomes 2h."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", upsampling_kernel())

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        # Published as a true convolution, whose kernel is flipped against `conv2d`'s; this one is
        # symmetric, but a stored buffer need not be.
        taps = self.kernel.flip(0, 1).to(x.dtype).expand(channels, 1, 4, 4)
        return F.conv2d(x, taps, padding=1, groups=channels)


class Upsample(nn.Module):
    """Double the sides of a float32 picture with the 4x4 kernel; beyond the border is 0."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", upsampling_kernel())

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        with torch.autocast(x.device.type, enabled=False):
            taps = self.kernel.expand(channels, 1, 4, 4)
            return F.conv_transpose2d(x, taps, stride=2, padding=1, groups=channels)


def bilinear(x: Tensor, factor: float) -> Tensor:
    """Enlarge or shrink maps [B, C, H, W] by half-pixel centres, without antialias."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
