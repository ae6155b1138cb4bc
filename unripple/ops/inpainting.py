"""Classic inpainting: baselines of the network, and a fallback without weights."""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.masks import require_same_size
from unripple.ops.membrane import membrane


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


def smooth_fill(photo: Photo, hole: Mask) -> Photo:
    """Fill a hole with the smoothest surface that meets its border, see `ops.membrane`."""
    filled = membrane(photo.astype(np.float32), ~hole)
    levels: Photo = np.rint(np.clip(filled, 0, 255)).astype(np.uint8)
    return levels


def misfit(painted: Photo, photo: Photo, where: Mask) -> float:
    """How far a painting is from the truth, in levels: in its colours, and in its fine structure.

    Pixel by pixel every blur would beat every texture, so structure is compared by its energy.

    Args:
        painted, photo: uint8 [H, W, 3].
        where: bool [H, W], not empty.
    """
    truth, made = photo.astype(np.float32), painted.astype(np.float32)
    sigma = max(photo.shape[0] / 64, 1.0)

    def split(picture: Floats) -> tuple[Floats, float]:
        large = cv2.GaussianBlur(picture, (0, 0), sigma)
        return large, float(np.sqrt(np.square(picture - large)[where].mean()))

    (true_large, true_fine), (made_large, made_fine) = split(truth), split(made)
    return float(np.abs(made_large - true_large)[where].mean()) + abs(made_fine - true_fine)
