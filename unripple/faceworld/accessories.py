"""What a person wears on the head: hat, glasses, earrings. Distances in the head's frame."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.faceworld.anatomy import FAR_AWAY
from unripple.faceworld.sdf import capsule, ellipsoid, intersection, length, sphere, union
from unripple.faceworld.shape import Shape

LENS_X, LENS_HALF_WIDTH, LENS_HALF_HEIGHT = 0.305, 0.235, 0.185
FRAME_Z, FRAME_BEND = 0.80, 0.22  # the frame lies on z = FRAME_Z - FRAME_BEND * x^2
HAT_EDGE = 0.46


def hat_height(y: Tensor, z: Tensor) -> Tensor:
    """Height along the axis of a hat, which is worn a little tilted."""
    return y + 0.06 * z


def hat(x: Tensor, y: Tensor, z: Tensor, k: Shape) -> tuple[Tensor, Tensor]:
    """A beanie with a rolled edge, or a hat with a brim.

    Returns:
        The distance of the hat, and the distance of its crown even where no hat is worn.
    """
    width = k["head_width"]
    dome = ellipsoid(x, y - 0.36, z + 0.13, 0.80 * width + 0.04, 0.78, 0.92)
    height = hat_height(y, z)
    crown = intersection(dome, HAT_EDGE - height, 0.04)
    around = torch.sqrt((x / (0.79 * width + 0.04)) ** 2 + ((z + 0.13) / 0.92) ** 2 + 1e-6)
    roll = length((around - 1) * 0.8, (height - HAT_EDGE) * 0.55, torch.zeros_like(x)) - 0.075
    brim = ellipsoid(x, height - 0.44 + 0.10 * x * x, z + 0.05, 1.22, 0.055, 1.30)
    brimmed = union(crown, torch.maximum(brim, -(dome + 0.1)), 0.06)
    # Roll and brim live in bent, stretched space, where distances are too long for the march.
    d = torch.where(k["has_brim"] > 0.5, brimmed, union(crown, roll, 0.03)) * 0.85
    return d + (1 - k["has_hat"]) * FAR_AWAY, crown


def under_hat(hair: Tensor, crown: Tensor, y: Tensor, z: Tensor, k: Shape) -> Tensor:
    """Hair pressed under the hat: none inside the crown, none above its edge."""
    pressed = torch.maximum(torch.maximum(hair, -crown), hat_height(y, z) - HAT_EDGE)
    return torch.where(k["has_hat"] > 0.5, pressed, hair)


def rim_radius_at(dx: Tensor, dy: Tensor, k: Shape) -> Tensor:
    """Superellipse radius of a lens: below 1 inside. `dx`, `dy` from the middle of the lens."""
    power = k["rim_power"]
    return (
        (dx.abs() / LENS_HALF_WIDTH + 1e-4) ** power + (dy.abs() / LENS_HALF_HEIGHT + 1e-4) ** power
    ) ** (1 / power)


def glasses(x: Tensor, y: Tensor, z: Tensor, k: Shape) -> Tensor:
    """Rims, bridge, and arms that run from the rims' outer edge to the tops of the ears."""
    abs_x = torch.sqrt(x * x + 4e-4)
    dx, dy = abs_x - LENS_X, y - k["eye_y"] + 0.01
    dz = z - FRAME_Z + FRAME_BEND * x * x
    around = (rim_radius_at(dx, dy, k) - 1) * 0.19
    rim = torch.sqrt(around * around + dz * dz + 1e-9) - k["rim_radius"]
    eye_y = k["eye_y"]
    bridge = capsule(
        abs_x, y, z, (0.0, eye_y + 0.04, 0.82), (0.085, eye_y + 0.02, 0.80), 0.015, 0.015
    )
    hinge = (LENS_X + LENS_HALF_WIDTH + 0.005, eye_y + 0.03, 0.725)
    ear_top = (0.745 * k["head_width"] + 0.02, 0.09 + 0.0 * eye_y, -0.04)
    arm = capsule(abs_x, y, z, hinge, ear_top, 0.017, 0.014)
    d = torch.minimum(torch.minimum(rim, bridge), arm) * 0.8
    return d + (1 - k["has_glasses"]) * FAR_AWAY


def earring(x: Tensor, y: Tensor, z: Tensor, k: Shape) -> Tensor:
    """A ball below each ear lobe."""
    abs_x = torch.sqrt(x * x + 4e-4)
    d = sphere(abs_x - 0.80 * k["head_width"], y + 0.06 + 0.24 * k["ear_size"], z, 0.045)
    return d + (1 - k["has_earring"]) * FAR_AWAY
