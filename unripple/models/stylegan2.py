"""StyleGAN2: a code becomes a picture.

Source: Karras et al. 2020; layout and key names of rosinality/stylegan2-pytorch (MIT), whose
`stylegan2-ffhq-config-f.pt` (entry `g_ema`) loads strictly into
`Generator(**sizes_from_state(state))`. So do the generators of mit-han-lab/anycost-gan (MIT), which
are trained to be cut short (`resolution`) and sliced (`widths`, tables in `models.anycost`).

The layers are in `layers.modulated`, the way through them in `layers.synthesis`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unripple.models.layers.equalised import EqualLinear
from unripple.models.layers.modulated import StyledConv, ToRGB
from unripple.models.layers.synthesis import Synthesis

CHANNELS_1024 = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}
"""Channels by resolution of the published 1024 px models."""


class PixelNorm(nn.Module):
    """Scale z to a mean square of 1 over its features."""

    def forward(self, z: Tensor) -> Tensor:
        # A mean of squares needs more digits than bf16 has.
        z = z.float()
        return z * torch.rsqrt(z.square().mean(dim=-1, keepdim=True) + 1e-8)


class LearnedConstant(nn.Module):
    """The 4x4 features that every picture starts from."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, width, 4, 4))


class NoiseMaps(nn.Module):
    """The stored noise: `noise_i` [1, 1, H, W] belongs to styled convolution i.

    Args:
        sides: resolutions from 4 px; each but the first has two maps.
        name: what stands before the number in the keys.
    """

    def __init__(self, sides: Sequence[int], *, name: str = "noise_") -> None:
        super().__init__()
        self.name = name
        for i, side in enumerate([4, *(side for side in sides[1:] for _ in range(2))]):
            self.register_buffer(f"{name}{i}", torch.randn(1, 1, side, side))

    def forward(self, i: int) -> Tensor:
        return self.get_buffer(f"{self.name}{i}")


class Generator(Synthesis):
    """The generator.

    Args:
        size: side of the picture, px, a power of 2 from 8.
        style_dim: features of z, of w and of each of the codes of w+.
        n_mlp: layers of the mapping.
        channels: resolution -> feature channels, for 4, 8, ... size; further entries are ignored.
        lr_mlp: learning-rate multiplier of the mapping; part of what stored weights mean.

    Raises:
        ValueError: `size` is no power of 2, or `channels` lacks a resolution.
    """

    def __init__(
        self,
        size: int = 1024,
        style_dim: int = 512,
        n_mlp: int = 8,
        channels: Mapping[int, int] = CHANNELS_1024,
        lr_mlp: float = 0.01,
    ) -> None:
        sides = resolutions(size, channels)
        super().__init__(size, style_dim)
        # Further entries are dropped, so that one table serves generators of several sizes.
        self.channels = {side: channels[side] for side in sides}
        self.style = nn.Sequential(
            PixelNorm(),
            *(EqualLinear(style_dim, style_dim, lr=lr_mlp, activate=True) for _ in range(n_mlp)),
        )
        self.input = LearnedConstant(channels[4])
        self.conv1 = StyledConv(channels[4], channels[4], style_dim)
        self.to_rgb1 = ToRGB(channels[4], style_dim, upsample=False)
        self.convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        for side in sides[1:]:
            below, width = channels[side // 2], channels[side]
            self.convs.append(StyledConv(below, width, style_dim, upsample=True))
            self.convs.append(StyledConv(width, width, style_dim))
            self.to_rgbs.append(ToRGB(width, style_dim))
        self.noises = NoiseMaps(sides)

    def map(self, z: Tensor) -> Tensor:
        """Map z [..., style_dim] to w of the same shape, float32, without truncation."""
        return self.style(z)

    def rows(self, w: Tensor, *, crossover: int | None = None) -> Tensor:
        """Lay codes out as w+.

        Args:
            w: [B, L, style_dim] with L = 1 (the same code for every row), 2 (style mixing) or
                n_codes (w+ already).
            crossover: of style mixing, the first row that the second code takes.

        Returns:
            [B, n_codes, style_dim].

        Raises:
            ValueError: another shape, or two codes and no `crossover` from 1 to n_codes - 1.
        """
        given = w.shape[1] if w.dim() == 3 else 0
        if given == self.n_codes and crossover is None:
            return w
        if given == 1 and crossover is None:
            return w.expand(-1, self.n_codes, -1)
        if given != 2:
            raise ValueError(
                f"w: got {tuple(w.shape)} and crossover {crossover}, wanted [B, 1 or"
                f" {self.n_codes}, {self.style_dim}], or two codes and a crossover"
            )
        if crossover is None or not 0 < crossover < self.n_codes:
            raise ValueError(f"crossover: got {crossover}, wanted 1 to {self.n_codes - 1}")
        # Style mixing (Karras et al. 2019, section 3.1): coarse rows from the first code.
        return w[:, [int(row >= crossover) for row in range(self.n_codes)]]

    @property
    def constant(self) -> Tensor:
        return self.input.input

    def styled(self, i: int) -> StyledConv:
        layer = self.conv1 if i == 0 else self.convs[i - 1]
        assert isinstance(layer, StyledConv)
        return layer

    def rgb(self, level: int) -> ToRGB:
        layer = self.to_rgb1 if level == 0 else self.to_rgbs[level - 1]
        assert isinstance(layer, ToRGB)
        return layer

    def stored_noise(self, i: int) -> Tensor:
        return self.noises(i)


def truncated(w: Tensor, mean: Tensor, *, psi: float) -> Tensor:
    """Draw codes towards the mean code: psi 1 leaves them, 0 gives the mean.

    Source: Karras et al. 2019, section 2.1 and appendix B (the truncation trick in w).
    """
    return (1 - psi) * mean + psi * w


def resolutions(size: int, channels: Mapping[int, int]) -> list[int]:
    """The sides from 4 to `size`, px.

    Raises:
        ValueError: `size` is no power of 2 from 8, or `channels` lacks one of them.
    """
    if size < 8 or size & (size - 1):
        raise ValueError(f"size: got {size}, wanted a power of 2 from 8")
    sides = [2**n for n in range(2, size.bit_length())]
    missing = [side for side in sides if side not in channels]
    if missing:
        raise ValueError(f"channels: nothing for resolutions {missing} of a {size} px generator")
    return sides


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Generator` from a state dict with its key names.

    `lr_mlp` leaves no trace in the weights; the published 0.01 (the default) is assumed.
    """
    # One RGB layer per doubling, whose weights tell where the pyramid ends.
    blocks = sum(1 for key in state if key.startswith("to_rgbs.") and key.endswith(".conv.weight"))
    channels = {4: state["input.input"].shape[1]}
    for k in range(blocks):
        channels[8 * 2**k] = state[f"convs.{2 * k}.conv.weight"].shape[1]
    return {
        "size": 4 * 2**blocks,
        "style_dim": state["conv1.conv.modulation.weight"].shape[1],
        "n_mlp": sum(1 for key in state if key.startswith("style.") and key.endswith(".weight")),
        "channels": channels,
    }
