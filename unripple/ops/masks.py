"""Set operations on masks: growing, feathering, bands and small parts.

Masks are bool [H, W]. Distances are Euclidean, in pixels, between pixel centres. Nothing is assumed
beyond the picture's border: a mask that touches it neither shrinks nor fades there.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from unripple.conventions import Floats, Mask, ShapeMismatch

ROUNDING_PX = 1e-4  # float32 distances: a radius of sqrt(5) must still reach a knight's move
HALF_PX = 0.5  # from a pixel's centre to its side, where the border of a mask runs


def require_same_size(**arrays: npt.NDArray[Any]) -> None:
    """Raise ShapeMismatch, naming the arrays, unless all agree in height and width."""
    sizes = {name: array.shape[:2] for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {high} x {wide}" for name, (high, wide) in sizes.items())
        raise ShapeMismatch(f"pictures of one edit must agree in size, got {listed}")


def distance_to(mask: Mask) -> Floats:
    """Distance of every pixel to the nearest pixel of the mask, float32, px; inf if it is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    # The precise transform: the approximate ones err by percents, and fractions of a px count here.
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def signed_distance(mask: Mask) -> Floats:
    """Distance of every pixel centre to the mask's border: positive inside, negative outside.

    The border runs along pixel sides, so the values start at +-0.5. float32, px; infinite where
    there is no border at all.
    """
    # Between pixel centres the least distance is 1, half of which lies on either side.
    return np.where(mask, distance_to(~mask) - HALF_PX, HALF_PX - distance_to(mask))


def grow(mask: Mask, radius_px: float) -> Mask:
    """Dilate by a disc: every pixel within `radius_px` of the mask joins it. 0 changes nothing.

    An exact disc instead of OpenCV's staircase ellipse, so that growth is monotone in the radius
    and fractions of a pixel count.
    """
    return distance_to(mask) <= radius_px + ROUNDING_PX


def shrink(mask: Mask, radius_px: float) -> Mask:
    """Erode by a disc: every pixel within `radius_px` of the outside leaves the mask."""
    # By duality, so that nothing is eroded from beyond the picture's border.
    return ~grow(~mask, radius_px)


def opened(mask: Mask, radius_px: float) -> Mask:
    """Keep the discs of that radius that fit into a mask: slivers and specks go, blobs stay."""
    return grow(shrink(mask, radius_px), radius_px)


def feather(mask: Mask, feather_px: float) -> Floats:
    """Soften a mask's border inwards.

    The weight is exactly 0 outside the mask, so that what lies outside stays bit-identical when
    it weighs a blend; inside it rises linearly from 0 at the border to 1 at `feather_px` from it.

    Args:
        mask: bool [H, W].
        feather_px: width of the ramp, px; up to half a pixel gives the hard mask.

    Returns:
        float32 [H, W] in [0, 1].
    """
    if feather_px <= HALF_PX:  # no pixel centre lies on so short a ramp
        return mask.astype(np.float32)
    return np.clip(signed_distance(mask) / feather_px, 0, 1).astype(np.float32)


def rounded(mask: Mask, sigma_px: float) -> Floats:
    """Soften a mask's border inwards along an outline without steps.

    A mask's distances follow its pixels' corners, which show as steps where it is enlarged. Half
    of its blur lies on a smooth line along the border.

    Args:
        mask: bool [H, W].
        sigma_px: usual deviation of the blur, px; what is thinner than that goes.

    Returns:
        float32 [H, W] in [0, 1], 0 outside the mask.
    """
    blurred = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma_px)
    return (np.clip(2 * blurred - 1, 0, 1) * mask).astype(np.float32)


def border_band(mask: Mask, near_px: float, far_px: float) -> Mask:
    """Pixels on either side of a mask's border, from `near_px` to `far_px` away from it."""
    away = np.abs(signed_distance(mask))
    return (away >= near_px) & (away <= far_px)


def remove_small(mask: Mask, min_area_px: int) -> Mask:
    """Drop connected parts (8 neighbours) of fewer than `min_area_px` pixels."""
    if min_area_px <= 1:
        return mask.copy()
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= min_area_px
    large[0] = False  # part 0 is the outside
    return large[parts]


def fill_small(mask: Mask, max_area_px: int) -> Mask:
    """Close the holes of at most `max_area_px` pixels (4 neighbours); larger ones stay open.

    A gap between hair and shoulder is a true view of the background, a pinprick is a parser's slip.
    """
    if max_area_px < 1:
        return mask.copy()
    # 4 neighbours for holes where parts have 8: else a diagonal line would both divide and join.
    _, parts, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    pinprick = stats[:, cv2.CC_STAT_AREA] <= max_area_px
    pinprick[0] = False  # part 0 is the mask itself
    return mask | pinprick[parts]
