"""Where the figures look, and the fine structure that they look at.

Every length is stated in pixels of a 256 px picture and grows with the picture: at 128 px a radius
of 5 px is 2.5 px, at 1024 px it is 20 px. The side of a picture that is not square is the root of
its area.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from unripple.conventions import Floats, Mask, Photo, ShapeMismatch

STATED_SIDE_PX = 256.0
FINE_SIGMA_PX = 3.0  # structure coarser than this is left to the PSNR figures
NEW_MARGIN_PX = 5.0  # the new person's own soft border is no ghost
KEPT_MARGIN_PX = 15.0  # farther than this from both silhouettes nothing has a reason to change
MIN_PIXELS = 24  # a region of fewer pixels says nothing


def same_size(*arrays: npt.NDArray[Any]) -> None:
    """Raise ShapeMismatch unless all arrays agree in height and width."""
    if len({array.shape[:2] for array in arrays}) > 1:
        shapes = ", ".join(str(list(array.shape)) for array in arrays)
        raise ShapeMismatch(f"pictures and masks of one figure must agree in size, got {shapes}")


def in_px(stated_px: float, picture: npt.NDArray[Any]) -> float:
    """A length stated at 256 px, in the pixels of this picture."""
    return stated_px * math.sqrt(picture.shape[0] * picture.shape[1]) / STATED_SIDE_PX


def distance_to(mask: Mask) -> Floats:
    """Distance of every pixel centre to the nearest one of the mask, px; inf if it is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def within(mask: Mask, stated_px: float) -> Mask:
    """The mask and all that lies within a radius, stated at 256 px, of it."""
    return distance_to(mask) <= in_px(stated_px, mask)


def disoccluded(before: Mask, after: Mask) -> Mask:
    """V: where the person was and is not even nearly now, so that the background must show."""
    same_size(before, after)
    return before & ~within(after, NEW_MARGIN_PX)


def kept(before: Mask, after: Mask) -> Mask:
    """K: far from the person before and after, where nothing may change."""
    same_size(before, after)
    return ~within(before | after, KEPT_MARGIN_PX)


def fine(picture: Photo) -> Floats:
    """h: a picture minus its Gaussian blur (sigma 3 px at 256 px), float32 [H, W, 3], in levels."""
    levels = picture.astype(np.float32)
    sigma = in_px(FINE_SIGMA_PX, picture)
    blurred = cv2.GaussianBlur(levels, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return levels - blurred


def rms(values: Floats) -> float:
    """Root of the mean square, in the unit of the values."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
