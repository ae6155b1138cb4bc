"""The hairs of a beard: shade on skin, broken into strokes that grow downwards."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from unripple.conventions import Floats

WORDS = ("beard", "moustache", "stubble")
"""Details that are hair."""
FINER = 6
"""px of hairs per px of a detail's picture: .0013 head units, a tenth of a millimetre."""
_LONG_PX, _WIDE_PX = 6.0, 0.9  # sigma of a stroke
_FADE_PX = 5.0  # of a detail's picture: how softly hair thins out at its border
_DENSE, _BLUNT, _NONE = 1.15, 0.6, 0.02
"""How thickly hair stands within, how soft the border of a stroke is, and what is no hair yet."""


def in_hairs(logarithm: Floats) -> Floats:
    """Shade as hairs that stand as thickly as it is dark, with skin between them.

    Args:
        logarithm: of the factor on light, float32 [H, W, 3], 0 where there is no hair.

    Returns:
        The same, `FINER` times as large; its mean within is about the same.
    """
    darkest = logarithm.min(axis=(0, 1))
    if not (darkest < 0).any():
        return _larger(logarithm)
    depth = np.clip(logarithm.sum(-1) / darkest.sum(), 0, 1)
    thick = _larger(cv2.GaussianBlur(depth, (0, 0), _FADE_PX)) ** 1.5
    cover = np.clip((_DENSE * thick - _strokes(thick.shape)) / _BLUNT + 0.5, 0, 1)
    cover = cover * np.clip(8 * (thick - _NONE), 0, 1)
    hairs: Floats = (cover[..., None] * darkest).astype(np.float32)
    return hairs


def _larger(values: Floats) -> Floats:
    high, wide = values.shape[:2]
    grown: Floats = cv2.resize(values, (wide * FINER, high * FINER), interpolation=cv2.INTER_LINEAR)
    return grown


@cache
def _strokes(shape: tuple[int, int]) -> Floats:
    """Where hair grows last: ranks from 0 to 1, evenly spread, alike along strokes."""
    noise = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    drawn = cv2.GaussianBlur(noise, (0, 0), sigmaX=_WIDE_PX, sigmaY=_LONG_PX)
    ranks = np.empty(drawn.size, np.float32)
    ranks[drawn.ravel().argsort()] = np.linspace(0, 1, drawn.size, dtype=np.float32)
    return ranks.reshape(shape)
