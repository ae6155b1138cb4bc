"""Fuller hair: what is beyond the face moves away from the skull.

The face stays, the hair's outline moves most, and the motion fades in the background, where the
plate is seen. Where no hair is beside the head nothing moves.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage

from unripple.conventions import Face, Floats, Mask
from unripple.ops.relief import head_axes, smoothstep
from unripple.stages.align import Aligned
from unripple.stages.interface import Work
from unripple.stages.pixels.face import SeenFace
from unripple.stages.pixels.hair import hat_of
from unripple.stages.pixels.look import OVAL, CloseLook, filled, small_of

WORD = "hair_volume"
_MOST = 0.27
"""Head units by which the outline moves where all of the attribute's range is asked for."""
_CENTRE = -0.25  # head units below the head's centre: of the skull
_OVER = 0.32  # head units beyond the face over which the motion sets in
_FADE = 0.40  # head units beyond the hair over which it ends
_PRESENT = 0.12  # head units: how broadly hair counts
_LOWEST = (0.55, 1.05)  # head units: hair on shoulders stays, or clothes would move along
_LEAST = 0.10  # share of the surroundings of the upper face that is hair
_YAW_MAX_DEG = 40.0
_CUT = 0.15  # share of the hair beyond the photo's border
_SURE = 0.5
_MIDDLE, _LEAST_ABOVE = 0.3, 0.10  # head units to the side; of hair above the face


def why_none(face: SeenFace, in_photo: Mask, degree: float) -> str:
    """Why the hair's volume stays, the end of a sentence, or "".

    Args:
        face: the face.
        in_photo: pixels of the crop that the photo has, bool [S, S].
        degree: what is asked.
    """
    if degree < 0:
        return "what is behind the hair is not in the photo, so it gets no flatter"
    yaw = abs(face.pose.yaw_deg)
    if yaw > _YAW_MAX_DEG:
        return f"the head looks {yaw:.0f} degrees to the side, and its far half is hidden"
    small = small_of(CloseLook(face.crop, 1.0, face))
    if hat_of(small).any():
        return "a hat covers the hair"
    around = ~small.oval & (small.down < 0.0) & (small.down > -1.4) & (np.abs(small.right) < 1.1)
    is_hair = np.isin(small.labels, (Face.HAIR, Face.HAT)) & around
    above = is_hair & (np.abs(small.right) < _MIDDLE)
    per_side = 2 * _MIDDLE * (face.pose.scale * len(above) / face.size) ** 2  # px per head unit up
    if is_hair[around].mean() < _LEAST or above.sum() < _LEAST_ABOVE * per_side:
        return "hardly any hair is seen around the face"
    shown = cv2.resize(in_photo.astype(np.float32), is_hair.shape) > _SURE
    if (is_hair & ~shown).sum() > _CUT * is_hair.sum():
        return "the photo's border cuts the hair off where it would get fuller"
    return ""


def in_photo(work: Work, size: int) -> Mask:
    """Pixels of the crop that the photo has, bool [S, S]."""
    assert work.photo is not None
    return work.input(Aligned, "align").shown(work.photo.srgb, size)


def volume_motion(face: SeenFace, form: float) -> Floats:
    """Where the photo's points go, px of the crop, float32 [2, n, n].

    Args:
        face: the face.
        form: how much of the attribute's range.
    """
    grid, size = face.grid, face.size
    scale = face.pose.scale * grid / size  # px of the grid per head unit
    right, down = (axis / face.pose.scale for axis in head_axes(face.pose, grid, size))
    hair = np.isin(face.labels, (Face.HAIR, Face.HAT)).astype(np.float32)
    hair = cv2.resize(hair, (grid, grid), interpolation=cv2.INTER_LINEAR)
    present = np.clip(2 * cv2.GaussianBlur(hair, (0, 0), _PRESENT * scale), 0, 1)
    beyond = ndimage.distance_transform_edt(hair < _SURE) / scale
    nearest = ndimage.distance_transform_edt(
        hair < _SURE, return_distances=False, return_indices=True
    )
    present = np.maximum(present, present[tuple(nearest)] * (1 - smoothstep(beyond, 0.0, _FADE)))
    away = ndimage.distance_transform_edt(~_face(face, right, down)) / scale
    share = smoothstep(away, 0.02, _OVER) * present * (1 - smoothstep(beyond, 0.0, _FADE))
    share = share * (1 - smoothstep(down, *_LOWEST))
    # Away from the skull's axis: upwards above its centre, to the sides below.
    above = np.minimum(down - _CENTRE, 0)
    length = np.maximum(np.hypot(right, above), 1e-3)
    by = form * _MOST * face.pose.scale * share
    x, y = by * right / length, by * above / length
    angle = np.radians(face.pose.roll_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    moved = np.stack((x * cos - y * sin, x * sin + y * cos)).astype(np.float32)
    return np.stack([cv2.GaussianBlur(axis, (0, 0), 0.05 * scale) for axis in moved])


def _face(face: SeenFace, right: Floats, down: Floats) -> Mask:
    """The face up to the hairline and its ears, which stay, bool [n, n]."""
    grid = right.shape[0]
    if face.mesh is None:
        oval = (right / 0.60) ** 2 + ((down - 0.2) / 0.74) ** 2 < 1
    else:
        oval = filled(face.mesh[list(OVAL)] * grid / face.size, grid) > _SURE
    parts = np.isin(face.labels, (Face.LEFT_EAR, Face.RIGHT_EAR, Face.SKIN)).astype(np.float32)
    skin = cv2.resize(parts, (grid, grid), interpolation=cv2.INTER_LINEAR) > _SURE
    found: Mask = oval | ndimage.binary_opening(skin, iterations=2)
    return found
