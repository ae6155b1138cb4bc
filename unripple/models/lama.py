"""LaMa, the inpainter: a picture with a hole becomes a picture without one.

Source: Suvorov et al. 2022; layout and key names of advimman/lama (Apache-2.0). The `generator.`
part of the published big-lama `best.ckpt` loads strictly into `Lama()`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from unripple.models.layers.ffc import FFCBNReLU, FFCResBlock
from unripple.models.layers.threads import OneThread


class Doubling(OneThread, nn.ConvTranspose2d):
    """A transposed convolution to twice the side."""

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__(fan_in, width, 3, 2, 1, output_padding=1)


class Lama(nn.Module):
    """The generator. Without gradients its bytes do not depend on threads, see `layers.threads`.

    Args:
        ngf: channels at full resolution; each downsampling doubles them, up to `max_features`.
        n_downsampling: halvings of the side before the residual blocks, at least 1.
        n_blocks: residual blocks.
        global_ratio: share of the blocks' channels that live in the Fourier branch, 0 to below 1.
        max_features: cap on the channels.
    """

    def __init__(
        self,
        ngf: int = 64,
        n_downsampling: int = 3,
        n_blocks: int = 18,
        *,
        global_ratio: float = 0.75,
        max_features: int = 1024,
    ) -> None:
        super().__init__()
        if not 0 <= global_ratio < 1:
            raise ValueError(f"global_ratio: got {global_ratio}, wanted 0 to below 1")
        widths = [min(ngf * 2**level, max_features) for level in range(n_downsampling + 1)]
        deep_global = round(widths[-1] * global_ratio)
        deep_local = widths[-1] - deep_global
        down: list[nn.Module] = [FFCBNReLU(4, 0, ngf, 0, kernel=7)]
        for fan_in, width in itertools.pairwise(widths[:-1]):
            down.append(FFCBNReLU(fan_in, 0, width, 0, stride=2))
        down.append(FFCBNReLU(widths[-2], 0, deep_local, deep_global, stride=2))
        up: list[nn.Module] = []
        for fan_in, width in zip(widths[:0:-1], widths[-2::-1], strict=True):
            up.append(Doubling(fan_in, width))
            up.extend([nn.BatchNorm2d(width), nn.ReLU(inplace=True)])
        self.blocks_to = 1 + len(down) + n_blocks
        # One flat list, because the published keys count it, the layers without weights included.
        self.model = nn.ModuleList(
            [
                nn.Identity(),  # 0: published as a reflection pad, here part of the convolution
                *down,
                *(FFCResBlock(deep_local, deep_global) for _ in range(n_blocks)),
                nn.Identity(),  # published as the concatenation of the branches
                *up,
                nn.Identity(),  # as at 0
                nn.Conv2d(ngf, 3, 7, padding=3, padding_mode="reflect"),
                nn.Sigmoid(),
            ]
        )

    def forward(self, masked: Tensor, hole: Tensor) -> Tensor:
        """Paint a whole picture; the caller keeps its known pixels.

        Args:
            masked: picture with the hole blackened, float [B, 3, H, W] in [0, 1]; H and W are
                multiples of 2 ** n_downsampling.
            hole: 1 where the picture is unknown, else 0, float [B, 1, H, W].

        Returns:
            float32 [B, 3, H, W] in [0, 1].
        """
        layers = list(self.model)
        local, globe = torch.cat([masked, hole], dim=1), None
        for layer in layers[1 : self.blocks_to]:
            local, globe = layer(local, globe)
        x = local if globe is None else torch.cat([local, globe], dim=1)
        for layer in layers[self.blocks_to : -1]:
            x = layer(x)
        return torch.sigmoid(x.float())


def correct(network: Callable[[Tensor, Tensor], Tensor], guess: Tensor, hole: Tensor) -> Tensor:
    """Let a network that was trained to correct a first guess, not to start from black, do so.

    It sees the guess in the place of the hole, and its output in [0, 1] is read as a correction
    from -1 to 1. So an untrained network already gives the guess, and a small one has only what is
    wrong with it to learn.

    Args:
        network: a `Lama`.
        guess: from `unripple.ops.borrow.first_guess`, float [B, 3, H, W] in [0, 1].
        hole: 1 where the picture is unknown, else 0, float [B, 1, H, W].

    Returns:
        float32 [B, 3, H, W], not clamped.
    """
    return guess + 2 * network(guess, hole) - 1


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Lama` from a state dict with its key names."""
    downs = _numbers(state, r"model\.(\d+)\.ffc\.convl2l\.weight")
    blocks = _numbers(state, r"model\.(\d+)\.conv1\.ffc\.convl2l\.weight")
    local = state[f"model.{downs[-1]}.ffc.convl2l.weight"].shape[0]
    to_global = state.get(f"model.{downs[-1]}.ffc.convl2g.weight")
    deep = local + (0 if to_global is None else to_global.shape[0])
    return {
        "ngf": state["model.1.ffc.convl2l.weight"].shape[0],
        "n_downsampling": len(downs) - 1,
        "n_blocks": len(blocks),
        "global_ratio": (deep - local) / deep,
        "max_features": deep,
    }


def _numbers(state: Mapping[str, Tensor], pattern: str) -> list[int]:
    matches = (re.fullmatch(pattern, key) for key in state)
    return sorted(int(match[1]) for match in matches if match)
