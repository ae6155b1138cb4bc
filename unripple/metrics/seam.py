"""Whether the border of what was filled can be seen."""

from __future__ import annotations

import math

import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.metrics.regions import MIN_PIXELS, disoccluded, distance_to, in_px, same_size, within

NEAR_PX = 1.5
FAR_PX = (4.0, 9.0)
CLEAR_PX = 3.0  # of the new person, whose outline is no seam


def border_gradient(picture: Photo) -> Floats:
    """Length of the brightness gradient, float32 [H, W], levels per px."""
    grey = picture.astype(np.float32).mean(-1)
    rows, columns = np.gradient(grey)
    return np.hypot(rows, columns)


def seam(result: Photo, before: Mask, after: Mask) -> float:
    """Steepness along the border of the filled place over the steepness beside it. Perfect: 1.

    Mean gradient within 1.5 px of the border of V over the mean 4 to 9 px away from it, leaving out
    what lies within 3 px of the new person. More than 1 shows a cut, less a smear.

    Args:
        result: the edited picture, uint8 [H, W, 3].
        before, after: person masks, bool [H, W].

    Returns:
        The ratio; nan when there is no such border or no structure beside it.
    """
    same_size(result, before, after)
    place = disoccluded(before, after)
    if not place.any():
        return math.nan
    # The new person's outline is steep by right, wherever it touches the filled place.
    clear = ~within(after, CLEAR_PX)
    # Pixel centres lie half a pixel from the border that runs between them.
    away = np.where(place, distance_to(~place), distance_to(place)) - 0.5
    near = clear & (away <= in_px(NEAR_PX, result))
    far_from, far_to = (in_px(length, result) for length in FAR_PX)
    beside = clear & (away >= far_from) & (away <= far_to)
    if min(near.sum(), beside.sum()) < MIN_PIXELS:
        return math.nan
    steep = border_gradient(result)
    # Relative to the picture around: a seam in foliage is as steep as leaves are.
    reference = float(steep[beside].mean())
    return float(steep[near].mean()) / reference if reference > 0 else math.nan
