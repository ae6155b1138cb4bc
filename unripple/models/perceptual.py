"""How different two pictures look to the face parser's trunk: a loss, and a figure.

LPIPS-like, not LPIPS: as there (Zhang et al. 2018, equation 1) features are normalised over their
channels and their squared differences averaged over the picture, level by level; but the trunk is
the parser's, which learned faces and not ImageNet, and no weights fitted to people's judgements
scale the channels. Its values compare with each other and with nothing published.
"""

from __future__ import annotations

import copy
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.bisenet import BiSeNet, normalised

EPSILON = 1e-3
"""Squared length under which a pixel's features count as silent; answers are of unit scale."""


class FeatureDistance(nn.Module):
    """LPIPS-like distance on a frozen copy of a trained parser's trunk.

    The gradient reaches the pictures and never the trunk, which stays in evaluation mode.

    Args:
        parser: a trained BiSeNet.
        levels: which of the trunk's five levels count: 0 is the stem, 4 the deepest. The fine ones
            see texture, the deep ones see as far as the picture is wide (for large holes).
    """

    def __init__(self, parser: BiSeNet, *, levels: tuple[int, ...] = (0, 1, 2, 3, 4)) -> None:
        super().__init__()
        unknown = [level for level in levels if not 0 <= level <= 4]
        if unknown or not levels:
            raise ValueError(f"levels: got {levels}, wanted one or more of 0 to 4")
        self.levels = levels
        self.trunk = copy.deepcopy(parser.cp.resnet).requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002 (the caller's wish is refused)
        """Stay in evaluation mode, whatever a training loop asks."""
        return super().train(False)

    def features(self, picture: Tensor) -> list[Tensor]:
        """Compute the chosen levels of pictures [B, 3, H, W] in [-1, 1], unit over channels."""
        levels = self.trunk(normalised(picture))
        return [_unit(levels[level].float()) for level in self.levels]

    def forward(self, a: Tensor, b: Tensor, weight: Tensor | None = None) -> Tensor:
        """Measure each pair of pictures.

        Args:
            a, b: pictures, float [B, 3, H, W] in [-1, 1].
            weight: how much each pixel counts, float [B, 1, H, W], 0 or more; default: all alike.
                A picture whose weights are all 0 gets distance 0.

        Returns:
            float32 [B]: mean over the levels, 0 for the same picture, 2 at most (the features are
            not negative).
        """
        pairs = zip(self.features(a), self.features(b), strict=True)
        return torch.stack([_level_distance(x, y, weight) for x, y in pairs]).mean(0)


def _unit(features: Tensor) -> Tensor:
    # The floor keeps the gradient of a pixel where almost no channel answers from exploding.
    return features * torch.rsqrt(features.square().sum(1, keepdim=True) + EPSILON)


def _level_distance(a: Tensor, b: Tensor, weight: Tensor | None) -> Tensor:
    per_pixel = (a - b).square().sum(1, keepdim=True)  # [B, 1, h, w]
    if weight is None:
        return per_pixel.mean((1, 2, 3))
    # Deep features see more than their cell, so a small hole counts a little beyond its border.
    share = F.interpolate(weight.float(), size=per_pixel.shape[2:], mode="area")
    total = share.sum((1, 2, 3))
    return (per_pixel * share).sum((1, 2, 3)) / total.clamp_min(1e-8)
