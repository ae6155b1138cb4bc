"""Mixing an edit with its original: what the edit is not about comes back from the photo.

Every mix is a weighted mean in float64, and its weights come from exact Euclidean distances, so
that bytes do not depend on how a sum is rounded. Where a weight is 0 or 1 the picture that counts
is copied, which costs next to nothing and keeps its bytes.

Source: valentingol/gan-face-editing (MIT), pipeline/domain_mixup.py, segmentation.py,
depth_segmentation.py and gfp_gan.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from unripple.conventions import Floats, Labels, Mask, Photo
from unripple.ops.masks import distance_to, require_same_size
from unripple.ops.regions import Part

Levels: TypeAlias = Callable[[Floats], Photo]

DARK = 100
"""Up to this level a pixel of a drawn domain belongs to it."""


def exact_distance_to(mask: Mask) -> Floats:
    """Distance of every pixel to the nearest pixel of the mask, float64, px; inf if it is empty."""
    return _exact(distance_to(mask))


def _exact(distance: Floats) -> Floats:
    # Squares of distances between pixels are whole numbers: rounding them undoes float32's error.
    squared = distance.astype(np.float64)
    squared *= squared
    return np.sqrt(np.rint(squared, out=squared), out=squared)


def ramp(distance: Floats, margin_px: float) -> Floats:
    """The share of the original at a distance: rising to 1 at the margin, float64."""
    return np.minimum(distance / margin_px, 1.0)


def share_beyond(mask: Mask, margin_px: float) -> Floats:
    """`ramp` of the distance to a mask: 0 in it, 1 from the margin on; all 1 if it is empty."""
    share: Floats = np.ones(mask.shape, np.float64)
    within = _around(mask, math.ceil(margin_px))
    if within is None:
        return share
    distance = distance_to(mask[within])
    near = distance < margin_px + 1  # float32's error is far smaller
    share[within][near] = ramp(_exact(distance[near]), margin_px)
    return share


def share_within(mask: Mask, margin_px: float) -> Floats:
    """`ramp` of the depth within a mask: 0 out of it, 1 where it is at least a margin deep."""
    share: Floats = np.zeros(mask.shape, np.float64)
    within = _around(mask, 1)  # what is nearest to a pixel in it lies beside it
    if within is not None:
        inside = mask[within]
        share[within][inside] = ramp(_exact(distance_to(~inside)[inside]), margin_px)
    return share


def _around(mask: Mask, reach_px: int) -> tuple[slice, slice] | None:
    """The rows and columns within reach of a mask, or None if it is empty."""
    x, y, wide, high = cv2.boundingRect(mask.view(np.uint8))
    if not wide:
        return None
    low = slice(max(0, y - reach_px), y + high + reach_px)
    return low, slice(max(0, x - reach_px), x + wide + reach_px)


def rounded(picture: Floats) -> Photo:
    """To bytes, to the nearest level."""
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


def mixed(original: Photo, edited: Photo, *shares: Floats, levels: Levels | None = rounded) -> Any:
    """Mix two pictures, once or several times over.

    Args:
        original, edited: uint8 [H, W, 3].
        shares: how much of the original comes into the mix before, float64 [H, W] in [0, 1]; what
            is mixed first is the edit.
        levels: how means become bytes; None keeps them.

    Returns:
        uint8 [H, W, 3], or float64 without `levels`; exactly the one picture where its share is 1.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(original=original, edited=edited, **dict(zip("abc", shares, strict=False)))
    picture = edited.copy() if levels else edited.astype(np.float64)
    between = np.zeros(edited.shape[:2], np.bool_)
    for share in shares:
        copied = share >= 1
        np.copyto(picture, original, where=copied[..., None])
        # Only where no copy does: floats of a whole photograph would cost most of the time.
        between |= (share > 0) & ~copied
    places = np.flatnonzero(between)
    before, mean = (one.reshape(-1, 3)[places].astype(np.float64) for one in (original, edited))
    for share in shares:
        part = share.ravel()[places, None]
        mean = part * before + (1 - part) * mean
    picture.reshape(-1, 3)[places] = levels(mean) if levels else mean
    return picture


def domain_of(drawing: npt.NDArray[Any]) -> Mask:
    """The domain in a drawing [H, W] or [H, W, C] of levels: what is dark in its first channel."""
    first = drawing if drawing.ndim == 2 else drawing[..., 0]
    return first <= DARK


def segmentation_shares(
    change: Mask | None, front: Mask, *, margin_px: float, front_px: float
) -> list[Floats]:
    """How much of the original an edit keeps by the parts of the face, for `mixed`.

    Args:
        change: what the edit may change, bool [H, W]; None if no rule says so.
        front: what stands in front of it, bool [H, W]; the original fades in from its border.
        margin_px: how far from the change only the original is left.
        front_px: depth within the front from which only the original is left.
    """
    shares = [] if change is None else [share_beyond(change, margin_px)]
    if front.any():
        shares.append(share_within(front, front_px))
    return shares


def background_mixed(
    original: Photo,
    edited: Photo,
    foreground: Mask,
    *,
    coef: float,
    levels: Levels | None = rounded,
) -> Any:
    """Lay the foreground of the edit on the background of the original.

    With d the distance to the foreground over its maximum and f = exp(-coef d), the shares are
    f / (f + d) for the edit and d / (f + d) for the original.

    Args:
        original, edited: uint8 [H, W, 3].
        foreground: of either picture, bool [H, W].
        coef: how fast the edit fades away from it.
        levels: how means become bytes; None keeps them. Rounded, what both pictures share stays.

    Returns:
        uint8 [H, W, 3], or float64 without `levels`; the edit where there is no background, the
        original where all is.
    """
    require_same_size(original=original, edited=edited, foreground=foreground)
    if not foreground.any():
        return original.copy() if levels else original.astype(np.float64)
    picture = edited.copy() if levels else edited.astype(np.float64)
    mixes = ~foreground
    if levels is rounded:
        mixes &= cv2.inRange(cv2.absdiff(original, edited), (0, 0, 0), (0, 0, 0)) == 0
    places = np.flatnonzero(mixes)
    if not places.size:
        return picture
    away = distance_to(foreground)
    distance = _exact(away.ravel()[places])[:, None]
    # Relative to the farthest pixel, as in the source: the fade depends on the picture's size.
    distance /= _exact(away.max(keepdims=True))
    fading = np.exp(-coef * distance)
    total = fading + distance
    before, after = (one.reshape(-1, 3)[places] for one in (original, edited))
    mean = fading / total * after + distance / total * before
    picture.reshape(-1, 3)[places] = levels(mean) if levels else mean
    return picture


def restored_mixed(
    edited: Photo, restored: Photo, parts: Labels, *, margin_px: float, weight: float = 1.0
) -> Photo:
    """Lay a restored face on the edit; the background is never restored, clothes fade out.

    Args:
        edited, restored: uint8 [H, W, 3].
        parts: of the edit, uint8 [H, W] of `Part`.
        margin_px: how far into the clothes the restored picture reaches.
        weight: share of the restored face where it counts most; 0 changes no byte.

    Returns:
        uint8 [H, W, 3], rounded.
    """
    face = (parts != Part.BACKGROUND) & (parts != Part.CLOTHES)
    share = share_beyond(face, margin_px)
    share[parts == Part.BACKGROUND] = 1
    if weight != 1:
        share = 1 - weight * (1 - share)
    return mixed(edited, restored, share)
