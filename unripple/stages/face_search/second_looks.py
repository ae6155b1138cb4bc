"""A photograph in which MTCNN sees no face, looked at again: in better light, and turned."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from unripple.conventions import Affine, Landmarks, Photo
from unripple.ops.geometry import apply, inverse, shrunk
from unripple.stages.face_search import faces_by_mtcnn

TURNS_DEG = (0, 30, -30, 90, -90, 180, 60, -60)
"""Anticlockwise. MTCNN knows faces that are upright within some 25 degrees."""
SURE = 0.97  # less is believed of a picture that nobody took like that
LONGEST_PX = 1000  # of what is looked at: a face that somebody means to edit is seen at this size
DARK, LIGHT = 1.0, 99.0  # percentiles of the luminance that become black and white
MIDDLE = 0.45  # of the range from black to white, where the median shall be
WIDEST_GAMMA = 4.0
GROUND = (128.0, 128.0, 128.0)  # around a picture that was turned


def second_looks(photo: Photo, mtcnn: Any, *, min_confidence: float = 0.9) -> list[Landmarks]:
    """Faces that MTCNN finds once the photograph is lit and upright, the most certain one first.

    The first look that finds any ends the search.

    Args:
        photo: uint8 [H, W, 3].
        mtcnn: a ready `facenet_pytorch.MTCNN(keep_all=True)`.
        min_confidence: weaker finds are dropped, 0 .. 1; `SURE` at least.

    Returns:
        Landmarks [5, 2] in px of the photograph.
    """
    small = shrunk(photo, max(1.0, max(photo.shape[:2]) / LONGEST_PX))
    ratio = np.array(photo.shape[1::-1]) / np.array(small.shape[1::-1])
    bright = well_lit(small)
    for degrees in TURNS_DEG:
        picture, back = upright(bright, degrees)
        found = faces_by_mtcnn(picture, mtcnn, min_confidence=max(SURE, min_confidence))
        if found:
            return [(apply(back, face) * ratio).astype(np.float32) for face in found]
    return []


def well_lit(photo: Photo) -> Photo:
    """Stretch a photograph to the whole range, and bring its median to the middle.

    Args:
        photo: uint8 [H, W, 3].
    """
    luminance = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    dark, middle, light = np.percentile(luminance, (DARK, 50, LIGHT))
    if light - dark < 1:
        return photo
    share = np.clip((middle - dark) / (light - dark), 0.01, 0.99)
    gamma = np.clip(np.log(MIDDLE) / np.log(share), 1 / WIDEST_GAMMA, WIDEST_GAMMA)
    levels = np.clip((np.arange(256) - dark) / (light - dark), 0, 1) ** gamma
    curved: Photo = np.round(levels * 255).astype(np.uint8)[photo]
    return curved


def upright(photo: Photo, degrees: float) -> tuple[Photo, Affine]:
    """Turn a photograph anticlockwise, whole, on a grey ground.

    Returns:
        The picture, and the map [2, 3] from its pixels to the photograph's.
    """
    height, width = photo.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    across, down = round(width * cos + height * sin), round(width * sin + height * cos)
    turn[:, 2] += (across - width) / 2, (down - height) / 2
    # Coordinates count from the picture's corner, OpenCV's from the centre of the first pixel.
    centred = np.column_stack((turn[:, :2], turn[:, :2] @ (0.5, 0.5) + turn[:, 2] - 0.5))
    picture = cv2.warpAffine(photo, centred, (across, down), borderValue=GROUND)
    return picture.astype(np.uint8, copy=False), inverse(turn)
