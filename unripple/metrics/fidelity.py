"""How close two pictures are, by the published definitions that need no weights."""

from __future__ import annotations

import math

import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.metrics.regions import MIN_PIXELS, same_size
from unripple.metrics.structure import (
    K1,
    K2,
    WINDOW_RADIUS_PX,
    per_channel,
    scale_terms,
    smoothed,
    too_small,
)

PEAK = 255.0


def l2(one: Photo, other: Photo) -> float:
    """Mean squared difference in the [-1, 1] scale, as the inversion papers report it."""
    return _mean_square(one, other, None) / 127.5**2


def psnr(one: Photo, other: Photo, region: Mask | None = None) -> float:
    """Peak signal-to-noise ratio, dB.

    Args:
        one, other: uint8 [H, W, 3].
        region: where to look, bool [H, W]; None is everywhere.

    Returns:
        inf for equal pictures; nan when the region has fewer than 24 pixels.
    """
    if region is not None and region.sum() < MIN_PIXELS:
        return math.nan
    error = _mean_square(one, other, region)
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def _mean_square(one: Photo, other: Photo, region: Mask | None) -> float:
    same_size(one, other, *([] if region is None else [region]))
    difference = one.astype(np.float64) - other
    return float(np.square(difference if region is None else difference[region]).mean())


def ssim(one: Photo, other: Photo) -> float:
    """Structural similarity with the published Gaussian window (11 px, sigma 1.5), mean over RGB.

    nan for pictures smaller than the window. Source: Wang et al. 2004; the very number that
    scikit-image gives, whose import would take longer than all else that measures.
    """
    same_size(one, other)
    if min(one.shape[:2]) <= 2 * WINDOW_RADIUS_PX:
        return math.nan
    left, right = (
        np.ascontiguousarray(np.moveaxis(picture, -1, 0), np.float64) for picture in (one, other)
    )  # [C, H, W]
    mean_left, mean_right = smoothed(left), smoothed(right)
    spread_left = smoothed(left * left) - mean_left * mean_left
    spread_right = smoothed(right * right) - mean_right * mean_right
    together = smoothed(left * right) - mean_left * mean_right
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    luminance = (2 * mean_left * mean_right + c1, mean_left**2 + mean_right**2 + c1)
    structure = (2 * together + c2, spread_left + spread_right + c2)
    similar = (luminance[0] * structure[0]) / (luminance[1] * structure[1])
    inside = slice(WINDOW_RADIUS_PX, -WINDOW_RADIUS_PX)
    return float(np.mean([channel[inside, inside].mean() for channel in similar]))


def ms_ssim(one: Photo, other: Photo) -> float:
    """Structural similarity over five scales, mean over RGB.

    Each scale averages 2 x 2 pixels of the one before; negative terms count as 0. The window never
    leaves the picture.

    Returns:
        nan for pictures of less than 176 px, whose fifth scale is smaller than the window.

    Source: Wang, Simoncelli, Bovik 2003.
    """
    same_size(one, other)
    if too_small(one.shape):
        return math.nan
    left: Floats = one.astype(np.float64)
    right: Floats = other.astype(np.float64)
    return per_channel(scale_terms(left, right, peak=PEAK))
