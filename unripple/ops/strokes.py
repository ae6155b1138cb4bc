"""Hair drawn as single strands: smooth curves, one over the other, each with its own light."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats
from unripple.ops.recolour import to_levels, to_linear

_SHIFT = 4  # bits of a pixel's fractions
_TIP = 0.72  # of a strand's length, from where it is a pixel thinner
_PIECES = 5  # of a strand, each in one colour


class Strands(NamedTuple):
    """Strands, the lowest first.

    Attributes:
        paths: from root to tip, px, [N, T, 2].
        colours: linear light at root and along to the tip, [N, T, 3].
        widths: px, [N].
    """

    paths: Floats
    colours: Floats
    widths: Floats


def drawn(strands: Strands, ground: Floats) -> tuple[Floats, Floats]:
    """Draw strands.

    Args:
        strands: what is drawn.
        ground: linear light that is seen between them at their borders, [H, W, 3].

    Returns:
        Linear light, float32 [H, W, 3], and how far it covers what is behind, [H, W] in [0, 1].
    """
    canvas = np.clip(np.rint(to_levels(ground)), 0, 255).astype(np.uint8)
    matte = np.zeros(canvas.shape[:2], np.uint8)
    points = np.rint(strands.paths * (1 << _SHIFT)).astype(np.int32)
    count = points.shape[1]
    ends = np.linspace(0, count - 1, _PIECES + 1).round().astype(int)
    levels = np.clip(to_levels(strands.colours[:, (ends[:-1] + ends[1:]) // 2]), 0, 255)
    thick = np.maximum(np.rint(strands.widths), 1).astype(int)
    for path, colours, width in zip(points, levels.tolist(), thick.tolist(), strict=True):
        for start, end, colour in zip(ends[:-1], ends[1:], colours, strict=True):
            px = width if start < _TIP * count else max(width - 1, 1)
            piece = [path[start : end + 1]]
            cv2.polylines(canvas, piece, False, colour, px, cv2.LINE_AA, _SHIFT)
            cv2.polylines(matte, piece, False, 255, px, cv2.LINE_AA, _SHIFT)
    return to_linear(canvas), matte.astype(np.float32) / 255
