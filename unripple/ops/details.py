"""Bringing back the photo's own details on what an edit keeps.

An inversion is softer than the photo. What it lost is known, and it belongs on the edit wherever
the edit shows the same thing as the inversion, if in another colour.

Source: own.
"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats, Labels, Photo
from unripple.ops.masks import require_same_size
from unripple.ops.mixing import rounded, share_beyond


def kept_share(
    inversion: Photo,
    edited: Photo,
    labels_before: Labels,
    labels_after: Labels,
    *,
    tolerance: float,
    reach_px: float,
) -> Floats:
    """How far an edit shows what the inversion shows, pixel by pixel.

    A part of the face may change its colour as a whole: what counts is the change beyond the
    median of its part. A pixel that became another part shows another thing.

    Args:
        inversion, edited: uint8 [S, S, 3].
        labels_before, labels_after: parts of the photo and of the edit, uint8 [S, S] of `Face`.
        tolerance: change in levels of 255 at which the share is 1/e.
        reach_px: over how much a change is smeared, and how far from a pixel that became another
            part the share rises to 1.

    Returns:
        float64 [S, S] in [0, 1].

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(inversion=inversion, edited=edited, before=labels_before, after=labels_after)
    change = edited.astype(np.float32) - inversion.astype(np.float32)
    for part in np.unique(labels_after):
        inside = labels_after == part
        # The median and not the mean: a new pair of glasses must not shift the skin around it.
        change[inside] -= np.median(change[inside], axis=0)
    # The largest channel: a change of hue alone is one, too.
    size = cv2.GaussianBlur(np.abs(change).max(2), (0, 0), max(reach_px / 2, 0.5))
    alike = np.exp(-((size / tolerance) ** 2)).astype(np.float64)
    # A contour that moved leaves equal colours on both sides, which only the labels tell.
    return alike * share_beyond(labels_before != labels_after, max(reach_px, 1.0))


def detailed(photo: Photo, edited: Photo, inversion: Photo, share: Floats) -> Photo:
    """Add to the edit what the inversion lost of the photo.

    Args:
        photo, edited, inversion: uint8 [S, S, 3].
        share: of what was lost, float64 [S, S]. Where it is 1 and edit and inversion are equal,
            the photo's bytes come out.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(photo=photo, edited=edited, inversion=inversion, share=share)
    lost = photo.astype(np.float64) - inversion
    return rounded(edited + share[..., None] * lost)
