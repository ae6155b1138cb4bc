"""Losses that several trainings share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Face

FEATURES = (
    Face.LEFT_BROW,
    Face.RIGHT_BROW,
    Face.LEFT_EYE,
    Face.RIGHT_EYE,
    Face.GLASSES,
    Face.NOSE,
    Face.MOUTH,
    Face.UPPER_LIP,
    Face.LOWER_LIP,
)
"""The small parts by which people recognise each other."""


def part_weights(background: float = 0.3, person: float = 1.0, features: float = 1.5) -> Tensor:
    """One weight per part, float32 [19]: background, person, and what the features add."""
    weights = torch.full((len(Face),), person)
    weights[Face.BACKGROUND] = background
    weights[list(FEATURES)] += features
    return weights


def pixel_weights(labels: Tensor, weights: Tensor) -> Tensor:
    """Labels [B, H, W] -> weights [B, 1, H, W]."""
    return weights[labels.int()][:, None]


def shrink(pictures: Tensor, size: int) -> Tensor:
    """Average whole blocks of pixels until the side is `size`."""
    factor = pictures.shape[-1] // size
    return F.avg_pool2d(pictures, factor) if factor > 1 else pictures


def pyramid_l1(
    difference: Tensor, weights: Tensor | None = None, *, levels: int = 4, gradient_levels: int = 2
) -> Tensor:
    """Weighted mean of |difference| over an average pyramid, and half of its gradients' at the top.

    Colours are matched coarse and fine, edges at the finest levels only. Pooling is linear, so the
    pyramid of the difference is the difference of the pyramids.

    Args:
        difference: picture minus target, [B, 3, H, W].
        weights: [B, 1, H, W]; None counts every pixel alike.
        levels: how many times the picture is halved, the full size included.
        gradient_levels: at how many of the finest levels the gradients count.

    Returns:
        A scalar.
    """
    total = difference.new_zeros(())
    for level in range(levels):
        if level:
            # Weights are pooled along, so that a part keeps its share at every level.
            difference = F.avg_pool2d(difference, 2)
            weights = F.avg_pool2d(weights, 2) if weights is not None else None
        total = total + _weighted_l1(difference, weights)
        # L1 alone is content with a blur, whose gradients are small everywhere.
        if level < gradient_levels:
            across = difference[..., 1:] - difference[..., :-1]
            down = difference[..., 1:, :] - difference[..., :-1, :]
            total = total + 0.5 * _weighted_l1(
                across, None if weights is None else weights[..., 1:]
            )
            total = total + 0.5 * _weighted_l1(
                down, None if weights is None else weights[..., 1:, :]
            )
    return total


def _weighted_l1(difference: Tensor, weights: Tensor | None) -> Tensor:
    size = difference.abs()
    return size.mean() if weights is None else (size * weights).mean()


def masked_l1(pictures: Tensor, targets: Tensor, mask: Tensor) -> float:
    """Mean absolute difference over a mask [B, 1, H, W], for pictures of range 0 to 1."""
    per_pixel = (pictures.float() - targets).abs().mean(1, keepdim=True) / 2
    return float((per_pixel * mask).sum() / mask.sum().clamp_min(1))


def psnr(pictures: Tensor, targets: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures in [-1, 1], mean over pictures."""
    # Per picture, then averaged in dB; / 4, for the range is 2.
    error = (pictures.float().clamp(-1, 1) - targets).square().mean((1, 2, 3)) / 4
    return float((-10 * torch.log10(error.clamp_min(1e-10))).mean())


def person_psnr(pictures: Tensor, targets: Tensor, person: Tensor) -> float:
    """PSNR in dB over the person alone, mean over pictures.

    Args:
        pictures, targets: [B, 3, H, W] in [-1, 1].
        person: bool [B, 1, H, W].
    """
    # Error outside counts 0 and area outside does not count: the mean grows by the share.
    share = person.float().mean((1, 2, 3)).log10().mean()
    return psnr(torch.where(person, pictures, targets), targets) + 10 * float(share)
