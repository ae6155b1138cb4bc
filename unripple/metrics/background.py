"""Whether the background was kept where nobody stood, before or after.

Blind to ghosts, which live where the person stood: these figures never stand alone.
"""

from __future__ import annotations

import math

import numpy as np

from unripple.conventions import Mask, Photo
from unripple.metrics.fidelity import psnr
from unripple.metrics.regions import MIN_PIXELS, in_px, kept, same_size

TILE_PX = 32.0


def background_identical(result: Photo, photo: Photo, before: Mask, after: Mask) -> float:
    """Share of bytes that are the photo's own, away from both silhouettes. Perfect: 1.

    Args:
        result: the edited picture, uint8 [H, W, 3].
        photo: the picture before the edit.
        before, after: person masks, bool [H, W].

    Returns:
        0 .. 1; nan when the persons leave fewer than 24 pixels of background.
    """
    region = kept(before, after)
    same_size(result, photo, region)
    if region.sum() < MIN_PIXELS:
        return math.nan
    return float((result[region] == photo[region]).mean())


def background_psnr(result: Photo, photo: Photo, before: Mask, after: Mask) -> float:
    """PSNR to the photo there, dB; inf when every byte is kept. Arguments as above."""
    return psnr(result, photo, kept(before, after))


def background_worst_tile_psnr(result: Photo, photo: Photo, before: Mask, after: Mask) -> float:
    """PSNR of the worst tile, dB: a small stain must not drown in a large background.

    Tiles of 32 px (at 256 px), of which at least half is background; only that part counts.
    inf when every byte is kept, nan when no tile qualifies.
    """
    region = kept(before, after)
    same_size(result, photo, region)
    side = max(1, round(in_px(TILE_PX, region)))
    worst = math.nan
    for top in range(0, region.shape[0], side):
        for left in range(0, region.shape[1], side):
            tile = np.s_[top : top + side, left : left + side]
            if region[tile].mean() >= 0.5:
                worst = np.fmin(worst, psnr(result[tile], photo[tile], region[tile]))
    return float(worst)
