"""StyleGAN2's layers: convolutions whose weights a style scales, and the exact 2x upsampling.

Source: Karras et al. 2020, section 2.2 and appendix B; layout and key names of
rosinality/stylegan2-pytorch (MIT). Written from its description, without its CUDA kernels.

One difference in how, none in what: the published code builds a weight per sample and runs a
grouped convolution. Here the style scales the input channels, one convolution serves the whole
batch, and the demodulation scales the output channels, which is the same product in another order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.equalised import GAIN, SLOPE, EqualLinear


def upsampling_kernel() -> Tensor:
    """The published FIR [1, 3, 3, 1] x [1, 3, 3, 1], summing to 4 (one per inserted zero)."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(taps, taps) / 16.0


class Blur(nn.Module):
    """Filter every channel with a 4x4 kernel; a side of 2h + 1 becomes 2h."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", upsampling_kernel())

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
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


class ModulatedConv2d(nn.Module):
    """A convolution whose input channels are scaled by a style.

    Args:
        fan_in, width: channels in and out.
        style_dim: features of the w code that `modulation` turns into the style.
        kernel: 3 or 1.
        upsample: double the sides (transposed convolution, then `Blur`).
        demodulate: bring every output channel back to unit variance.
    """

    def __init__(
        self,
        fan_in: int,
        width: int,
        style_dim: int,
        *,
        kernel: int = 3,
        upsample: bool = False,
        demodulate: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, width, fan_in, kernel, kernel))
        self.modulation = EqualLinear(style_dim, fan_in, bias=1.0)
        self.blur = Blur() if upsample else None
        self.scale = 1.0 / math.sqrt(fan_in * kernel**2)
        self.padding = kernel // 2
        self.demodulate = demodulate

    def forward(self, x: Tensor, style: Tensor, *, gain: float = 1.0) -> Tensor:
        """Convolve.

        Args:
            x: features [B, fan_in, H, W].
            style: float32 [B, fan_in], what `modulation` makes of a w code.
            gain: multiplies the result; free, because the demodulation carries it.

        Returns:
            [B, width, H, W], sides doubled where upsampling.
        """
        weight = self.weight[0]
        style = style * self.scale
        x = x * style.to(x.dtype)[:, :, None, None]
        if self.blur is None:
            y = F.conv2d(x, weight, padding=self.padding)
        else:
            y = self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        if not self.demodulate:
            return y if gain == 1.0 else y * gain
        factor = demodulation(weight, style) * gain
        return y * factor.to(y.dtype)[:, :, None, None]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # The published weight has a leading 1. Casts see it without, so that
        # `.to(memory_format=torch.channels_last)`, which knows 4 dimensions only, works.
        def on_filters(t: Tensor) -> Tensor:
            return fn(t[0])[None] if t.dim() == 5 else fn(t)

        super()._apply(on_filters, recurse)  # type: ignore[no-untyped-call]
        return self


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """The factor that gives a modulated convolution's outputs unit variance.

    Args:
        weight: [out, in, k, k].
        style: [B, in], the scale of every input channel.

    Returns:
        float32 [B, out]: 1 / sqrt(sum of (weight * style)^2 over the input and the window + 1e-8).
    """
    with torch.autocast(weight.device.type, enabled=False):
        energy = style.float().square() @ weight.float().square().sum((2, 3)).T
        return torch.rsqrt(energy + 1e-8)


class NoiseInjection(nn.Module):
    """One learned strength for a noise map."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))


class ChannelBias(nn.Module):
    """The bias before an activation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))


class StyledConv(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU of slope 0.2 times sqrt(2)."""

    def __init__(self, fan_in: int, width: int, style_dim: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(fan_in, width, style_dim, upsample=upsample)
        self.noise = NoiseInjection()
        self.activate = ChannelBias(width)

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None = None) -> Tensor:
        """Map features [B, C, H, W] with a style [B, C] and noise maps [B or 1, 1, H', W']."""
        # The sqrt(2) after the leaky ReLU is applied to the terms before it, which costs nothing.
        y: Tensor = self.conv(x, style, gain=GAIN)
        if noise is not None:
            y = y + (noise * (self.noise.weight * GAIN)).to(y.dtype)
        bias = (self.activate.bias * GAIN).to(y.dtype)
        return F.leaky_relu(y + bias[:, None, None], SLOPE)


class ToRGB(nn.Module):
    """Features to a picture, added to the enlarged picture of the resolution below."""

    def __init__(self, fan_in: int, style_dim: int, *, upsample: bool = True) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(fan_in, 3, style_dim, kernel=1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.upsample = Upsample() if upsample else None

    def forward(self, x: Tensor, style: Tensor, below: Tensor | None = None) -> Tensor:
        """Return the picture so far, float32 [B, 3, H, W]."""
        picture: Tensor = self.conv(x, style).float() + self.bias
        if below is not None and self.upsample is not None:
            picture = picture + self.upsample(below)
        return picture
