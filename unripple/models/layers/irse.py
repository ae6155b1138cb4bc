"""Residual units with squeeze and excitation (IR-SE), and the trunk built of them.

Source: Deng et al. 2019 (ArcFace), section 3.1, and Hu et al. 2018 (squeeze and excitation); layout
and key names of TreB1eN/InsightFace_Pytorch (MIT), as e4e, HFGI and the identity net carry them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.precision import full_precision

WIDTHS_50 = (64, 64, 128, 256, 512)
UNITS_50 = (3, 4, 14, 3)
"""Channels (stem and four groups) and units per group of the published 50-layer trunk."""

SQUEEZE = 16

NARROW = 16
"""Channels below which oneDNN's float32 gradient of a strided 1x1 convolution writes beyond its
memory (uxlfoundation/oneDNN#6035); subsampled beforehand, which is the same, it has no stride."""


class SqueezeExcite(nn.Module):
    """Weigh the channels by a gate that their global means compute."""

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = max(1, width // SQUEEZE)
        self.fc1 = nn.Conv2d(width, narrow, 1, bias=False)
        self.fc2 = nn.Conv2d(narrow, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        # Convolutions of 1x1 on a mean, as published, rather than linear layers: their keys.
        squeezed = F.relu(self.fc1(x.mean((2, 3), keepdim=True)))
        return x * torch.sigmoid(self.fc2(squeezed))


class ResidualUnit(nn.Module):
    """Batch norm, 3x3 convolution, PReLU, 3x3 convolution, batch norm, beside a shortcut.

    Nothing follows the sum. The shortcut is the input itself, subsampled by the stride, where the
    width stays, and a 1x1 convolution with batch norm where it changes.

    Args:
        fan_in, width: channels in and out.
        stride: of the second convolution and of the shortcut.
        squeeze: end the residual with `SqueezeExcite`.
    """

    def __init__(self, fan_in: int, width: int, *, stride: int = 1, squeeze: bool = True) -> None:
        super().__init__()
        self.stride = stride
        self.shortcut_layer: nn.Sequential | None = None
        if fan_in != width:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(fan_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )
        layers: list[nn.Module] = [
            nn.BatchNorm2d(fan_in),
            nn.Conv2d(fan_in, width, 3, 1, 1, bias=False),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
        ]
        self.res_layer = nn.Sequential(*layers, *([SqueezeExcite(width)] if squeeze else []))

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            # Training goes the plain way: torch 2.15's bf16 backward on the CPU corrupts memory in
            # the careful one.
            return self.res_layer(x) + self._shortcut(x)
        # Under autocast the 3x3 convolutions alone are rounded: rounding the sum and the norms as
        # well is what brings 100 layers beyond 1% of error.
        layers = list(self.res_layer)
        residual = x = x.float()
        for layer in layers[:4]:
            residual = layer(residual)
        with full_precision(x):
            residual = residual.float()
            for layer in layers[4:]:
                residual = layer(residual)
            return residual + self._shortcut(x)

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.shortcut_layer is None:
            return x[:, :, :: self.stride, :: self.stride]
        conv, norm = self.shortcut_layer
        if torch.is_grad_enabled() and x.shape[1] < NARROW:
            assert isinstance(conv.weight, Tensor)
            x = F.conv2d(x[:, :, :: self.stride, :: self.stride], conv.weight)
        else:
            x = conv(x)
        return norm(x)


def stem(fan_in: int, width: int) -> nn.Sequential:
    """3x3 convolution, batch norm, PReLU per channel, at full resolution."""
    return nn.Sequential(
        nn.Conv2d(fan_in, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width)
    )


def body(widths: Sequence[int], units: Sequence[int], *, squeeze: bool = True) -> nn.Sequential:
    """Residual units in groups, the first unit of each group halving the sides.

    Args:
        widths: channels of the stem and of every group; from the first group on, neighbours differ
            (that is how the groups are found again in a state dict).
        units: units of every group.
        squeeze: end every residual with `SqueezeExcite` (IR-SE; without it, plain IR).

    Raises:
        ValueError: the two do not fit together, or neighbouring groups are equally wide.
    """
    if len(widths) != len(units) + 1:
        raise ValueError(f"widths {tuple(widths)} must hold one number more than units {units}")
    if any(a == b for a, b in pairwise(widths[1:])):
        raise ValueError(f"widths {tuple(widths)}: neighbouring groups must differ in width")
    layers: list[nn.Module] = []
    for fan_in, width, count in zip(widths[:-1], widths[1:], units, strict=True):
        layers.append(ResidualUnit(fan_in, width, stride=2, squeeze=squeeze))
        layers += [ResidualUnit(width, width, squeeze=squeeze) for _ in range(count - 1)]
    return nn.Sequential(*layers)


def group_ends(units: Sequence[int]) -> list[int]:
    """Index in `body` of the last unit of every group."""
    return [sum(units[: n + 1]) - 1 for n in range(len(units))]


def trunk_sizes(state: Mapping[str, Tensor]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Read (widths, units) of `stem` (as `input_layer`) and `body` from a state dict."""
    widths = [state["input_layer.0.weight"].shape[0]]
    units: list[int] = []
    while (key := f"body.{sum(units)}.res_layer.3.weight") in state:
        width = state[key].shape[0]
        if not units or width != widths[-1]:
            widths.append(width)
            units.append(0)
        units[-1] += 1
    return tuple(widths), tuple(units)
