"""The mesh judge: angles of a made-up mesh, and crops that follow a face."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.conventions import Floats
from unripple.ops.head import rotation
from unripple.ops.mesh import MESH_POINTS, face_angles, mesh_of


def upright_mesh() -> Floats:
    """Points that are mirror images where the judge takes them for such; z points away."""
    from unripple.ops.mesh import _ACROSS, _DOWN

    rng = np.random.default_rng(0)
    mesh = rng.normal(size=(MESH_POINTS, 3))
    for number, (left, right) in enumerate(_ACROSS):
        mesh[left] = (-30 - number, 4 * number, 5)
        mesh[right] = (30 + number, 4 * number, 5)
    for number, (top, bottom) in enumerate(_DOWN):
        mesh[top], mesh[bottom] = (0, -50 - number, 3), (0, 50 + number, 3)
    return mesh


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (25, 0, 0), (0, 12, 0), (0, 0, -9)])
def test_the_angles_are_those_of_the_head_s_own_rotation(
    yaw: float, pitch: float, roll: float
) -> None:
    towards_viewer = upright_mesh() * (1, 1, -1)
    turned = (towards_viewer @ rotation(yaw, pitch, roll).T) * (1, 1, -1)
    found = face_angles(turned)
    assert found == pytest.approx((yaw, pitch, roll), abs=1e-6)


def test_points_come_back_in_pixels_of_the_picture() -> None:
    """A net that sees a bright square wherever the crop shows it, as a mesh around its middle."""

    def net(crop: Tensor) -> list[Tensor]:
        weight = crop[0].mean(0) - crop[0].mean(0).amin()
        rows = torch.arange(crop.shape[2]) + 0.5
        y, x = ((weight * axis).sum() / weight.sum() for axis in (rows[:, None], rows))
        mesh = torch.from_numpy(upright_mesh()).float() * torch.tensor([0.5, 0.5, 1.0])
        return [mesh.add(torch.stack((x, y, torch.zeros(())))).reshape(1, -1, 1, 1)]

    picture = np.zeros((200, 240, 3), np.uint8)
    picture[90:100, 130:140] = 255
    landmarks = np.array([(120, 85), (150, 85), (135, 100), (125, 112), (145, 112)], float)
    mesh = mesh_of(picture, net, landmarks, size_px=96)
    assert mesh.shape == (MESH_POINTS, 3)
    assert mesh[[33, 263]].mean(0)[:2] == pytest.approx((135, 95), abs=1.5)
