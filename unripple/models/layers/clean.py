"""The layers of GFPGAN's decoder: StyleGAN2 with stored effective weights and bilinear enlarging.

Source: Wang et al. 2021; layout and key names of the "clean" architecture of TencentARC/GFPGAN.
The convolution is `ModulatedConv2d(clean=True)`; these are its two companions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unripple.models.layers.equalised import GAIN
from unripple.models.layers.modulated import ModulatedConv2d, activated
from unripple.models.layers.upsampling import bilinear


class CleanStyledConv(nn.Module):
    """Modulated 3x3 convolution times sqrt(2), noise, bias, leaky ReLU of slope 0.2."""

    def __init__(self, fan_in: int, width: int, style_dim: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.modulated_conv = ModulatedConv2d(
            fan_in, width, style_dim, upsample=upsample, clean=True
        )
        self.weight = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(1, width, 1, 1))

    @property
    def modulated(self) -> ModulatedConv2d:
        return self.modulated_conv

    def forward(
        self,
        x: Tensor,
        style: Tensor,
        noise: Tensor | None = None,
        *,
        width: int | None = None,
        offset: Tensor | None = None,
    ) -> Tensor:
        """Map features as `StyledConv` does."""
        y: Tensor = self.modulated_conv(x, style, gain=GAIN, width=width, offset=offset)
        return activated(y, noise, self.weight, self.bias.flatten())


class CleanToRGB(nn.Module):
    """Features to a picture, added to the enlarged picture of the resolution below."""

    def __init__(self, fan_in: int, style_dim: int) -> None:
        super().__init__()
        self.modulated_conv = ModulatedConv2d(
            fan_in, 3, style_dim, kernel=1, demodulate=False, clean=True
        )
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))

    @property
    def modulated(self) -> ModulatedConv2d:
        return self.modulated_conv

    def forward(
        self,
        x: Tensor,
        style: Tensor,
        below: Tensor | None = None,
        *,
        offset: Tensor | None = None,
    ) -> Tensor:
        """Return the picture so far, float32 [B, 3, H, W]."""
        picture: Tensor = self.modulated_conv(x, style, offset=offset).float() + self.bias
        return picture if below is None else picture + bilinear(below, 2.0)
