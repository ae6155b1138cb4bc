"""A first guess for a hole: smooth colours, and texture from where the picture repeats itself.

Walls, shelves and windows look alike a few pixels further on. The offsets at which the known part
of a picture agrees best with itself are found at once, by the correlation of its fine structure;
then every pixel of the hole takes the fine structure that lies at the offset which agrees best
around it. Nothing is learned, so this is a guess for a network to correct.

Source of the idea: He and Sun 2012, "Statistics of Patch Offsets for Image Completion", here with a
masked autocorrelation instead of patch matching and a local choice instead of a graph cut.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

STATED_SIDE_PX = 128  # of the picture for which the lengths below are stated
LEAST_OFFSET_PX = 5  # nearer, everything resembles itself
MOST_OFFSET_PX = 56
APART_PX = 3  # offsets closer together than this count as one
WINDOW_PX = 21  # around a pixel, in which an offset has to agree
SMOOTH_PX = 5  # structure finer than two such boxes is texture
OFFSETS = 12  # that are tried per picture
LEAST_OVERLAP = 200 / STATED_SIDE_PX**2  # of the picture, for an agreement to mean anything
LEAST_COVER = 0.1  # of the hole that an offset must be able to serve
NEVER = 1e8


class Offset(NamedTuple):
    """Where to look for a pixel's texture, px down and right, and how badly the picture agrees."""

    down: int
    right: int
    mismatch: float


def first_guess(picture: Tensor, hole: Tensor) -> Tensor:
    """What can be said without learning: smooth colours, and texture from elsewhere in the picture.

    Args:
        picture: float32 [B, 3, H, W] in [0, 1]; what lies in the hole does not matter.
        hole: 1 where the picture is unknown, else 0, float32 [B, 1, H, W].

    Returns:
        The picture with the hole filled, in [0, 1].
    """
    return textured(smooth_extension(picture, hole), hole)


def smooth_extension(picture: Tensor, hole: Tensor) -> Tensor:
    """Continue the known pixels smoothly into the hole: mean colours of ever larger blocks.

    Args:
        picture: float [B, 3, H, W]; what lies in the hole does not matter.
        hole: 1 where the picture is unknown, else 0, float [B, 1, H, W].

    Returns:
        The picture with the hole filled, everything else as it was. A hole without a border is
        filled with zeros.

    Source: pull-push interpolation (Gortler et al. 1996, "The Lumigraph", section 3.4).
    """
    weight = 1 - hole
    levels = [(picture * weight, weight)]
    while levels[-1][1].shape[-1] % 2 == 0 and levels[-1][1].shape[-2] % 2 == 0:
        levels.append((F.avg_pool2d(levels[-1][0], 2), F.avg_pool2d(levels[-1][1], 2)))
    total, count = (part.sum((2, 3), keepdim=True) for part in levels[-1])
    guess = total / count.clamp_min(1e-6)
    for values, weights in reversed(levels):
        coarse = F.interpolate(guess, size=values.shape[2:], mode="bilinear", align_corners=False)
        share = weights.clamp(max=1)
        guess = values / weights.clamp_min(1e-6) * share + coarse * (1 - share)
    return torch.lerp(picture, guess, hole)


def textured(guess: Tensor, hole: Tensor) -> Tensor:
    """Give a smooth guess the texture of what is known around it.

    Args:
        guess: picture whose hole is filled with smooth colours, float32 [B, 3, H, W] in [0, 1].
        hole: 1 where it was unknown, else 0, float32 [B, 1, H, W].

    Returns:
        The guess with texture in the hole, [B, 3, H, W] in [0, 1]; everything else as it was.
    """
    base = smooth(smooth(guess, SMOOTH_PX), SMOOTH_PX)
    texture = borrowed_texture((guess - base) * (1 - hole), hole)
    return torch.lerp(guess, (base + texture).clamp(0, 1), hole)


def borrowed_texture(fine: Tensor, hole: Tensor) -> Tensor:
    """Fine structure for the hole.

    Args:
        fine: fine structure of the known part, 0 in the hole, float32 [B, 3, H, W].
        hole: 1 where the picture is unknown, else 0, float32 [B, 1, H, W].

    Returns:
        float32 [B, 3, H, W]: fine structure in the hole, 0 where none could be found and outside.
    """
    scores = self_mismatch(fine, 1 - hole)
    rows = [
        _borrow(one, gap, best_offsets(score))
        for one, gap, score in zip(fine, hole, scores, strict=True)
    ]
    return torch.stack(rows) * hole


def smooth(picture: Tensor, size: int) -> Tensor:
    """Means of boxes of `size` px, one axis after the other; at the border, of what there is."""
    height, width = picture.shape[-2:]
    across = picture @ _box(width, size, picture.device).T
    return _box(height, size, picture.device) @ across


