"""Colour changed by its mean, with what varies around the mean kept: strands, shading, pores.

All in linear light. A region's colour is its mean times a pattern of brightness; the mean is
replaced, the pattern is kept, and its strength may follow the new colour, as light hair shows its
strands otherwise than black hair.

Source: own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Photo

DARK = 2e-3
"""Linear light below which a sensor's noise is not drawn out."""
LUMINANCE = np.array((0.2126, 0.7152, 0.0722))
_HIGHEST, _BEYOND = 97.5, 0.5  # percentile of a part's pattern, and the logarithm beyond it
_CHROMA = 0.3  # share of a region's own variety of hues that stays, but for what shines:
_CHROMA_OF_SKIN = 0.9  # blush, lips and shadows keep theirs
_MIRRORED = 0.35  # share of reflected light that a new colour leaves as it is
_SHINE = (1.5, 3.2)  # brightness over the mean from which, and to which, light is only reflected


class Contrast(NamedTuple):
    """How strong a pattern becomes: factors on its logarithm, for coarse and for fine structure."""

    coarse: float = 1.0
    fine: float = 1.0


AS_IT_IS = Contrast()


def to_linear(picture: Photo | Floats) -> Floats:
    """sRGB levels 0 .. 255 -> linear light 0 .. 1, float32."""
    values = np.clip(picture.astype(np.float32) / 255, 0, 1)
    low, high = values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    return np.where(values <= 0.04045, low, high).astype(np.float32)


def to_levels(light: Floats) -> Floats:
    """Linear light -> sRGB levels, float32, not rounded."""
    values = np.clip(light, 0, 1)
    low, high = values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055
    return (255 * np.where(values <= 0.0031308, low, high)).astype(np.float32)


def mean_colour(light: Floats, share: Floats) -> Floats:
    """The colour of a region, its brightest and darkest tenth left out, [3].

    Args:
        light: linear light, [H, W, 3].
        share: of every pixel that belongs to the region, [H, W].
    """
    core = light[share > 0.7] if (share > 0.7).sum() >= 20 else light[share > 0.3]
    if not len(core):
        return np.full(3, 0.2)
    bright = core @ LUMINANCE
    low, high = np.percentile(bright, (10, 90))
    found: Floats = core[(bright >= low) & (bright <= high)].mean(0).astype(np.float64)
    return found


def recoloured(
    light: Floats,
    share: Floats,
    before: Floats,
    after: Floats,
    *,
    contrast: Contrast = AS_IT_IS,
    coarse_px: float,
    shines: bool = False,
    pure: Floats | None = None,
) -> Floats:
    """Give a region another mean colour.

    Args:
        light: linear light, [H, W, 3].
        share: of every pixel that belongs to the region, [H, W] in [0, 1].
        before, after: the region's mean colour, [3].
        contrast: what becomes of the pattern.
        coarse_px: size from which structure counts as coarse.
        shines: whether what is much brighter than the mean is reflected light, which keeps its
            colour.
        pure: the region's own light, without what shines through where its share is small,
            [H, W, 3]; the light itself.

    Returns:
        Linear light, [H, W, 3]; where the share is 0, the very values.
    """
    pure = light if pure is None else pure
    bright = np.maximum(pure @ LUMINANCE, DARK)
    mean = max(float(before @ LUMINANCE), DARK)
    pattern = np.log(bright / mean).astype(np.float32)
    if not shines:
        # Skin that a soft mask takes in beside dark hair is far brighter than any strand: as a
        # strand of light hair it would glow. What is bright on skin are its own highlights; left
        # as they are they would look wet.
        core = pattern[share > 0.8]
        brightest = float(np.percentile(core, _HIGHEST)) if len(core) else 0.0
        share = share * np.clip(1 - (pattern - brightest) / _BEYOND, 0, 1).astype(np.float32)
        pattern = np.minimum(pattern, brightest)
    coarse = within(pattern, share, coarse_px)
    shaped = contrast.coarse * coarse + contrast.fine * (pattern - coarse)
    # The region's own hues, around the new one.
    hues = np.log(np.maximum(pure, DARK) / bright[..., None])
    hues -= np.log(np.maximum(before, DARK) / mean)
    target = np.maximum(after, DARK / 4)
    chroma = _CHROMA_OF_SKIN if shines else _CHROMA
    new = target * np.exp(shaped[..., None] + chroma * np.clip(hues, -0.7, 0.7))
    if shines:
        low, high = np.log(_SHINE)
        reflected = np.clip((pattern - low) / (high - low), 0, 1)[..., None]
        new = new + reflected * (pure - new) * _MIRRORED
    mixed: Floats = light + share[..., None] * (new.astype(np.float32) - pure)
    if pure is not light:
        # A mixture is no brighter and no darker than what it is mixed of.
        mixed = np.clip(mixed, np.minimum(new, light), np.maximum(new, light)).astype(np.float32)
    return mixed


def within(values: Floats, share: Floats, sigma: float) -> Floats:
    """Values smoothed within a region alone."""
    weight = cv2.GaussianBlur(share.astype(np.float32), (0, 0), sigma) + 1e-3
    smooth: Floats = cv2.GaussianBlur(values * share.astype(np.float32), (0, 0), sigma) / weight
    return smooth


def guided(mask: Floats, guide: Photo | Floats, radius: int, tolerance: float) -> Floats:
    """A mask whose edges follow those of a picture (He et al. 2010, "Guided image filtering").

    Args:
        mask: [H, W] in [0, 1].
        guide: levels 0 .. 255, [H, W, 3].
        radius: of the window, px.
        tolerance: levels of contrast that do not count as an edge.

    Returns:
        [H, W] in [0, 1].
    """
    size = (2 * radius + 1, 2 * radius + 1)
    total = np.zeros(mask.shape, np.float32)
    # One linear model per window and channel, their mean: cheaper than the matrix of the paper.
    channels = np.moveaxis(guide.astype(np.float32), -1, 0)
    weights = []
    for channel in channels:
        mean, mean_mask = cv2.blur(channel, size), cv2.blur(mask, size)
        spread = cv2.blur(channel * channel, size) - mean * mean
        slope = (cv2.blur(channel * mask, size) - mean * mean_mask) / (spread + tolerance**2)
        offset = mean_mask - slope * mean
        weights.append(spread + 1.0)
        total += weights[-1] * (cv2.blur(slope, size) * channel + cv2.blur(offset, size))
    found: Floats = np.clip(total / np.sum(weights, axis=0), 0, 1)
    return found
