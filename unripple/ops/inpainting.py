"""Classic inpainting: baselines of the network, and a fallback without weights."""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Mask, Photo
from unripple.ops.masks import require_same_size


def telea(photo: Photo, hole: Mask, *, radius_px: float = 3.0) -> Photo:
    """Fill a hole by marching inwards from its border; outside every byte stays.

    Args:
        photo: uint8 [H, W, 3].
        hole: True where the picture is unknown, bool [H, W].
        radius_px: how far away known pixels count, px.

    Returns:
        uint8 [H, W, 3].

    Source: Telea 2004, by OpenCV.
    """
    return _fill(photo, hole, radius_px, cv2.INPAINT_TELEA)


def navier_stokes(photo: Photo, hole: Mask, *, radius_px: float = 3.0) -> Photo:
    """Fill a hole by continuing its isophotes as a fluid would; otherwise as `telea`.

    Source: Bertalmio, Bertozzi, Sapiro 2001, by OpenCV.
    """
    return _fill(photo, hole, radius_px, cv2.INPAINT_NS)


def _fill(photo: Photo, hole: Mask, radius_px: float, method: int) -> Photo:
    require_same_size(photo=photo, hole=hole)
    if not hole.any():
        return photo.copy()
    filled = cv2.inpaint(photo, hole.astype(np.uint8), radius_px, method)
    # OpenCV does not promise to keep the known pixels; this function does.
    return np.where(hole[..., None], filled, photo)
