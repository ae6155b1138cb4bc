"""How close two pictures are, by the published definitions that need no weights."""

from __future__ import annotations

import math

import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.metrics.regions import MIN_PIXELS, same_size
from unripple.metrics.structure import (
    WINDOW_RADIUS_PX,
    WINDOW_SIGMA_PX,
    per_channel,
    scale_terms,
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

    nan for pictures smaller than the window. Source: Wang et al. 2004, by scikit-image.
    """
    same_size(one, other)
    if min(one.shape[:2]) <= 2 * WINDOW_RADIUS_PX:
        return math.nan
    # It takes SciPy along, longer to import than all else that measures; few photos have a truth.
    from skimage.metrics import structural_similarity

    similarity = structural_similarity(
        one,
        other,
        data_range=PEAK,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=WINDOW_SIGMA_PX,
        use_sample_covariance=False,
    )
    return float(similarity)


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
