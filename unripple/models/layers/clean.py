"""The layers of GFPGAN's decoder: StyleGAN2 with stored effective weights and bilinear enlarging.

Source: Wang et al. 2021; layout and key names of the "clean" architecture of TencentARC/GFPGAN.
The convolution is `ModulatedConv2d(clean=True)`; these are its two companions.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from unripple.models.layers.modulated import ModulatedConv2d, StyledConv, ToRGB
from unripple.models.layers.upsampling import bilinear


class CleanStyledConv(StyledConv):
    """`StyledConv` under its keys of GFPGAN; noise and bias are stored as they act."""

    def __init__(self, fan_in: int, width: int, style_dim: int, *, upsample: bool = False) -> None:
        nn.Module.__init__(self)
        self.modulated_conv = ModulatedConv2d(
            fan_in, width, style_dim, upsample=upsample, clean=True
        )
        self.weight = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(1, width, 1, 1))

    @property
    def modulated(self) -> ModulatedConv2d:
        return self.modulated_conv

    def noise_and_bias(self) -> tuple[Tensor, Tensor]:
        return self.weight, self.bias.flatten()


class CleanToRGB(ToRGB):
    """`ToRGB` under its keys of GFPGAN; the picture below is enlarged bilinearly."""

    def __init__(self, fan_in: int, style_dim: int) -> None:
        nn.Module.__init__(self)
        self.modulated_conv = ModulatedConv2d(
            fan_in, 3, style_dim, kernel=1, demodulate=False, clean=True
        )
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.upsample = partial(bilinear, factor=2.0)

    @property
    def modulated(self) -> ModulatedConv2d:
        return self.modulated_conv
