"""The decoder of DPT: tokens become maps, maps of four sizes become one.

Source: Ranftl et al. 2021, section 3; layout and key names of isl-org/DPT (MIT).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Readout(nn.Module):
    """Hands the class token to every patch token ("project")."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Linear(2 * width, width), nn.GELU())

    def forward(self, tokens: Tensor) -> Tensor:
        """Turn [B, 1 + N, width], class token first, into [B, N, width]."""
        patches = tokens[:, 1:]
        both = torch.cat([patches, tokens[:, :1].expand_as(patches)], dim=2)
        return self.project(both)


class Reassemble(nn.Module):
    """Tokens to a map at 4, 2, 1 or 1/2 times the token grid, by `level` 1 to 4.

    The children carry the numbers that they have in the published sequence.
    """

    def __init__(self, token_width: int, width: int, *, level: int) -> None:
        super().__init__()
        self.add_module("0", Readout(token_width))
        self.add_module("3", nn.Conv2d(token_width, width, 1))
        if level in (1, 2):
            scale = 4 // level
            self.add_module("4", nn.ConvTranspose2d(width, width, scale, scale))
        elif level == 4:
            self.add_module("4", nn.Conv2d(width, width, 3, 2, 1))

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """Turn [B, 1 + h * w, token width] into a map; `grid` is (h, w)."""
        readout, *convolutions = self.children()
        x: Tensor = readout(tokens).transpose(1, 2).unflatten(2, grid)  # [B, token width, h, w]
        x = x.contiguous(memory_format=torch.channels_last)
        for convolution in convolutions:
            x = convolution(x)
        return x


class ResidualConvUnit(nn.Module):
    """x plus two convolutions, each after a ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, 1, 1)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2(F.relu(self.conv1(F.relu(x))))
        return x + y


class FeatureFusion(nn.Module):
    """A level added to the coarser one, refined, and brought to twice its size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.out_conv = nn.Conv2d(width, width, 1)
        self.resConfUnit1 = ResidualConvUnit(width)
        self.resConfUnit2 = ResidualConvUnit(width)

    def forward(self, level: Tensor, coarser: Tensor | None) -> Tensor:
        """Fuse; the coarsest level has nothing to be added to and skips the first unit."""
        x = level if coarser is None else coarser + self.resConfUnit1(level)
        return self.out_conv(doubled(self.resConfUnit2(x)))


class Doubled(nn.Module):
    """Twice the size, bilinear, as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return doubled(x)


class Scratch(nn.Module):
    """The decoder: four levels to one map at four times the size of the finest.

    Args:
        level_widths: channels of the four levels, finest first.
        features: channels of the fusion.
        head_width: channels before the last layer.
    """

    def __init__(self, level_widths: Sequence[int], features: int, head_width: int) -> None:
        super().__init__()
        for number, width in enumerate(level_widths, start=1):
            self.add_module(f"layer{number}_rn", nn.Conv2d(width, features, 3, 1, 1, bias=False))
        for number in range(1, len(level_widths) + 1):
            self.add_module(f"refinenet{number}", FeatureFusion(features))
        last = nn.Conv2d(head_width, 1, 1)
        # Away from the dead side of the final ReLU, where nothing would learn.
        last.bias = nn.Parameter(torch.ones(1))
        self.output_conv = nn.Sequential(
            nn.Conv2d(features, features // 2, 3, 1, 1),
            Doubled(),
            nn.Conv2d(features // 2, head_width, 3, 1, 1),
            nn.ReLU(),
            last,
            nn.ReLU(),
        )

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Turn four maps, finest first at 1/4 of the side, into [B, 1, H, W], not negative."""
        fused: Tensor | None = None
        for number in range(len(levels), 0, -1):
            level = self.get_submodule(f"layer{number}_rn")(levels[number - 1])
            fused = self.get_submodule(f"refinenet{number}")(level, fused)
        return self.output_conv(fused)


def doubled(x: Tensor) -> Tensor:
    """Enlarge a map to twice its size, bilinear with the corners aligned."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
