"""Holes to train an inpainter on: silhouettes, the bands that turning heads leave, strokes.

Holes are float 0 or 1, [B, 1, S, S]; every random number comes from the generator handed in.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.training.augment import chosen

LEAST_GROW_PX, MOST_GROW_PX = 1, 5  # around a silhouette, at 128 px
BAND_SHIFT_PX = 14
RIM_PX = 12  # how far into a hole the picture around it still tells much


def grow(holes: Tensor, radius_px: int) -> Tensor:
    """Dilate by a square of 2 * radius + 1 pixels, one axis after the other."""
    side = 2 * radius_px + 1
    across = F.max_pool2d(holes, (1, side), 1, (0, radius_px))
    return F.max_pool2d(across, (side, 1), 1, (radius_px, 0))


def silhouettes(alpha: Tensor, rng: torch.Generator) -> Tensor:
    """Whole people, grown by a few pixels, half of them mirrored.

    Args:
        alpha: uint8 [B, S, S].
        rng: where the chance comes from.
    """
    person = (alpha > 127).float()[:, None]
    radius = int(torch.randint(LEAST_GROW_PX, MOST_GROW_PX + 1, (1,), generator=rng))
    mirror = chosen(rng, 0.5, len(alpha)).to(person.device)
    return grow(torch.where(mirror > 0, person.flip(3), person), radius)


def bands(alpha: Tensor, rng: torch.Generator) -> Tensor:
    """What a person who moves sideways leaves behind: the silhouette without its shifted self."""
    person = silhouettes(alpha, rng)
    step = int(torch.randint(3, BAND_SHIFT_PX + 1, (1,), generator=rng))
    return person * (1 - person.roll(step if step % 2 else -step, 3))


def strokes(count: int, side: int, rng: torch.Generator) -> Tensor:
    """Random walks of a thick brush. Source: Suvorov et al. 2022, irregular masks."""
    holes = np.zeros((count, side, side), np.uint8)
    for hole in holes:
        x, y = torch.randint(side, (2,), generator=rng).tolist()
        width = int(torch.randint(side // 16, side // 5, (1,), generator=rng))
        angle = float(torch.rand(1, generator=rng)) * 2 * np.pi
        for turn, length in torch.rand(6, 2, generator=rng).tolist():
            angle += (turn - 0.5) * 3
            reach = (0.1 + 0.3 * length) * side
            to_x, to_y = int(x + reach * np.cos(angle)), int(y + reach * np.sin(angle))
            cv2.line(hole, (x, y), (to_x, to_y), 1, width)
            x, y = to_x, to_y
    return torch.from_numpy(holes).float()[:, None]


def mixed(alpha: Tensor, rng: torch.Generator) -> Tensor:
    """Holes of all kinds: 75% silhouettes, as the stage has them, 15% bands, 10% strokes."""
    n, side = len(alpha), alpha.shape[-1]
    draw = torch.rand(n, 1, 1, 1, generator=rng).to(alpha.device)
    holes = torch.where(draw < 0.15, bands(alpha, rng), silhouettes(alpha, rng))
    return torch.where(draw > 0.9, strokes(n, side, rng).to(alpha.device), holes)


def rim(holes: Tensor, width_px: int = RIM_PX) -> Tensor:
    """The part of each hole that lies within a few pixels of what is known, float 0 or 1."""
    return holes * grow(1 - holes, width_px)


def rim_crops(layers: Tensor, size: int, rng: torch.Generator) -> Tensor:
    """Cut a square out of each picture, centred on the rim of its hole as far as the border allows.

    Args:
        layers: [B, C, S, S], the last channel is the hole.
        size: side of the squares.
        rng: where the chance comes from.

    Returns:
        [B, C, size, size]; anywhere in pictures without a rim.
    """
    side = layers.shape[-1]
    crops = []
    for picture, edge in zip(layers, rim(layers[:, -1:], 1)[:, 0], strict=True):
        places = edge.nonzero()
        if len(places) == 0:
            places = torch.full((1, 2), side // 2)
        centre = places[int(torch.randint(len(places), (1,), generator=rng))]
        top, left = (min(max(at - size // 2, 0), side - size) for at in centre.tolist())
        crops.append(picture[:, top : top + size, left : left + size])
    return torch.stack(crops)
