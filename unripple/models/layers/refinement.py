"""HyperStyle's refinement blocks: features to the code of a layer, and the code to its offset.

Source: Alaluf et al. 2022, section 3.2 and appendix; key names of yuval-alaluf/hyperstyle (MIT).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unripple.models.layers.equalised import EqualLinear

TAPS = 9
"""Of a 3x3 kernel."""


@dataclass(frozen=True)
class Layer:
    """A modulated convolution: channels out and in, and the side of its kernel."""

    out: int
    fan_in: int
    kernel: int


def layer(number: int, channels: Mapping[int, int]) -> Layer:
    """The modulated convolution of a number, in the order of styles: 0 and 1 at 4 px, then three
    per resolution (doubling, plain, RGB)."""
    side = side_of(number)
    if number % 3 == 1:
        return Layer(3, channels[side], 1)
    below = side // 2 if number % 3 == 2 else side
    return Layer(channels[side], channels[below], 3)


def side_of(number: int) -> int:
    """The side of what a modulated convolution gives, px."""
    return 4 << (number // 3 if number % 3 == 1 else (number + 1) // 3)


def _read(fan_in: int, widths: Sequence[int], strides: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, width, stride in zip((fan_in, *widths), widths, strides, strict=False):
        layers += [nn.Conv2d(before, width, 3, stride, 1), nn.LeakyReLU(0.01)]
    return nn.Sequential(*layers)


class SharedHypernetwork(nn.Module):
    """Codes to offsets of the layers that are alike, by two products.

    Args:
        of: the layers' sizes.
        code: length of a code.
    """

    def __init__(self, of: Layer, code: int) -> None:
        super().__init__()
        self.of, self.code = of, code
        self.w1 = nn.Parameter(torch.randn(code, of.fan_in * TAPS) * 0.01)
        self.b1 = nn.Parameter(torch.zeros(of.fan_in * TAPS))
        self.w2 = nn.Parameter(torch.randn(code, of.out * code) * 0.01)
        self.b2 = nn.Parameter(torch.zeros(of.out * code))

    def forward(self, summed: Tensor, iterations: int) -> Tensor:
        """Turn summed codes [B, code] into summed offsets [B, out, in, 3, 3].

        Both biases count once per iteration; the one in the middle goes through the second product.
        """
        middle = summed @ self.w2 + iterations * self.b2
        rows = middle.view(-1, self.of.out, self.code)  # the published code calls them inputs
        offsets = rows @ self.w1 + iterations * self.b1
        return offsets.view(-1, self.of.out, self.of.fan_in, 3, 3)


class SharedBlock(nn.Module):
    """Reads the code of a layer whose offset the shared hypernetwork makes.

    Args:
        fan_in: channels of the features.
        inner: channels of the convolutions.
        code: length of the code.
        halvings: convolutions of stride 2, until the features are 1x1.
    """

    def __init__(self, fan_in: int, inner: int, code: int, halvings: int) -> None:
        super().__init__()
        widths = [inner] * halvings + [code]
        self.convs = _read(fan_in, widths, [1] + [2] * halvings)
        self.linear = EqualLinear(code, code)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(self.convs(features).flatten(1))


class PairBlock(nn.Module):
    """Reads the code of a layer, and makes its offset: one number per pair of channels.

    Args:
        of: the layer's sizes.
        fan_in, inner, code: see `SharedBlock`.
        halvings: convolutions of stride 2; what they leave is averaged.
    """

    def __init__(self, of: Layer, fan_in: int, inner: int, code: int, halvings: int) -> None:
        super().__init__()
        self.of = of
        self.convs = _read(fan_in, [inner] * (halvings - 1) + [code], [2] * halvings)
        self.output = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(code, of.out * of.fan_in, 1))

    def forward(self, features: Tensor) -> Tensor:
        return self.output[0](self.convs(features)).flatten(1)

    def offset(self, summed: Tensor, iterations: int) -> Tensor:
        """Turn summed codes [B, code] into summed offsets [B, out, in, 1, 1], for all taps."""
        last = self.output[1]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        pairs = summed @ last.weight[:, :, 0, 0].T + iterations * last.bias
        return pairs.view(-1, self.of.out, self.of.fan_in, 1, 1)


class SeparableKernel(nn.Module):
    """A code to a kernel: an outer product of two, mixed along either side."""

    def __init__(self, of: Layer, code: int) -> None:
        super().__init__()
        self.of = of
        taps = of.kernel**2
        self.make_kernel_in = nn.Linear(code, taps * of.fan_in)
        self.make_kernel_out = nn.Linear(code, taps * of.out)
        self.kernel_linear_in = nn.Linear(of.fan_in, of.fan_in)
        self.kernel_linear_out = nn.Linear(of.out, of.out)

    def forward(self, code: Tensor) -> Tensor:
        """Turn codes [B, code] into offsets [B, out, in, k, k]."""
        side = self.of.kernel
        read = self.make_kernel_in(code).view(-1, side, side, 1, self.of.fan_in)
        write = self.make_kernel_out(code).view(-1, side, side, self.of.out, 1)
        kernel = self.kernel_linear_in(write * read)  # [B, k, k, out, in]
        kernel = self.kernel_linear_out(kernel.transpose(3, 4))  # [B, k, k, in, out]
        return kernel.permute(0, 4, 3, 1, 2)  # [B, out, in, k, k]


class SeparableBlock(nn.Module):
    """Reads the code of a layer, and makes its offset by a `SeparableKernel`; see `SharedBlock`."""

    def __init__(self, of: Layer, fan_in: int, inner: int, code: int, halvings: int) -> None:
        super().__init__()
        self.convs = _read(fan_in, [inner] * (halvings - 1) + [code], [2] * halvings)
        self.output = nn.Sequential(SeparableKernel(of, code))

    def forward(self, features: Tensor) -> Tensor:
        return self.convs(features).flatten(1)

    def offset(self, codes: Tensor) -> Tensor:
        """Turn codes of several iterations [B, n, code] into the sum of their offsets.

        No sum of codes would serve: the outer product is quadratic.
        """
        offsets = [self.output(codes[:, n]) for n in range(codes.shape[1])]
        return torch.stack(offsets).sum(0)
