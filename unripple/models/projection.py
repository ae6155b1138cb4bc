"""What StyleGAN2's projection of a picture into w needs beside a distance: noise and step sizes.

Source: Karras et al. 2020, appendix D, with the constants of danielroich/PTI (MIT), whose pivots
are found so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

RISE, FALL = 0.05, 0.25
"""Shares of the steps in which the step size rises, and falls."""

SMALLEST_PX = 8
"""Side of the maps at which the noise is looked at no further."""


def step_size(done: float, *, most: float = 0.01) -> float:
    """The learning rate when a share of the steps is done: 0 at the first, a cosine at the end."""
    falling = min(1.0, (1.0 - done) / FALL)
    return most * (0.5 - 0.5 * math.cos(math.pi * falling)) * min(1.0, done / RISE)


def self_likeness(noise: Iterable[Tensor]) -> Tensor:
    """How much noise maps [1, 1, H, W] resemble their own neighbours: 0 for white noise.

    Squared correlations with the next column and the next row, summed over the maps and over their
    2x2 means down to 8 px. It keeps the picture out of the noise.
    """
    terms: list[Tensor] = []
    for level in noise:
        while True:
            terms += [(level * level.roll(1, axis)).mean().square() for axis in (3, 2)]
            if level.shape[2] <= SMALLEST_PX:
                break
            level = F.avg_pool2d(level, 2)
    return torch.stack(terms).sum()


@torch.no_grad()
def make_standard(noise: Iterable[Tensor]) -> None:
    """Bring maps to a mean of 0 and a mean square of 1, in place."""
    for level in noise:
        level -= level.mean()
        level *= level.square().mean().rsqrt()
