"""Angles of a face by a mesh net, which reads 468 points in three dimensions off a crop.

It judges turns: nothing that turns a head asks it.

Source: MediaPipe's face mesh (Kartynnik et al. 2019, arXiv:1907.06724), whose crop is a square 1.5
times as large as the face, upright by the eyes; points by their numbers in its canonical mesh.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from unripple.conventions import Affine, Floats, Photo
from unripple.ops.geometry import apply, resample

if TYPE_CHECKING:
    from torch import Tensor

MESH_POINTS = 468
"""Points of the face mesh; a direction of shape has them last, in this order."""
LIP_CORNERS = (61, 291)
UPPER_LIP_TOP = (185, 40, 39, 37, 0, 267, 269, 270, 409)
UPPER_LIP_EDGE = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_LIP_EDGE = (95, 88, 178, 87, 14, 317, 402, 318, 324)
LOWER_LIP_BOTTOM = (146, 91, 181, 84, 17, 314, 405, 321, 375)
"""Points along the lips from the picture's left to its right, without the mouth's corners."""
_ACROSS = ((33, 263), (133, 362), (127, 356), (234, 454), (93, 323), (58, 288), (61, 291))
"""Points of the face's picture-left half and their mirror images."""
_EYES = (33, 263)
_DOWN = ((10, 152), (9, 175), (151, 199))
"""Points of the forehead and of the chin on the middle line."""
_WIDER = 1.5
_LOOKS = 3
"""Each look crops around what the one before saw."""


class FaceAngles(NamedTuple):
    """Angles of a face, degrees, as the mesh net sees them.

    Attributes:
        yaw_deg: positive to the picture's right.
        pitch_deg: positive upwards; only its changes mean something, as chins differ.
        roll_deg: positive clockwise.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def mesh_of(
    picture: Photo, net: Callable[[Tensor], Sequence[Tensor]], landmarks: Floats, *, size_px: int
) -> Floats:
    """Read the mesh of the face in a picture.

    Args:
        picture: uint8 [H, W, 3].
        net: float [1, 3, n, n] in [0, 1] -> among others the points, 1,404 values.
        landmarks: five points of about where the face is, px, [5, 2].
        size_px: side n of its input.

    Returns:
        float64 [468, 3]: x and y, px of the picture, and how far behind, in the same unit.
    """
    import torch

    from unripple.ops.tensors import device_of, to_tensor

    points = landmarks.astype(np.float64)
    affine = _square(points, eyes=(0, 1), side=3.4 * _reach(points), size_px=size_px)
    for _ in range(_LOOKS):
        crop = resample(picture, affine, width=size_px, height=size_px)
        with torch.inference_mode():
            read = net(to_tensor(crop, device=device_of(net)) / 2 + 0.5)
        (flat,) = (part for part in read if part.numel() == 3 * MESH_POINTS)
        mesh = flat.float().cpu().numpy().reshape(MESH_POINTS, 3).astype(np.float64)
        scale = float(np.hypot(affine[0, 0], affine[1, 0]))
        placed = np.column_stack((apply(affine, mesh[:, :2]), mesh[:, 2] * scale))
        extent = np.ptp(apply(_upright(affine), placed[:, :2]), axis=0).max()
        affine = _square(placed[:, :2], eyes=_EYES, side=_WIDER * extent, size_px=size_px)
    return placed


def face_angles(mesh: Floats) -> FaceAngles:
    """The angles of a mesh [468, 3]."""
    left, right = (mesh[[pair[side] for pair in _ACROSS]] for side in (0, 1))
    top, bottom = (mesh[[pair[side] for pair in _DOWN]] for side in (0, 1))
    # Sums of vectors, so that long ones, which are read best, count most.
    across, down = (right - left).sum(0), (bottom - top).sum(0)
    yaw = np.degrees(np.arctan2(across[2], np.hypot(*across[:2])))
    pitch = np.degrees(np.arctan2(-down[2], np.hypot(*down[:2])))
    roll = np.degrees(np.arctan2(across[1], across[0]))
    return FaceAngles(float(yaw), float(pitch), float(roll))


def _reach(landmarks: Floats) -> float:
    """From the eyes to the mouth, px."""
    return float(np.linalg.norm(landmarks[3:].mean(0) - landmarks[:2].mean(0)))


def _square(points: Floats, *, eyes: tuple[int, int], side: float, size_px: int) -> Affine:
    """An upright square around points: crop pixels -> picture pixels."""
    across = points[eyes[1]] - points[eyes[0]]
    right = across / max(float(np.linalg.norm(across)), 1e-6) * side / size_px
    linear = np.array([[right[0], -right[1]], [right[1], right[0]]])
    middle = (points.min(0) + points.max(0)) / 2
    return np.column_stack((linear, middle - linear @ (size_px / 2, size_px / 2)))


def _upright(affine: Affine) -> Affine:
    """Picture pixels turned upright as a crop is, at the picture's scale."""
    linear = affine[:, :2] / np.hypot(affine[0, 0], affine[1, 0])
    return np.column_stack((linear.T, np.zeros(2)))
