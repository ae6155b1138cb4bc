"""HFGI: what an inversion lost is aligned to the edited picture and consulted by the generator.

Source: Wang et al. 2022; layout and key names of Tengfei-Wang/HFGI (no licence file; nothing of it
is copied here). Its `ckpt.pt` loads strictly into `Aligner()` (prefix `grid_align.`) and
`ResidualEncoder()` (prefix `residue.`).

The residual of a photo is the photo minus its redrawing. The aligner moves it to where the edited
picture has its parts, the residual encoder turns it into a scale and a shift, and `fuse` applies
them to the generator's features at 64x64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.equalised import EqualConv2d, ScaledLeakyReLU
from unripple.models.layers.irse import ResidualUnit, stem
from unripple.models.layers.precision import Exact

CONSULTED = 7
"""Styled convolution of the generator after which `fuse` acts: the first one at 64x64."""


def plain_units(fan_in: int, *widths: int, stride: int = 1) -> nn.Sequential:
    """Residual units without squeeze and excitation; the first one has the stride."""
    fan_ins = (fan_in, *widths[:-1])
    strides = (stride, *(1 for _ in widths[1:]))
    return nn.Sequential(
        *(
            ResidualUnit(before, width, stride=step, squeeze=False)
            for before, width, step in zip(fan_ins, widths, strides, strict=True)
        )
    )


class Aligner(nn.Module):
    """A U-Net that redraws a residual where another picture of the same face needs it.

    Args:
        widths: channels at 1, 1/2, 1/4 and 1/8 of the picture's side.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (16, 32, 48, 64)) -> None:
        super().__init__()
        full, half, quarter, eighth = widths
        self.conv_layer1 = stem(6, full)
        self.conv_layer2 = plain_units(full, half, half, half, stride=2)
        self.conv_layer3 = plain_units(half, quarter, quarter, quarter, stride=2)
        self.conv_layer4 = plain_units(quarter, eighth, eighth, eighth, stride=2)
        self.dconv_layer1 = plain_units(eighth + quarter, eighth, half, half)
        self.dconv_layer2 = plain_units(half + half, half, full, full)
        self.dconv_layer3 = plain_units(full + full, full, 3, 3)

    def forward(self, residual: Tensor, picture: Tensor) -> Tensor:
        """Align a residual to a picture.

        Args:
            residual: photo minus its redrawing, [B, 3, H, W].
            picture: what to align it to, [B, 3, H, W] in [-1, 1].

        Returns:
            [B, 3, H, W], unbounded.
        """
        # Early fusion: only side by side can a filter see how far a detail is from its place. Few
        # convolutions reach few pixels, hence `models.flow` for turned heads.
        f1 = self.conv_layer1(torch.cat([residual, picture], dim=1))
        f2 = self.conv_layer2(f1)
        f3 = self.conv_layer3(f2)
        x = self.dconv_layer1(_beside(self.conv_layer4(f3), f3))
        x = self.dconv_layer2(_beside(x, f2))
        # A difference of pictures needs no bound: no activation at the end.
        return self.dconv_layer3(_beside(x, f1))


def _beside(deep: Tensor, skip: Tensor) -> Tensor:
    size = skip.shape[2:]
    enlarged = F.interpolate(deep, size=size, mode="bilinear", align_corners=False)
    return torch.cat([enlarged, skip], dim=1)


class ResidualEncoder(Exact):
    """Aligned residual to the scale and shift of the generator's features.

    A new one changes nothing: its last convolutions start at zero (the published code draws them),
    so that training begins at the plain generator.

    Args:
        widths: channels of the stem and of two groups of three units.
        out_channels: channels of the features it modulates.
        strides: of the two groups; (2, 2) is published, 256 px to 64. Other strides leave a buffer
            `strides` in the state dict, because no weight would tell.
    """

    strides: Tensor

    def __init__(
        self,
        widths: tuple[int, int, int] = (32, 48, 64),
        out_channels: int = 512,
        strides: tuple[int, int] = (2, 2),
    ) -> None:
        super().__init__()
        first, middle, last = widths
        self.conv_layer1 = stem(3, first)
        self.conv_layer2 = plain_units(first, middle, middle, middle, stride=strides[0])
        self.conv_layer3 = plain_units(middle, last, last, last, stride=strides[1])
        self.condition_scale3 = _condition(last, out_channels)
        self.condition_shift3 = _condition(last, out_channels)
        if strides != (2, 2):
            self.register_buffer("strides", torch.tensor(strides))

    def forward(self, residual: Tensor) -> tuple[Tensor, Tensor]:
        """Encode an aligned residual [B, 3, H, W].

        Returns:
            scale and shift, each [B, out_channels, H / s, W / s], s the product of the strides.
        """
        return self.exactly(self._condition, residual)

    def _condition(self, residual: Tensor) -> tuple[Tensor, Tensor]:
        features = self.conv_layer3(self.conv_layer2(self.conv_layer1(residual)))
        return self.condition_scale3(features), self.condition_shift3(features)


def _condition(fan_in: int, width: int) -> nn.Sequential:
    last = EqualConv2d(width, width)
    # Scale and shift of 0 at first, so that training begins at the plain generator.
    nn.init.zeros_(last.weight)
    return nn.Sequential(EqualConv2d(fan_in, width), ScaledLeakyReLU(), last)


def fuse(features: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Apply the consultation: features * (1 + scale) + shift, all [B, C, H, W]."""
    return features * (1 + scale.to(features.dtype)) + shift.to(features.dtype)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Aligner` or `ResidualEncoder` from a state dict of that one."""
    groups = ("conv_layer2", "conv_layer3", "conv_layer4")
    # An aligner has three groups, a residual encoder two.
    own = (group for group in groups if f"{group}.0.res_layer.3.weight" in state)
    stem_width = state["conv_layer1.0.weight"].shape[0]
    widths = (stem_width, *(state[f"{group}.0.res_layer.3.weight"].shape[0] for group in own))
    sizes: dict[str, Any] = {"widths": widths}
    if "condition_scale3.2.weight" in state:
        sizes["out_channels"] = state["condition_scale3.2.weight"].shape[0]
    if "strides" in state:
        sizes["strides"] = tuple(int(stride) for stride in state["strides"])
    return sizes
