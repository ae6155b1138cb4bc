"""Judges of turns on photographs: a face mesh reads angles, dlib's net says who it is.

Nothing that turns a head asks them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from unripple.conventions import Floats, Photo
from unripple.stages.align import Aligned
from unripple.stages.compose import Composed
from unripple.stages.edit import Edited
from unripple.stages.interface import Work

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.ops.mesh import FaceAngles
    from unripple.stages.measure import MeasureSettings

MESH, IDENTITY = "mesh_judge", "identity_judge"
"""Their roles."""


def judge_turn(
    before: FaceAngles,
    after: FaceAngles,
    *,
    asked_yaw_deg: float | None,
    asked_pitch_deg: float | None,
) -> dict[str, float]:
    """How far a turn is off by the angles that a judge reads off photo and result.

    Args:
        before, after: the angles.
        asked_yaw_deg, asked_pitch_deg: by how much the head was to turn; None where nobody knows.
    """
    figures = {}
    if asked_yaw_deg is not None:
        figures["mesh_yaw_error"] = after.yaw_deg - before.yaw_deg - asked_yaw_deg
    if asked_pitch_deg is not None:
        figures["mesh_pitch_drift"] = after.pitch_deg - before.pitch_deg - asked_pitch_deg
    return figures


def identity_distance(
    pictures: Sequence[Photo],
    meshes: Sequence[Floats],
    net: Callable[[Tensor], Tensor],
    *,
    size_px: int,
) -> float:
    """How far two pictures' faces are from each other, by dlib's net; below .6 is one person.

    Args:
        pictures: two, uint8 [H, W, 3].
        meshes: of their faces, [468, 3] px.
        net: float [2, 3, n, n] in [-1, 1] -> [2, E].
        size_px: side n of its input.
    """
    import torch

    from unripple.ops.chips import chip
    from unripple.ops.tensors import device_of, to_tensor

    chips = [
        to_tensor(chip(picture, mesh, size_px=size_px), device=device_of(net))
        for picture, mesh in zip(pictures, meshes, strict=True)
    ]
    with torch.inference_mode():
        one, other = net(torch.cat(chips)).float()
    return float((one - other).norm())


def by_mesh(work: Work, settings: MeasureSettings) -> dict[str, float]:
    """What the judges that are asked say of photo and result; nothing without landmarks."""
    from unripple.ops.mesh import face_angles

    aligned = work.input(Aligned, "align")
    if not settings.mesh or np.isnan(aligned.landmarks_in_crop).any():
        return {}
    pictures = (aligned.picture, work.input(Composed, "compose").picture)
    before, after = (face_angles(mesh) for mesh in _meshes(work, pictures))
    figures = judge_turn(
        before,
        after,
        asked_yaw_deg=settings.asked_turn_deg,
        asked_pitch_deg=settings.asked_pitch_deg,
    )
    if settings.same_person:
        judge, large = work.load(IDENTITY), _as_large(work)
        meshes = _meshes(work, large)
        distance = identity_distance(large, meshes, judge.net, size_px=judge.size_px)
        figures["identity_distance"] = distance
    return figures


def _meshes(work: Work, pictures: Sequence[Photo]) -> list[Floats]:
    """The faces of crops of any size."""
    from unripple.ops.mesh import mesh_of

    aligned, net = work.input(Aligned, "align"), work.load(MESH)
    landmarks, size = aligned.landmarks_in_crop, aligned.picture.shape[0]
    return [
        mesh_of(crop, net.net, landmarks * (crop.shape[0] / size), size_px=net.size_px)
        for crop in pictures
    ]


def _as_large(work: Work) -> tuple[Photo, Photo]:
    """Crop and result, as large as the edit knows them: identity is in what is fine."""
    from unripple.ops.layers import lay

    layers, composed = work.input(Edited, "edit").layers, work.input(Composed, "compose")
    if layers is None or composed.plate is None:
        return work.input(Aligned, "align").picture, composed.picture
    side, as_it_is = layers.alpha.shape[0], np.eye(3)[:2]
    laid, _ = lay(layers.picture, as_it_is, layers, composed.plate, (0, side, 0, side))
    return layers.picture, laid
