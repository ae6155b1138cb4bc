"""A picture with structure everywhere, and pairs of it for tests of registration."""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats, Photo


def textured(seed: int, height: int = 240, width: int = 320) -> Photo:
    """Blobs of all sizes up to a fifth of the picture, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    levels = np.zeros((height, width, 3), np.float32)
    for sigma, weight in ((1.2, 1.0), (3, 1.0), (8, 1.2), (24, 1.5)):
        noise = rng.normal(0, 1, (height, width, 3)).astype(np.float32)
        soft = cv2.GaussianBlur(noise, (0, 0), sigma)
        levels += weight * soft / soft.std()
    shown: Photo = np.clip(128 + 28 * levels, 5, 250).astype(np.uint8)
    return shown


def about_middle(
    width: int, height: int, *, zoom: float, shift: tuple[float, float], turn_deg: float
) -> Floats:
    """The map that zooms and turns about the middle and shifts, [3, 3]."""
    angle = np.deg2rad(turn_deg)
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    places, centre = np.eye(3), np.array((width, height)) / 2
    places[:2, :2] = ((cos, -sin), (sin, cos))
    places[:2, 2] = centre + shift - places[:2, :2] @ centre
    return places


def error_px(found: Floats, true: Floats, width: int, height: int) -> float:
    """The median distance of where two maps send a picture's points."""
    from unripple.ops.homography import centres, mapped

    points = centres(width, height)[::8, ::8]
    return float(np.median(np.linalg.norm(mapped(found, points) - mapped(true, points), axis=-1)))
