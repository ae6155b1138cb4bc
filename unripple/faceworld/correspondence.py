"""True correspondence: where every point of one portrait of a person lies in another one."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Face
from unripple.faceworld import camera
from unripple.faceworld.camera import CAMERA_HEIGHT, CAMERA_Z
from unripple.faceworld.shape import head_shift, rotation

STATIC_PARTS = (Face.BACKGROUND, Face.CLOTH, Face.NECK, Face.NECKLACE)
"""Parts that stay where they are when the head turns."""
DEPTH_TOLERANCE = 0.12  # world units; silhouettes differ by more, neighbours on a surface by less


class Correspondence(NamedTuple):
    """Where a picture's points come from.

    Attributes:
        position: x and y in the other picture, px, corner origin, float32 [B, H, W, 2].
        visible: whether they can be seen there, bool [B, H, W].
    """

    position: Tensor
    visible: Tensor


def correspondence(
    factors: Tensor, inverse_depth: Tensor, other: Tensor, labels: Tensor, other_depth: Tensor
) -> Correspondence:
    """Find the points of the other portraits in the first ones.

    The head turns as one piece. Where more than the pose differs, a point is found where it would
    be if it had only turned.

    Args:
        factors: of the first pictures, float32 [B, K].
        inverse_depth: of the first pictures, [B, S, S], as `render` gives it.
        other: factors of the other pictures.
        labels: parts of the other pictures, `Face`, [B, S, S].
        other_depth: inverse depth of the other pictures.
    """
    view = camera.portrait(inverse_depth.shape[-1])
    depth = 1 / other_depth.float()
    points = _points(view, depth)  # [B, S, S, 3]
    # Undo the other head's shift and rotation, then apply the first one's.
    turn_back = rotation(factors) @ rotation(other).transpose(1, 2)
    turned = torch.einsum("bij,bhwj->bhwi", turn_back, points - head_shift(other)[:, None, None])
    static = torch.isin(labels.long(), torch.tensor(STATIC_PARTS, device=labels.device))
    origins = torch.where(
        static[..., None], points, turned + head_shift(factors)[:, None, None]
    )  # [B, S, S, 3]
    position = camera.project(view, origins)
    # A depth test, as in a shadow map: a point is visible where the surface that the first picture
    # shows there is as far away as the point. Nearest, since depths must not be mixed at edges.
    visible_depth = F.grid_sample(
        1 / inverse_depth.float()[:, None],
        position / (view.width / 2) - 1,
        mode="nearest",
        align_corners=False,
    )[:, 0]  # [B, S, S], 0 outside
    return Correspondence(
        position, (visible_depth - (CAMERA_Z - origins[..., 2])).abs() < DEPTH_TOLERANCE
    )


def _points(view: camera.View, depth: Tensor) -> Tensor:
    """World points that the pixels' centres show, [B, H, W, 3]."""
    device = depth.device
    rows = torch.arange(view.height, device=device) + 0.5
    columns = torch.arange(view.width, device=device) + 0.5
    row, column = torch.meshgrid(rows, columns, indexing="ij")
    x = (column - view.width / 2) * view.units_per_px / CAMERA_Z * depth
    y = (view.height / 2 - row) * view.units_per_px / CAMERA_Z * depth
    return torch.stack((x, y + CAMERA_HEIGHT, CAMERA_Z - depth), dim=-1)
