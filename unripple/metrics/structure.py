"""MS-SSIM, term by term: the published definitions differ in what they average and when.

- `fidelity.ms_ssim` and StyleFeatureEditor's (piq): a product per channel, negative terms count as
  0, then the mean over the channels. piq pads a side of odd length by its first line, ours leaves
  the last line out; at StyleFeatureEditor's 1024 px no side is odd, so the two agree.
- HyperStyle's (jorge-pessoa): the means over pixels and channels first, then the product; negative
  means have no power.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from unripple.conventions import Floats, Photo

WINDOW_SIGMA_PX = 1.5  # Wang et al. 2004, in pixels of every size
WINDOW_RADIUS_PX = 5
K1, K2 = 0.01, 0.03
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, table of section 3.2


def too_small(shape: tuple[int, ...]) -> bool:
    """Whether the window leaves a picture of that height and width at the last scale."""
    return bool(min(shape[:2]) // 2 ** (len(SCALE_WEIGHTS) - 1) <= 2 * WINDOW_RADIUS_PX)


def scale_terms(one: Floats, other: Floats, *, peak: float, pad_odd: bool = False) -> Floats:
    """What every scale says of two pictures: means of the contrast and structure terms.

    Args:
        one, other: [H, W, C], at least 176 px.
        peak: distance of white from black in them.
        pad_odd: where a side is odd, repeat the first line of both before halving; else the last
            line of that side is left out.

    Returns:
        [5, C]; the last scale's term holds the luminance, too.
    """
    means = []
    for scale in range(len(SCALE_WEIGHTS)):
        if scale:
            one, other = (
                _halve(_padded(picture) if pad_odd else picture) for picture in (one, other)
            )
        luminance, structure = _terms(one, other, peak)
        last = scale == len(SCALE_WEIGHTS) - 1
        means.append((luminance * structure if last else structure).mean((0, 1)))
    return np.stack(means)


def per_channel(terms: Floats) -> float:
    """The value of `scale_terms` as `fidelity.ms_ssim`, piq and StyleFeatureEditor take it."""
    product = np.ones(terms.shape[1])
    for term, weight in zip(terms, SCALE_WEIGHTS, strict=True):
        product *= np.maximum(term, 0) ** weight
    return float(product.mean())


def over_channels(terms: Floats) -> float:
    """The value of `scale_terms` as HyperStyle takes it; nan where a scale's mean is negative."""
    means = terms.mean(1)
    if (means < 0).any():
        return math.nan
    return float(np.prod(means ** np.array(SCALE_WEIGHTS)))


def sfe_ms_ssim(one: Photo, other: Photo) -> float:
    """MS-SSIM as StyleFeatureEditor states it, of pictures brought to 1024 px (bicubic).

    Source: piq 0.8 in metrics/metrics.py of AIRI-Institute/StyleFeatureEditor (MIT).
    """
    left, right = one.astype(np.float64) / 255, other.astype(np.float64) / 255
    return per_channel(scale_terms(left, right, peak=1.0, pad_odd=True))


def hyperstyle_ms_ssim(result: Photo, original: Photo) -> float:
    """MS-SSIM as HyperStyle states it, of pictures brought to 256 px (bilinear), in [-1, 1].

    The published script guesses the peak from the result: a dark one counts as [0, 1], with
    constants a quarter as large. Here it is 2, which is what it means.

    Returns:
        nan where a scale's terms are negative on average; the published mean leaves such pairs out.

    Source: criteria/ms_ssim.py of yuval-alaluf/hyperstyle (MIT), after jorge-pessoa.
    """
    left, right = result.astype(np.float64) / 127.5 - 1, original.astype(np.float64) / 127.5 - 1
    return over_channels(scale_terms(left, right, peak=2.0))


def _terms(one: Floats, other: Floats, peak: float) -> tuple[Floats, Floats]:
    """Luminance and contrast-structure maps where the whole window lies inside."""
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    mean_one, mean_other = _window(one), _window(other)
    spread = _window(one * one) - mean_one**2 + _window(other * other) - mean_other**2
    together = _window(one * other) - mean_one * mean_other
    luminance = (2 * mean_one * mean_other + c1) / (mean_one**2 + mean_other**2 + c1)
    return luminance, (2 * together + c2) / (spread + c2)


def _window(values: Floats) -> Floats:
    side = 2 * WINDOW_RADIUS_PX + 1
    blurred = cv2.GaussianBlur(values, (side, side), WINDOW_SIGMA_PX)
    inside = slice(WINDOW_RADIUS_PX, -WINDOW_RADIUS_PX)
    return blurred[inside, inside]


def smoothed(values: Floats) -> Floats:
    """The window's mean around every pixel of [..., H, W], mirrored at the borders, float64.

    Summed in the order of SciPy's `gaussian_filter`, so that figures are what they were by it.
    """
    offsets = np.arange(-WINDOW_RADIUS_PX, WINDOW_RADIUS_PX + 1)
    weights = np.exp(-0.5 / WINDOW_SIGMA_PX**2 * offsets**2)
    weights = weights / weights.sum()
    for rows in (True, False):
        length, around = values.shape[-2 if rows else -1], [(0, 0)] * values.ndim
        around[-2 if rows else -1] = (WINDOW_RADIUS_PX, WINDOW_RADIUS_PX)
        padded = np.pad(values, around, mode="symmetric")
        moved = [
            padded[..., start : start + length, :] if rows else padded[..., start : start + length]
            for start in range(2 * WINDOW_RADIUS_PX + 1)
        ]
        values = moved[WINDOW_RADIUS_PX] * weights[WINDOW_RADIUS_PX]
        # From both ends of the window inwards.
        for near in range(WINDOW_RADIUS_PX):
            values += (moved[near] + moved[-1 - near]) * weights[near]
    return values


def _padded(values: Floats) -> Floats:
    """Both first lines once more if one of the sides is odd."""
    odd = max(length % 2 for length in values.shape[:2])
    return np.pad(values, ((odd, 0), (odd, 0), (0, 0)), mode="edge")


def _halve(values: Floats) -> Floats:
    high, wide = (length // 2 * 2 for length in values.shape[:2])
    tiles = values[:high, :wide].reshape(high // 2, 2, wide // 2, 2, -1)
    return tiles.mean((1, 3))  # [H / 2, W / 2, C]
