"""GFPGAN v1 "clean": a damaged face becomes a face that StyleGAN2 could have drawn.

Source: Wang et al. 2021; layout and key names of GFPGANv1Clean in TencentARC/GFPGAN, whose
`GFPGANv1.3.pth` and `GFPGANv1.4.pth` (entry `params_ema`) load strictly into
`GFPGAN(**sizes_from_state(state))`.

A U-net reads the picture. Its bottom gives the codes, its way up one scale and shift per
resolution, which move half of the decoder's features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.clean import CleanStyledConv, CleanToRGB
from unripple.models.layers.equalised import SLOPE
from unripple.models.layers.precision import exactly
from unripple.models.layers.synthesis import Noise, OnResolution, Synthesis
from unripple.models.layers.upsampling import bilinear
from unripple.models.stylegan2 import NoiseMaps, resolutions

CHANNELS_512 = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64}
"""The decoder's channels by resolution in the published weights; the U-net has half of them."""

DEAD_KEYS = ("stylegan_decoder.style_mlp.",)
"""Prefixes of published weights that no forward pass uses: the decoder's codes come ready."""


class Constant(nn.Module):
    """The 4x4 features that every picture starts from."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, width, 4, 4))


class CleanDecoder(Synthesis):
    """StyleGAN2 with effective weights and bilinear enlarging; arguments as `GFPGAN`."""

    def __init__(self, size: int, style_dim: int, n_mlp: int, channels: Mapping[int, int]) -> None:
        super().__init__(size, style_dim)
        sides = resolutions(size, channels)
        self.style_mlp = nn.Sequential(nn.Identity())
        for _ in range(n_mlp):
            self.style_mlp.extend([nn.Linear(style_dim, style_dim), nn.LeakyReLU(SLOPE)])
        self.constant_input = Constant(channels[4])
        self.style_conv1 = CleanStyledConv(channels[4], channels[4], style_dim)
        self.to_rgb1 = CleanToRGB(channels[4], style_dim)
        self.style_convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        for side in sides[1:]:
            below, width = channels[side // 2], channels[side]
            self.style_convs.append(CleanStyledConv(below, width, style_dim, upsample=True))
            self.style_convs.append(CleanStyledConv(width, width, style_dim))
            self.to_rgbs.append(CleanToRGB(width, style_dim))
        self.noises = NoiseMaps(sides, name="noise")

    @property
    def constant(self) -> Tensor:
        return self.constant_input.weight

    def styled(self, i: int) -> CleanStyledConv:
        layer = self.style_conv1 if i == 0 else self.style_convs[i - 1]
        assert isinstance(layer, CleanStyledConv)
        return layer

    def rgb(self, level: int) -> CleanToRGB:
        layer = self.to_rgb1 if level == 0 else self.to_rgbs[level - 1]
        assert isinstance(layer, CleanToRGB)
        return layer

    def stored_noise(self, i: int) -> Tensor:
        return self.noises(i)


class ResizeBlock(nn.Module):
    """Two 3x3 convolutions with a bilinear resize between them, beside a resized shortcut."""

    def __init__(self, fan_in: int, width: int, *, factor: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(fan_in, fan_in, 3, 1, 1)
        self.conv2 = nn.Conv2d(fan_in, width, 3, 1, 1)
        self.skip = nn.Conv2d(fan_in, width, 1, bias=False)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        y = bilinear(F.leaky_relu(self.conv1(x), SLOPE), self.factor)
        y = F.leaky_relu(self.conv2(y), SLOPE)
        shortcut: Tensor = self.skip(bilinear(x, self.factor))
        return y + shortcut


class GFPGAN(nn.Module):
    """The restorer.

    Args:
        size: side of its pictures, px, a power of 2 from 8.
        style_dim: features of a code.
        n_mlp: layers of the mapping that the published weights carry along, unused; 0: none.
        channels: resolution -> channels of the decoder, even, for 4, 8, ... size; further entries
            are ignored. The U-net has half of them.

    Attributes:
        exact_px: under autocast, what the U-net does to maps of up to this side is float32, as it
            is in the decoder.

    Raises:
        ValueError: `size` is no power of 2, or `channels` lacks a resolution.
    """

    exact_px = 128

    def __init__(
        self,
        size: int = 512,
        style_dim: int = 512,
        n_mlp: int = 8,
        channels: Mapping[int, int] = CHANNELS_512,
    ) -> None:
        super().__init__()
        sides = resolutions(size, channels)
        width = {side: channels[side] // 2 for side in sides}
        self.size = size
        self.conv_body_first = nn.Conv2d(3, width[size], 1)
        self.conv_body_down = nn.ModuleList(
            ResizeBlock(width[side], width[side // 2], factor=0.5) for side in sides[:0:-1]
        )
        self.final_conv = nn.Conv2d(width[4], width[4], 3, 1, 1)
        self.stylegan_decoder = CleanDecoder(size, style_dim, n_mlp, channels)
        n_codes = self.stylegan_decoder.n_codes
        self.final_linear = nn.Linear(width[4] * 4 * 4, n_codes * style_dim)
        self.conv_body_up = nn.ModuleList(
            ResizeBlock(width[side // 2], width[side], factor=2.0) for side in sides[1:]
        )
        self.condition_scale = nn.ModuleList(_condition(width[side]) for side in sides[1:])
        self.condition_shift = nn.ModuleList(_condition(width[side]) for side in sides[1:])
        self.toRGB = nn.ModuleList(nn.Conv2d(width[side], 3, 1) for side in sides[1:])

    def forward(
        self,
        picture: Tensor,
        *,
        noise: Noise = "stored",
        rng: torch.Generator | None = None,
        on_resolution: OnResolution | None = None,
    ) -> Tensor:
        """Restore faces.

        Args:
            picture: [B, 3, size, size] RGB in [-1, 1], aligned as FFHQ.
            noise: as `Synthesis.synthesize`. The published script draws fresh noise at every call;
                here that is "random", and stored noise gives the same bytes again.
            rng: stream of the random noise, on the weights' device.
            on_resolution: called with the side and the U-net's own picture, float32 [B, 3, side,
                side], after each of its resolutions from 8 px.

        Returns:
            float32 [B, 3, size, size], about [-1, 1], not clamped.

        Raises:
            ValueError: pictures of another size, or an unknown `noise`.
        """
        if picture.shape[1:] != (3, self.size, self.size):
            raise ValueError(
                f"picture: got {tuple(picture.shape)}, wanted [B, 3, {self.size}, {self.size}]"
            )
        x = F.leaky_relu(self.conv_body_first(picture), SLOPE)
        skips = []
        for down in self.conv_body_down:
            x = self._exactly(down, x)
            skips.append(x)
        x = F.leaky_relu(self._exactly(self.final_conv, x), SLOPE)
        # The bottom of the U-net sees the whole face: it chooses the codes, its way up the details.
        codes = self._codes(x)
        modulations = {}
        for level, up in enumerate(self.conv_body_up):
            x = self._exactly(up, x + skips.pop())
            scale, shift = self.condition_scale[level], self.condition_shift[level]
            modulation = _half_modulated(self._exactly(scale, x), self._exactly(shift, x))
            # After the decoder's convolution that reaches this resolution.
            modulations[2 * level + 1] = modulation
            if on_resolution is not None:
                on_resolution(x.shape[3], self.toRGB[level](x).float())
        return self.stylegan_decoder.synthesize(codes, noise=noise, rng=rng, inject=modulations)

    def _exactly(self, layer: nn.Module, x: Tensor) -> Tensor:
        return exactly(layer, x, when=x.shape[-1] <= self.exact_px)

    def _codes(self, x: Tensor) -> Tensor:
        """The bottom of the U-net to w+, float32 whatever the autocast says."""
        decoder = self.stylegan_decoder
        with torch.autocast(x.device.type, enabled=False):
            codes: Tensor = self.final_linear(x.float().flatten(1))
        return codes.reshape(-1, decoder.n_codes, decoder.style_dim)


def _condition(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, 1, 1), nn.LeakyReLU(SLOPE), nn.Conv2d(width, width, 3, 1, 1)
    )


def _half_modulated(scale: Tensor, shift: Tensor) -> Callable[[Tensor], Tensor]:
    """The spatial feature transform of the second half of the channels (paper, section 3.4)."""

    def modulate(features: Tensor) -> Tensor:
        unchanged, modulated = features.chunk(2, dim=1)
        return torch.cat([unchanged, modulated * scale + shift], dim=1)

    return modulate


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `GFPGAN` from a state dict with its key names."""
    prefix = "stylegan_decoder."
    ups = sum(1 for key in state if key.startswith("toRGB.") and key.endswith(".weight"))
    first = state[f"{prefix}style_conv1.modulated_conv.modulation.weight"]
    channels = {4: first.shape[0]}
    for level in range(ups):
        weight = state[f"{prefix}style_convs.{2 * level}.modulated_conv.weight"]
        channels[8 << level] = weight.shape[1]
    mlp = f"{prefix}style_mlp."
    return {
        "size": 4 << ups,
        "style_dim": first.shape[1],
        "n_mlp": sum(1 for key in state if key.startswith(mlp) and key.endswith(".weight")),
        "channels": channels,
    }
