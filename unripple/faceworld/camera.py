"""Where the camera stands and which window of the world a picture shows."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from unripple.conventions import BadConfig

LARGEST = 8192  # px of a side
CAMERA_Z = 9.0
CAMERA_HEIGHT = -0.17
PORTRAIT_HALF = 1.56  # half the side of a portrait, world units on the plane through the origin


class View(NamedTuple):
    """A window on the plane through the head.

    Attributes:
        width, height: pixels.
        centre_x, centre_y: middle of the window, world units from the optical axis.
        units_per_px: world units that one pixel covers.
        tilt_deg: the camera's own roll, counter-clockwise, degrees.
    """

    width: int
    height: int
    centre_x: float = 0.0
    centre_y: float = 0.0
    units_per_px: float = 2 * PORTRAIT_HALF / 128
    tilt_deg: float = 0.0


def portrait(size: int) -> View:
    """The window of an aligned picture, `size` x `size`.

    Raises:
        BadConfig: no picture has that size.
    """
    if not 1 <= size <= LARGEST:
        raise BadConfig(f"size must be at least 1 and at most {LARGEST}, found {size}")
    return View(size, size, units_per_px=2 * PORTRAIT_HALF / size)


def ray_directions(view: View, column: Tensor, row: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Unit directions of the rays through picture positions.

    Args:
        view: the window.
        column, row: positions in pixels, corner origin (the first pixel's centre is 0.5).

    Returns:
        dx, dy, dz, shaped as `column`.
    """
    u = (column - view.width / 2) * view.units_per_px
    v = (view.height / 2 - row) * view.units_per_px
    tilt = math.radians(view.tilt_deg)
    cos, sin = math.cos(tilt), math.sin(tilt)
    dx = (u * cos - v * sin + view.centre_x) / CAMERA_Z
    dy = (u * sin + v * cos + view.centre_y) / CAMERA_Z
    # The window lies on the plane through the head, so the axis component is -1 before it is
    # normalised.
    inverse = torch.rsqrt(dx * dx + dy * dy + 1)
    return dx * inverse, dy * inverse, -inverse


def project(view: View, points: Tensor) -> Tensor:
    """World points [..., 3] -> picture positions [..., 2] in pixels, corner origin."""
    scale = CAMERA_Z / (CAMERA_Z - points[..., 2])
    px = points[..., 0] * scale - view.centre_x
    py = (points[..., 1] - CAMERA_HEIGHT) * scale - view.centre_y
    tilt = math.radians(view.tilt_deg)
    cos, sin = math.cos(tilt), math.sin(tilt)
    # The camera's tilt turns the world the other way.
    u, v = px * cos + py * sin, -px * sin + py * cos
    return torch.stack(
        [u / view.units_per_px + view.width / 2, view.height / 2 - v / view.units_per_px], dim=-1
    )
