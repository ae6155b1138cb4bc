"""StyleGAN2: a code becomes a picture.

Source: Karras et al. 2020; layout and key names of rosinality/stylegan2-pytorch (MIT), whose
`stylegan2-ffhq-config-f.pt` (entry `g_ema`) loads strictly into
`Generator(**sizes_from_state(state))`.

Codes and layers: the styled convolution number i uses code i of w+, and the RGB layer of a
resolution uses the code after its last convolution, which it shares with the next resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from unripple.models.layers.equalised import EqualLinear
from unripple.models.layers.modulated import ModulatedConv2d, StyledConv, ToRGB

Noise = Literal["stored", "random", "none"]
Inject = Mapping[int, Callable[[Tensor], Tensor]]

CHANNELS_1024 = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}
"""Channels by resolution of the published 1024 px models."""


class PixelNorm(nn.Module):
    """Scale z to a mean square of 1 over its features."""

    def forward(self, z: Tensor) -> Tensor:
        z = z.float()
        return z * torch.rsqrt(z.square().mean(dim=-1, keepdim=True) + 1e-8)


class LearnedConstant(nn.Module):
    """The 4x4 features that every picture starts from."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, width, 4, 4))

    def forward(self, batch: int) -> Tensor:
        repeated = self.input.expand(batch, -1, -1, -1)
        return repeated.contiguous(memory_format=torch.channels_last)


class NoiseMaps(nn.Module):
    """The stored noise: `noise_i` [1, 1, H, W] belongs to styled convolution i."""

    def __init__(self, sides: Sequence[int]) -> None:
        super().__init__()
        for i, side in enumerate(sides):
            self.register_buffer(f"noise_{i}", torch.randn(1, 1, side, side))

    def forward(self, i: int) -> Tensor:
        return self.get_buffer(f"noise_{i}")


class Generator(nn.Module):
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
        super().__init__()
        sides = _resolutions(size, channels)
        self.size, self.style_dim = size, style_dim
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
        self.noises = NoiseMaps([4, *(side for side in sides[1:] for _ in range(2))])

    @property
    def n_codes(self) -> int:
        """Codes of w+: 18 at 1024 px, 12 at 128 px."""
        return len(self.convs) + 2

    def map(self, z: Tensor) -> Tensor:
        """Map z [B, style_dim] to w [B, style_dim], float32, without truncation."""
        w: Tensor = self.style(z)
        return w

    def synthesize(
        self,
        w_plus: Tensor,
        *,
        noise: Noise = "stored",
        inject: Inject | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        """Render codes.

        Args:
            w_plus: [B, n_codes, style_dim], used as they are (no truncation).
            noise: "stored" adds the maps kept with the weights, "random" fresh ones per sample,
                "none" nothing.
            inject: number of a styled convolution (0 to n_codes - 2) -> function of its output
                [B, C, H, W], which goes on with what the function returns. A function that keeps
                its argument and returns it is a feature tap.
            rng: stream of the random noise, on the weights' device; torch's global one if absent.

        Returns:
            float32 [B, 3, size, size], about [-1, 1], not clamped.

        Raises:
            ValueError: codes of another shape, an unknown `noise`, or `inject` names a convolution
                that is not there.
        """
        return self.render(self.styles(w_plus), noise=noise, inject=inject, rng=rng)

    def styles(self, w_plus: Tensor) -> list[Tensor]:
        """Turn codes into style space: float32 [B, channels], one per modulated convolution.

        The order is that of computation: 4 px convolution, 4 px RGB, then per resolution the
        upsampling convolution, the plain one, the RGB layer (26 entries at 1024 px).

        Raises:
            ValueError: `w_plus` is not [B, n_codes, style_dim].
        """
        if w_plus.dim() != 3 or tuple(w_plus.shape[1:]) != (self.n_codes, self.style_dim):
            raise ValueError(
                f"w_plus: got {tuple(w_plus.shape)}, wanted [B, {self.n_codes}, {self.style_dim}]"
                f" for this {self.size} px generator"
            )
        return [conv.modulation(w_plus[:, code]) for code, conv in self._modulated()]

    def render(
        self,
        styles: Sequence[Tensor],
        *,
        noise: Noise = "stored",
        inject: Inject | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        """Render style space as `styles` gives it; everything else as `synthesize`."""
        maps = self._noise_maps(len(styles[0]), noise, rng)
        inject = self._checked(inject)
        todo = iter(styles)

        def styled(i: int, x: Tensor) -> Tensor:
            x = self._styled(i)(x, next(todo), maps[i])
            return inject[i](x) if i in inject else x

        x = styled(0, self.input(len(styles[0])))
        picture: Tensor = self.to_rgb1(x, next(todo))
        for k, to_rgb in enumerate(self.to_rgbs):
            x = styled(2 * k + 2, styled(2 * k + 1, x))
            picture = to_rgb(x, next(todo), picture)
        return picture

    def _styled(self, i: int) -> StyledConv:
        layer = self.conv1 if i == 0 else self.convs[i - 1]
        assert isinstance(layer, StyledConv)
        return layer

    def _modulated(self) -> list[tuple[int, ModulatedConv2d]]:
        """(code, convolution) in the order of computation."""
        layers = [(0, self.conv1.conv), (1, self.to_rgb1.conv)]
        for k, to_rgb in enumerate(self.to_rgbs):
            assert isinstance(to_rgb, ToRGB)
            layers += [(i, self._styled(i).conv) for i in (2 * k + 1, 2 * k + 2)]
            layers += [(2 * k + 3, to_rgb.conv)]
        return layers

    def _noise_maps(
        self, batch: int, noise: Noise, rng: torch.Generator | None
    ) -> list[Tensor | None]:
        stored: list[Tensor] = [self.noises(i) for i in range(len(self.convs) + 1)]
        if noise == "stored":
            return list(stored)
        if noise == "none":
            return [None] * len(stored)
        if noise == "random":
            shapes = [(batch, *kept.shape[1:]) for kept in stored]
            return [torch.randn(s, generator=rng, device=stored[0].device) for s in shapes]
        raise ValueError(f"noise: got {noise!r}, wanted one of {get_args(Noise)}")

    def _checked(self, inject: Inject | None) -> Inject:
        last = len(self.convs)
        odd = [i for i in inject or () if not 0 <= i <= last]
        if odd:
            raise ValueError(f"inject: no styled convolution {odd}, wanted 0 to {last}")
        return inject or {}


def _resolutions(size: int, channels: Mapping[int, int]) -> list[int]:
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
