"""StyleGAN2's layers: convolutions whose weights a style scales.

Source: Karras et al. 2020, section 2.2 and appendix B; layout and key names of
rosinality/stylegan2-pytorch (MIT). Written from its description, without its CUDA kernels.

One difference in how, none in what: the published code builds a weight per sample and runs a
grouped convolution. Here the style scales the input channels, one convolution serves the whole
batch, and the demodulation scales the output channels, which is the same product in another order.
Only weight offsets of several samples (Alaluf et al. 2022, HyperStyle) need a weight per sample.

Slicing (Lin et al. 2021, Anycost GANs): a convolution may compute its first `width` channels only,
and reads as many as its input has. The scale stays that of the full fan-in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.equalised import GAIN, SLOPE, EqualLinear
from unripple.models.layers.upsampling import Blur, Upsample, bilinear


class StyleLinear(nn.Linear):
    """An ordinary linear layer from a code to a style, float32 whatever the autocast says."""

    def __init__(self, style_dim: int, width: int) -> None:
        super().__init__(style_dim, width)
        nn.init.normal_(self.weight, std=1.0 / math.sqrt(style_dim))
        nn.init.ones_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class ModulatedConv2d(nn.Module):
    """A convolution whose input channels are scaled by a style.

    Args:
        fan_in, width: channels in and out.
        style_dim: features of the w code that `modulation` turns into the style.
        kernel: 3 or 1.
        upsample: double the sides.
        demodulate: bring every output channel back to unit variance.
        clean: the layer of GFPGAN's decoder. Its weights are stored as they act (no division by
            the square root of the fan-in, here and in `modulation`), and it doubles the sides of
            its input, bilinearly, where the layer of StyleGAN2 is a transposed convolution and a
            `Blur`.
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
        clean: bool = False,
    ) -> None:
        super().__init__()
        weight = torch.randn(1, width, fan_in, kernel, kernel)
        scale = 1.0 / math.sqrt(fan_in * kernel**2)
        # Equalised learning rate (Karras et al. 2018): unit variance in store, scaled in use.
        self.weight = nn.Parameter(weight * scale if clean else weight)
        self.modulation: EqualLinear | StyleLinear
        if clean:
            self.modulation = StyleLinear(style_dim, fan_in)
        else:
            self.modulation = EqualLinear(style_dim, fan_in, bias=1.0)
        self.blur = Blur() if upsample and not clean else None
        self.enlarge = upsample and clean
        self.scale = 1.0 if clean else scale
        self.padding = kernel // 2
        self.demodulate = demodulate

    def forward(
        self,
        x: Tensor,
        style: Tensor,
        *,
        gain: float = 1.0,
        width: int | None = None,
        offset: Tensor | None = None,
    ) -> Tensor:
        """Convolve.

        Args:
            x: features [B, C, H, W]; with fewer channels than `fan_in`, the others count as 0.
            style: float32 [B, fan_in], what `modulation` makes of a w code.
            gain: multiplies the result; free, because the demodulation carries it.
            width: compute the first channels only, as many as this.
            offset: [B or 1, out, in, k, k] or what broadcasts to it: the weight of a sample is
                weight * (1 + its offset), before everything else.

        Returns:
            [B, width, H, W], sides doubled where upsampling.
        """
        style = style[:, : x.shape[1]]
        if offset is None:
            return self._convolve(x, style, self.weight[0], gain, width)
        if len(offset) == 1:
            return self._convolve(x, style, self.weight[0] * (1 + offset[0]), gain, width)
        # Offsets of several samples are the one case in which a weight per sample cannot be
        # avoided.
        samples = [
            self._convolve(x[i, None], style[i, None], self.weight[0] * (1 + own), gain, width)
            for i, own in enumerate(offset)
        ]
        return torch.cat(samples)

    def _convolve(
        self, x: Tensor, style: Tensor, weight: Tensor, gain: float, width: int | None
    ) -> Tensor:
        weight = weight[:width, : x.shape[1]]
        # A convolution is linear in its input, so scaled input channels are scaled weights: one
        # convolution then serves samples of different styles.
        style = style * self.scale
        x = x * style.to(x.dtype)[:, :, None, None]
        if self.enlarge:
            x = bilinear(x, 2.0)
        if self.blur is None:
            y = F.conv2d(x, weight, padding=self.padding)
        else:
            # A transposed convolution alone leaves a checkerboard; the FIR blur removes it.
            y = self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        if not self.demodulate:
            return y if gain == 1.0 else y * gain
        # Statistics that the weights and the style predict, in place of those of the data, whose
        # normalisation drew droplets into pictures (paper, section 2.2).
        factor = (demodulation(weight, style) * gain).to(y.dtype)[:, :, None, None]
        # A map of 1024 px is 134 MB; where nothing is differentiated one is enough.
        return y * factor if torch.is_grad_enabled() else y.mul_(factor)

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
        # Squares of products are products of squares, so no weight per sample is built here either
        # (paper, equation 3).
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

    @property
    def modulated(self) -> ModulatedConv2d:
        return self.conv

    def forward(
        self,
        x: Tensor,
        style: Tensor,
        noise: Tensor | None = None,
        *,
        width: int | None = None,
        offset: Tensor | None = None,
    ) -> Tensor:
        """Map features [B, C, H, W] with a style [B, C] and noise maps [B or 1, 1, H', W'].

        `width` and `offset` are those of `ModulatedConv2d`.
        """
        # The sqrt(2) after the leaky ReLU is applied to the terms before it, which costs nothing.
        y: Tensor = self.modulated(x, style, gain=GAIN, width=width, offset=offset)
        return activated(y, noise, *self.noise_and_bias())

    def noise_and_bias(self) -> tuple[Tensor, Tensor]:
        """The noise's strength and the bias [C], both as they act before the leaky ReLU."""
        return self.noise.weight * GAIN, self.activate.bias * GAIN


def activated(y: Tensor, noise: Tensor | None, strength: Tensor, bias: Tensor) -> Tensor:
    """Add noise and bias [C], then a leaky ReLU of slope 0.2; y may have fewer channels than C.

    Where nothing is differentiated, y itself is changed, for large maps are what memory goes into.
    """
    differentiated = torch.is_grad_enabled()
    bias = bias[: y.shape[1], None, None].to(y.dtype)
    if noise is not None:
        noise = (noise * strength).to(y.dtype)
        y = y + noise if differentiated else y.add_(noise)
    if differentiated:
        return F.leaky_relu(y + bias, SLOPE)
    return F.leaky_relu_(y.add_(bias), SLOPE)


class ToRGB(nn.Module):
    """Features to a picture, added to the enlarged picture of the resolution below."""

    def __init__(self, fan_in: int, style_dim: int, *, upsample: bool = True) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(fan_in, 3, style_dim, kernel=1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.upsample: Callable[[Tensor], Tensor] | None = Upsample() if upsample else None

    @property
    def modulated(self) -> ModulatedConv2d:
        return self.conv

    def forward(
        self,
        x: Tensor,
        style: Tensor,
        below: Tensor | None = None,
        *,
        offset: Tensor | None = None,
    ) -> Tensor:
        """Return the picture so far, float32 [B, 3, H, W]."""
        picture: Tensor = self.modulated(x, style, offset=offset).float() + self.bias
        if below is not None and self.upsample is not None:
            picture = picture + self.upsample(below)
        return picture
