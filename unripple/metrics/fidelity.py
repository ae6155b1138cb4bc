"""How close two pictures are, by the published definitions that need no weights."""

from __future__ import annotations

import math

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.metrics.regions import MIN_PIXELS, same_size

PEAK = 255.0
WINDOW_SIGMA_PX = 1.5  # Wang et al. 2004, in pixels of every size
WINDOW_RADIUS_PX = 5
C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, table of section 3.2


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
    if min(one.shape[:2]) // 2 ** (len(SCALE_WEIGHTS) - 1) <= 2 * WINDOW_RADIUS_PX:
        return math.nan
    left: Floats = one.astype(np.float64)
    right: Floats = other.astype(np.float64)
    product = np.ones(one.shape[-1])
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale:
            left, right = _halve(left), _halve(right)
        luminance, structure = _ssim_terms(left, right)
        last = scale == len(SCALE_WEIGHTS) - 1
        term = (luminance * structure if last else structure).mean((0, 1))  # [3]
        product *= np.maximum(term, 0) ** weight
    return float(product.mean())


def _ssim_terms(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Luminance and contrast-structure maps where the whole window lies inside."""
    mean_one, mean_other = _window(one), _window(other)
    spread = _window(one * one) - mean_one**2 + _window(other * other) - mean_other**2
    together = _window(one * other) - mean_one * mean_other
    luminance = (2 * mean_one * mean_other + C1) / (mean_one**2 + mean_other**2 + C1)
    return luminance, (2 * together + C2) / (spread + C2)


def _window(values: Floats) -> Floats:
    side = 2 * WINDOW_RADIUS_PX + 1
    blurred = cv2.GaussianBlur(values, (side, side), WINDOW_SIGMA_PX)
    inside = slice(WINDOW_RADIUS_PX, -WINDOW_RADIUS_PX)
    smooth: Floats = blurred[inside, inside]
    return smooth


def _halve(values: Floats) -> Floats:
    high, wide = (length // 2 * 2 for length in values.shape[:2])
    tiles = values[:high, :wide].reshape(high // 2, 2, wide // 2, 2, -1)
    halved: Floats = tiles.mean((1, 3))  # [H / 2, W / 2, 3]
    return halved
