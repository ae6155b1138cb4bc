"""LandmarkNet, a small network of ours: a picture with one face becomes its five landmarks.

A point is the mean of a heatmap (soft-argmax), which is far finer than the heatmap's cells and has
a gradient; source of the idea: Sun et al. 2018, integral regression. The heatmaps are made at a
quarter of the side from features that have seen the whole picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.conv_bn import ConvBNReLU, halving_levels, trunk_widths


class LandmarkNet(nn.Module):
    """The network.

    Args:
        widths: channels of the levels at 1/2, 1/4, 1/8, ... of the side, at least three.
        head: channels in which the levels meet on their way back up to 1/4.
        n_points: landmarks.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 64, 96, 128),
        head: int = 48,
        n_points: int = 5,
    ) -> None:
        super().__init__()
        if len(widths) < 3:
            raise ValueError(f"widths: got {len(widths)} numbers, wanted at least 3")
        self.stem = ConvBNReLU(3, widths[0], stride=2)
        self.down = halving_levels(widths)
        self.lateral = nn.ModuleList(nn.Conv2d(width, head, 1) for width in widths[1:])
        self.merge = nn.ModuleList(ConvBNReLU(head, head) for _ in widths[1:])
        self.heat = nn.Conv2d(head, n_points, 1)

    def heatmaps(self, picture: Tensor) -> Tensor:
        """Compute one map of logits per landmark.

        Args:
            picture: float [B, 3, S, S] in [-1, 1], S a multiple of 2 ** len(widths).

        Returns:
            float32 [B, n_points, S / 4, S / 4].
        """
        x = self.stem(picture)
        levels = []
        for layer in self.down:
            x = layer(x)
            levels.append(x)
        steps = list(zip(self.lateral, self.merge, levels, strict=True))
        lateral, merge, deepest = steps.pop()
        y: Tensor = merge(lateral(deepest))
        # Nearest and a convolution, as in feature pyramids (Lin et al. 2017): the merge smooths.
        for lateral, merge, level in reversed(steps):
            y = merge(F.interpolate(y, scale_factor=2.0, mode="nearest") + lateral(level))
        logits: Tensor = self.heat(y)
        return logits.float()

    def forward(self, picture: Tensor) -> Tensor:
        """Return the landmarks, float32 [B, n_points, 2]: (x, y) in units of the side, 0 to 1."""
        return soft_argmax(self.heatmaps(picture))


def soft_argmax(heatmaps: Tensor) -> Tensor:
    """Take each map's mean position.

    Args:
        heatmaps: logits [B, N, H, W].

    Returns:
        [B, N, 2]: (x, y) in units of the sides; the first cell's centre is at (0.5 / W, 0.5 / H).
    """
    height, width = heatmaps.shape[2:]
    shares = heatmaps.flatten(2).softmax(2).view_as(heatmaps)  # [B, N, H, W]
    across = (torch.arange(width, device=shares.device, dtype=shares.dtype) + 0.5) / width
    down = (torch.arange(height, device=shares.device, dtype=shares.dtype) + 0.5) / height
    # Products and sums, no matmul: autocast would round the points to half a pixel.
    x = (shares.sum(2) * across).sum(2)
    y = (shares.sum(3) * down).sum(2)
    return torch.stack([x, y], dim=2)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `LandmarkNet` from its state dict."""
    n_points, head = state["heat.weight"].shape[:2]
    return {"widths": trunk_widths(state), "head": head, "n_points": n_points}
