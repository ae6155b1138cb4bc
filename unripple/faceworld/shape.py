"""From factors to the shape parameters that the solids are built from.

World units: the head is about 1.5 wide, the origin lies inside it, x runs to the picture's right,
y up, z to the camera. The head turns and shifts; neck and body stay.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unripple.faceworld.factors import INDEX, PITCH_MAX_DEG, ROLL_MAX_DEG, YAW_MAX_DEG

PARAMETERS = (
    "r00", "r01", "r02", "r10", "r11", "r12", "r20", "r21", "r22", "head_x", "head_y",
    "head_width", "face_length", "jaw_width", "chin", "cheek", "eye_radius", "eye_x", "eye_y",
    "eye_tilt", "nose_length", "nose_width", "nose_up", "brow_y", "brow_half", "brow_slope",
    "lip_fullness", "mouth_half", "mouth_y", "ear_size", "neck_radius", "shoulders", "smile",
    "mouth_open", "upper_lid", "lower_lid", "hair_length", "hair_volume", "curl", "part", "fringe",
    "has_hair", "has_glasses", "rim_power", "rim_radius", "has_hat", "has_brim", "has_earring",
    "beard", "moustache", "collar", "strand_phase", "curl_phase", "noise_seed",
)  # fmt: skip
_AT = {name: i for i, name in enumerate(PARAMETERS)}


class Shape:
    """The shape parameters: named rows of one tensor, a single argument for compiled functions.

    Attributes:
        values: float32 [len(PARAMETERS), ...]; the trailing shape broadcasts against coordinates.
    """

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __getitem__(self, name: str) -> Tensor:
        return self.values[_AT[name]]


def rotation(factors: Tensor) -> Tensor:
    """Head rotation, float32 [B, 3, 3]: roll after yaw after pitch."""
    limits = (("yaw", YAW_MAX_DEG), ("pitch", PITCH_MAX_DEG), ("roll", ROLL_MAX_DEG))
    yaw, pitch, roll = (factors[:, INDEX[name]] * math.radians(most) for name, most in limits)
    pitch = -pitch  # a positive turn about x lowers the chin
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, dim=-1).view(-1, 3, 3)

    about_y = matrix(yaw.cos(), zero, yaw.sin(), zero, one, zero, -yaw.sin(), zero, yaw.cos())
    about_x = matrix(
        one, zero, zero, zero, pitch.cos(), -pitch.sin(), zero, pitch.sin(), pitch.cos()
    )
    about_z = matrix(roll.cos(), -roll.sin(), zero, roll.sin(), roll.cos(), zero, zero, zero, one)
    return about_z @ about_y @ about_x


def head_shift(factors: Tensor) -> Tensor:
    """How far the head is moved after its rotation, world units, float32 [B, 3].

    A photo's crop follows the face, so part of the travel of the face's centre is undone.
    """
    # The middle of the face, which travels when the head turns about its axis.
    centre = rotation(factors) @ torch.tensor([0.0, -0.15, 0.62], device=factors.device)
    up = -0.35 * (centre[:, 1] + 0.15)
    return torch.stack((-0.45 * centre[:, 0], up, torch.zeros_like(up)), dim=-1)


def shape_from_factors(factors: Tensor, phases: Tensor) -> Shape:
    """Build the shape parameters of a batch.

    Args:
        factors: float32 [B, len(FACTORS)].
        phases: float32 [B, 3], radians: strand, curl and noise phases from the detail seed.

    Returns:
        Values [len(PARAMETERS), B, 1].
    """

    def f(name: str) -> Tensor:
        return factors[:, INDEX[name]]

    turn, shift = rotation(factors), head_shift(factors)
    masculine_age = (f("masculinity") > 0).float() * f("age")
    smile_up = f("smile").clamp(min=0)
    hair = 1 - f("bald")
    values = {f"r{i}{j}": turn[:, i, j] for i in range(3) for j in range(3)}
    values |= {
        "head_x": shift[:, 0],
        "head_y": shift[:, 1],
        "head_width": 1 + 0.07 * f("head_width"),
        "face_length": 1 + 0.07 * f("face_length"),
        "jaw_width": 1 + 0.13 * f("jaw_width"),
        "chin": f("chin"),
        "cheek": f("cheek"),
        "eye_radius": 0.188 * (1 + 0.10 * f("eye_size")),
        "eye_x": 0.30 * (1 + 0.07 * f("eye_gap")),
        "eye_y": 0.01 + 0.03 * f("eye_height"),
        "eye_tilt": 0.10 * f("eye_tilt") + 0.04,
        "nose_length": 0.06 * f("nose_length"),
        "nose_width": 1 + 0.22 * f("nose_width") + 0.1 * f("melanin"),
        "nose_up": 0.05 * f("nose_up"),
        "brow_y": 0.235 + 0.03 * f("brow_height") + 0.045 * f("brow_raise"),
        "brow_half": 0.034 * (1 + 0.4 * f("brow_thickness")),
        "brow_slope": 0.25 * f("brow_tilt") - 0.06,
        "lip_fullness": 1 + 0.35 * f("lip_fullness"),
        "mouth_half": 0.235 * (1 + 0.14 * f("mouth_width")) * (1 + 0.14 * smile_up),
        "mouth_y": -0.60 * (1 + 0.04 * f("face_length")),
        "ear_size": 1 + 0.16 * f("ear_size"),
        "neck_radius": 0.36 * (1 + 0.13 * f("neck_width")),
        "shoulders": 1 + 0.12 * f("shoulder_width"),
        "smile": f("smile"),
        "mouth_open": f("mouth_open"),
        "upper_lid": (0.50 + 0.22 * f("eye_open") - 0.07 * smile_up).clamp(0.10, 0.8),
        "lower_lid": 0.34 + 0.08 * f("eye_open") - 0.08 * smile_up,
        "hair_length": f("hair_length") * hair,
        "hair_volume": 0.11 + 0.05 * f("hair_volume") + 0.10 * f("hair_curl"),
        "curl": f("hair_curl"),
        "part": f("hair_part"),
        "fringe": f("fringe").clamp(min=0) * (1 - 0.7 * f("age")) - 0.25 * masculine_age,
        "has_hair": hair,
        "has_glasses": f("glasses"),
        "rim_power": 2.2 + 5 * f("glasses_shape"),
        "rim_radius": 0.016 + 0.012 * f("glasses_dark") + 0.008 * f("glasses_shape"),
        "has_hat": f("hat"),
        "has_brim": f("hat_brim"),
        "has_earring": f("earring"),
        "beard": f("beard"),
        "moustache": f("moustache"),
        "collar": f("collar"),
        "strand_phase": phases[:, 0],
        "curl_phase": phases[:, 1],
        "noise_seed": phases[:, 2],
    }
    return Shape(torch.stack([values[name] for name in PARAMETERS])[:, :, None].contiguous())


def to_head(x: Tensor, y: Tensor, z: Tensor, k: Shape) -> tuple[Tensor, Tensor, Tensor]:
    """World coordinates -> coordinates of the unturned head."""
    wx, wy = x - k["head_x"], y - k["head_y"]
    return rotate_to_head(wx, wy, z, k)


def rotate_to_head(x: Tensor, y: Tensor, z: Tensor, k: Shape) -> tuple[Tensor, Tensor, Tensor]:
    """World directions -> directions in the frame of the unturned head."""
    return (
        k["r00"] * x + k["r10"] * y + k["r20"] * z,
        k["r01"] * x + k["r11"] * y + k["r21"] * z,
        k["r02"] * x + k["r12"] * y + k["r22"] * z,
    )