@cache
def _box(side: int, size: int, device: torch.device) -> Tensor:
    """The matrix [side, side] that takes a column to the means of its `size` neighbours.

    Products with it take a fifth of the time of pooling, whose cost grows with the box.
    """
    at = torch.arange(side, device=device)
    near = ((at[:, None] - at).abs() <= size // 2).float()
    return near / near.sum(1, keepdim=True)


def self_mismatch(fine: Tensor, known: Tensor) -> Tensor:
    """Mean squared difference of each picture and itself, moved by every offset.

    Args:
        fine: [B, 3, H, W], 0 where unknown.
        known: [B, 1, H, W].

    Returns:
        [B, 2H, 2W]: entry (y, x) is for the offset (y, x), negative ones counted from the end;
        `NEVER` where the offset is too short or too long, where too little overlaps, or where it
        reaches too little of the hole.
    """
    height, width = fine.shape[2:]
    size = (2 * height, 2 * width)

    def sums(spectrum: Tensor) -> Tensor:
        """From products of spectra [B, 1, 2H, W + 1] to one sum per offset [B, 2H, 2W]."""
        return torch.fft.irfft2(spectrum[:, 0], s=size)

    hole = 1 - known
    power = fine.square().sum(1, keepdim=True)
    parts = torch.fft.rfft2(torch.cat((known, hole, power, fine), dim=1), s=size)
    here, gap, strength, structure = parts.split((1, 1, 1, fine.shape[1]), dim=1)
    overlap = sums(here.abs().square().to(parts.dtype))
    both = (strength.conj() * here + here.conj() * strength).real
    alike = structure.abs().square().sum(1, keepdim=True)
    squared = sums((both - 2 * alike).to(parts.dtype))
    cover = sums(gap.conj() * here) / hole.sum((1, 2, 3)).clamp_min(1)[:, None, None]
    down, right = (torch.fft.fftfreq(n, 1 / n, device=fine.device) for n in size)
    unit = min(height, width) / STATED_SIDE_PX
    length = torch.maximum(down.abs()[:, None], right.abs()[None])
    allowed = (length >= LEAST_OFFSET_PX * unit) & (length <= MOST_OFFSET_PX * unit)
    allowed = allowed & (overlap >= LEAST_OVERLAP * height * width) & (cover >= LEAST_COVER)
    mismatch = squared.clamp_min(0) / overlap.clamp_min(1)
    return torch.where(allowed, mismatch, NEVER)


def best_offsets(mismatch: Tensor, count: int = OFFSETS) -> list[Offset]:
    """The best offsets of one picture's table [2H, 2W], no two of them close together."""
    width = mismatch.shape[1]
    left = mismatch.clone()
    down, right = (torch.fft.fftfreq(n, 1 / n, device=left.device).round() for n in left.shape)
    offsets: list[Offset] = []
    for _ in range(count):
        at = int(left.argmin())
        row, column = divmod(at, width)
        if float(left[row, column]) >= NEVER:
            break
        offset = Offset(int(down[row]), int(right[column]), float(left[row, column]))
        offsets.append(offset)
        near = ((down - offset.down).abs() <= APART_PX)[:, None]
        left[near & ((right - offset.right).abs() <= APART_PX)[None]] = NEVER
    return offsets


def moved(layers: Tensor, offset: Offset) -> Tensor:
    """What lies at an offset from each pixel of layers [C, H, W]; 0 beyond the border."""
    height, width = layers.shape[1:]
    y, x = offset.down, offset.right
    padded = F.pad(layers, (max(-x, 0), max(x, 0), max(-y, 0), max(y, 0)))
    top, left = max(y, 0), max(x, 0)
    return padded[:, top : top + height, left : left + width]


def _borrow(fine: Tensor, hole: Tensor, offsets: list[Offset]) -> Tensor:
    """The choice of one offset per pixel for one picture [3, H, W]."""
    if not offsets:
        return torch.zeros_like(fine)
    outside = 1 - hole
    window = max(3, round(WINDOW_PX * min(fine.shape[1:]) / STATED_SIDE_PX)) | 1
    there = torch.stack([moved(fine, offset) for offset in offsets])  # [O, 3, H, W]
    where = torch.stack([moved(outside, offset) for offset in offsets])  # [O, 1, H, W]
    both = outside * where
    squared = (fine - there).square().sum(1, keepdim=True) * both
    differing, weight = smooth(squared, window), smooth(both, window)
    # Deep in the hole nothing is known around a pixel: there the whole picture's verdict counts.
    overall = torch.tensor([offset.mismatch for offset in offsets], device=fine.device)
    mismatch = (differing + 1e-3 * overall[:, None, None, None]) / (weight + 1e-3)
    least, best = torch.where(where > 0.5, mismatch, NEVER).min(0, keepdim=True)
    texture = there.take_along_dim(best, 0)[0]
    return texture * (least[0] < NEVER)
