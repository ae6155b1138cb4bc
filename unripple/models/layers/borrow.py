"""Texture for a hole, borrowed from where the same picture repeats itself.

Walls, shelves and windows look alike a few pixels further on. The offsets at which the known part
of a picture agrees best with itself are found at once, by the correlation of its fine structure;
then every pixel of the hole takes the fine structure that lies at the offset which agrees best
around it. Nothing is learned, so this is a guess for a network to correct.

Source of the idea: He and Sun 2012, "Statistics of Patch Offsets for Image Completion", here with a
masked autocorrelation instead of patch matching and a local choice instead of a graph cut.
"""

from __future__ import annotations

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
    half = size // 2
    across = F.avg_pool2d(picture, (1, size), 1, (0, half), count_include_pad=False)
    return F.avg_pool2d(across, (size, 1), 1, (half, 0), count_include_pad=False)


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

    def pairs(at: Tensor, beyond: Tensor) -> Tensor:
        """Sums over p of at(p) * beyond(p + offset), channels together, for all offsets."""
        product = torch.fft.rfft2(at, s=size).conj() * torch.fft.rfft2(beyond, s=size)
        sums: Tensor = torch.fft.irfft2(product.sum(1), s=size)
        return sums

    power = fine.square().sum(1, keepdim=True)
    overlap = pairs(known, known)
    squared = pairs(power, known) + pairs(known, power) - 2 * pairs(fine, fine)
    hole = 1 - known
    cover = pairs(hole, known) / hole.sum((1, 2, 3)).clamp_min(1)[:, None, None]
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
    found: list[Offset] = []
    for _ in range(count):
        at = int(left.argmin())
        row, column = divmod(at, width)
        if float(left[row, column]) >= NEVER:
            break
        offset = Offset(int(down[row]), int(right[column]), float(left[row, column]))
        found.append(offset)
        near = ((down - offset.down).abs() <= APART_PX)[:, None]
        left[near & ((right - offset.right).abs() <= APART_PX)[None]] = NEVER
    return found


def moved(layers: Tensor, offset: Offset) -> Tensor:
    """What lies at an offset from each pixel of layers [C, H, W]; 0 beyond the border."""
    height, width = layers.shape[1:]
    y, x = offset.down, offset.right
    padded = F.pad(layers, (max(-x, 0), max(x, 0), max(-y, 0), max(y, 0)))
    top, left = max(y, 0), max(x, 0)
    return padded[:, top : top + height, left : left + width]


def _borrow(fine: Tensor, hole: Tensor, offsets: list[Offset]) -> Tensor:
    """The choice of one offset per pixel for one picture [3, H, W]."""
    known = 1 - hole
    window = max(3, round(WINDOW_PX * min(fine.shape[1:]) / STATED_SIDE_PX)) | 1
    best = torch.full_like(hole, NEVER)
    texture = torch.zeros_like(fine)
    for offset in offsets:
        there, where = moved(fine, offset), moved(known, offset)
        both = known * where
        squared = (fine - there).square().sum(0, keepdim=True) * both
        seen, weight = smooth(torch.stack((squared, both)), window)
        # Deep in the hole nothing is seen around a pixel: there the whole picture's verdict counts.
        mismatch = (seen + 1e-3 * offset.mismatch) / (weight + 1e-3)
        better = (where > 0.5) & (mismatch < best)
        best = torch.where(better, mismatch, best)
        texture = torch.where(better, there, texture)
    return texture
