"""The solids of a person: skull and face, eyes, ears, hair, neck and body.

All functions take coordinates in the frame of the unturned head unless they say world, and return
signed distances. `mouth` and `eyelids` are also read by the painter, so that paint and relief
cannot drift apart.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from unripple.faceworld.sdf import (
    bump,
    capsule,
    ellipsoid,
    intersection,
    smoothstep,
    sphere,
    subtraction,
    union,
)
from unripple.faceworld.shape import Shape

FAR_AWAY = 3.0  # added to the distance of a part that a person does not have


class Mouth(NamedTuple):
    """Insideness of the lips (positive inside) and the line between them, elementwise."""

    upper: Tensor
    lower: Tensor
    inside: Tensor
    line_y: Tensor
    envelope: Tensor  # 1 at the middle of the mouth, 0 at its corners


class LipEdges(NamedTuple):
    """Heights of the lips' edges at places along the mouth, and what they are built from."""

    line_y: Tensor  # the seam
    top: Tensor
    inner_top: Tensor
    inner_bottom: Tensor
    bottom: Tensor
    envelope: Tensor  # 1 at the middle of the mouth, 0 at its corners


def lip_edges(u: Tensor, k: Shape) -> LipEdges:
    """The lips at places `u` along the mouth, -1 and 1 being its corners."""
    envelope = (1 - u * u).clamp(min=0)
    root = torch.sqrt(envelope + 1e-6)
    curve = 0.085 + 0.055 * k["smile"].clamp(min=0)
    line_y = k["mouth_y"] + k["smile"] * curve * (u * u - 0.35).clamp(-0.4, 1.2)
    # The jaw moves more than the upper lip: two thirds of the gap open downwards.
    gap = 0.085 * k["mouth_open"] * envelope
    bow = 1 - 0.22 * bump(u, 0.13) + 0.10 * bump(u.abs() - 0.28, 0.16)
    taper = 0.55 + 0.45 * root
    inner_top, inner_bottom = line_y + gap * 0.35, line_y - gap * 0.75
    top = inner_top + 0.072 * k["lip_fullness"] * bow * root * taper
    bottom = inner_bottom - 0.088 * k["lip_fullness"] * envelope * taper
    return LipEdges(line_y, top, inner_top, inner_bottom, bottom, envelope)


def mouth(x: Tensor, y: Tensor, k: Shape) -> Mouth:
    """Where lips and mouth lie on the front of the face."""
    line_y, top, inner_top, inner_bottom, bottom, envelope = lip_edges(x / k["mouth_half"], k)
    return Mouth(
        upper=torch.minimum(top - y, y - inner_top),
        lower=torch.minimum(y - bottom, inner_bottom - y),
        inside=torch.minimum(inner_top - y, y - inner_bottom),
        line_y=line_y,
        envelope=envelope,
    )


class Eyelids(NamedTuple):
    """Coordinates along and across an eye in units of its radius, and the edges of its lids."""

    along: Tensor
    across: Tensor
    upper: Tensor
    lower: Tensor


def eyelids(abs_x: Tensor, y: Tensor, k: Shape) -> Eyelids:
    """The almond between the lids; `abs_x` folds both eyes onto one."""
    ex, ey = abs_x - k["eye_x"], y - k["eye_y"]
    cos, sin = torch.cos(k["eye_tilt"]), torch.sin(k["eye_tilt"])
    along = (ex * cos + ey * sin) / k["eye_radius"]
    across = (-ex * sin + ey * cos) / k["eye_radius"]
    return Eyelids(along, across, *lid_edges(along, k))


def lid_edges(along: Tensor, k: Shape) -> tuple[Tensor, Tensor]:
    """Edges of the upper and the lower lid at places along the eye, in units of its radius."""
    # Parabolas that meet at the corners; beyond those they have crossed, which keeps it shut.
    arch = (1 - (along / 0.93) ** 2).clamp(min=-0.5)
    upper = k["upper_lid"] * arch * (1 - 0.10 * along) - 0.02
    return upper, -k["lower_lid"] * arch - 0.02


def beard_zone(abs_x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """1 on the part of the face where a full beard grows, 0 elsewhere."""
    edge = y - 0.55 * (abs_x - 0.25).clamp(min=0)
    return smoothstep(-0.44, -0.61, edge) * smoothstep(-0.15, 0.1, z)


def nose_tip_y(k: Shape) -> Tensor:
    """Height of the nose tip."""
    return -0.315 - k["nose_length"]


def nose(x: Tensor, abs_x: Tensor, y: Tensor, z: Tensor, k: Shape) -> Tensor:
    """Bridge, tip, wings and nostrils."""
    width, up = k["nose_width"], k["nose_up"]
    tip_y = nose_tip_y(k)
    tip_z = 0.90 + 0.3 * up + 0.3 * k["nose_length"]
    bridge_end = (0.0, tip_y + 0.06 + up * 0.4, tip_z - 0.075)
    d = capsule(x / (0.5 + 0.5 * width), y, z, (0.0, 0.10, 0.615), bridge_end, 0.052, 0.078)
    d = union(d, ellipsoid(x, y - tip_y - up, z - tip_z + 0.04, 0.098 * width, 0.088, 0.105), 0.07)
    wing = ellipsoid(
        abs_x - 0.112 * width, y - tip_y + 0.015, z - 0.745, 0.062 * width, 0.062, 0.085
    )
    d = union(d, wing, 0.06)
    nostril = ellipsoid(
        abs_x - 0.055 * width, y - tip_y + 0.085 - up * 0.5, z - tip_z + 0.10,
        0.034 * width, 0.035, 0.055,
    )  # fmt: skip
    return subtraction(d, nostril, 0.03)


def skull(x: Tensor, abs_x: Tensor, y: Tensor, z: Tensor, k: Shape) -> Tensor:
    """Cranium, face, jaw, chin, cheeks, brow ridges and sockets; no nose, lips or lids."""
    width, length = k["head_width"], k["face_length"]
    d = ellipsoid(x, y - 0.30, z + 0.10, 0.735 * width, 0.72, 0.85)
    d = union(d, ellipsoid(x, y + 0.20 * length, z - 0.10, 0.60 * width, 0.78 * length, 0.60), 0.22)
    d = union(
        d, ellipsoid(x, y + 0.58 * length, z - 0.17, 0.455 * k["jaw_width"], 0.36, 0.45), 0.20
    )
    chin_y = (y + 0.86 * length + 0.02 * k["chin"]) * 0.95
    d = union(
        d, sphere(x, chin_y, z - 0.46 - 0.04 * k["chin"], 0.115 + 0.02 * k["jaw_width"]), 0.24
    )
    cheek = ellipsoid(
        abs_x - 0.37, y + 0.27 - 0.04 * k["smile"], z - 0.44,
        0.20 + 0.02 * k["cheek"], 0.16 + 0.01 * k["cheek"],
        0.21 + 0.025 * k["cheek"] + 0.03 * k["smile"].clamp(min=0),
    )  # fmt: skip
    d = union(d, cheek, 0.20)
    ridge = ellipsoid(
        abs_x - 0.25, y - 0.20 - 0.3 * (k["brow_y"] - 0.235), z - 0.56, 0.24, 0.085, 0.13
    )
    d = union(d, ridge, 0.16)
    socket = ellipsoid(abs_x - k["eye_x"], y - k["eye_y"], z - 0.76, 0.19, 0.115, 0.13)
    return subtraction(d, socket, 0.13)


def relief(abs_x: Tensor, y: Tensor, z: Tensor, lips: Mouth, k: Shape) -> Tensor:
    """How far lips, mouth and beard move the skin; to be added to the distance of the face."""
    # Only on the face: the mouth's coordinates are those of a plane, which also cuts the nape.
    front = smoothstep(0.2, 0.45, z)
    above, below = y - lips.line_y - 0.03, y - lips.line_y + 0.045
    swell = torch.sqrt(lips.envelope + 1e-4) * (0.8 * bump(above, 0.05) + bump(below, 0.05))
    seam = bump(y - lips.line_y, 0.014) * lips.envelope
    opening = smoothstep(-0.004, 0.02, lips.inside) * (abs_x < k["mouth_half"]).to(y.dtype)
    dimple = torch.exp(
        -(((abs_x - k["mouth_half"] - 0.02) / 0.03) ** 2) - ((y - lips.line_y) / 0.04) ** 2
    ) * (1 + k["smile"])
    moved = -0.050 * k["lip_fullness"] * swell + 0.03 * seam + 0.10 * opening + 0.012 * dimple
    return front * moved - 0.035 * k["beard"] * beard_zone(abs_x, y, z)


class HeadParts(NamedTuple):
    """Distances of the skin, the nose alone (for its label), the eyeballs and the ears."""

    skin: Tensor
    nose: Tensor
    eye: Tensor
    ear: Tensor


def head(x: Tensor, y: Tensor, z: Tensor, k: Shape) -> HeadParts:
    """The bare head."""
    abs_x = torch.sqrt(x * x + 4e-4)  # folded without a crease at the middle
    d_nose = nose(x, abs_x, y, z, k)
    d = union(skull(x, abs_x, y, z, k), d_nose, 0.085)
    d = d + relief(abs_x, y, z, mouth(x, y, k), k)
    # Lids: a shell around the eyeball, opened along the almond.
    radius = k["eye_radius"]
    ex, ey, ez = abs_x - k["eye_x"], y - k["eye_y"], z - 0.475
    lids = eyelids(abs_x, y, k)
    opening = torch.maximum(lids.across - lids.upper, lids.lower - lids.across) * radius * 0.62
    eyeball = sphere(ex, ey, ez, radius)
    shell = subtraction(sphere(ex, ey, ez, radius + 0.021), opening, 0.012)
    d = union(d, intersection(shell, 0.30 - z, 0.02), 0.045)
    hollow = torch.maximum(
        opening, ellipsoid(ex, ey, ez - 0.02, radius, radius * 0.9, radius + 0.02)
    )
    d = subtraction(d, hollow, 0.012)
    return HeadParts(skin=d, nose=d_nose, eye=eyeball, ear=_ear(abs_x, y, z, k))


def _ear(abs_x: Tensor, y: Tensor, z: Tensor, k: Shape) -> Tensor:
    size = k["ear_size"]
    qx, qy, qz = abs_x - 0.735 * k["head_width"] - 0.02, y + 0.06, z + 0.06
    tx, tz = qx * 0.88 - qz * 0.47, qx * 0.47 + qz * 0.88  # leans away from the skull
    d = ellipsoid(tx, qy, tz, 0.055, 0.205 * size, 0.125 * size)
    return subtraction(
        d, ellipsoid(tx - 0.06, qy - 0.02, tz - 0.025, 0.05, 0.13 * size, 0.075 * size), 0.03
    )


def hair(x: Tensor, y: Tensor, z: Tensor, skin: Tensor, k: Shape) -> Tensor:
    """Cap, side and back volumes, strands and curls, with a window for the face."""
    width, volume, long = k["head_width"], k["hair_volume"], k["hair_length"]
    abs_x = torch.sqrt(x * x + 4e-4)
    d = ellipsoid(
        x, y - 0.31 - 0.25 * volume, z + 0.15,
        0.70 * width + volume * 0.85, 0.71 + volume * 0.9, 0.83 + volume * 0.8,
    )  # fmt: skip
    falls = smoothstep(0.12, 0.45, long)  # 0 for short hair, 1 for hair that falls on the shoulders
    side_x = 0.60 + 0.5 * volume + 0.10 * long
    sides = capsule(
        abs_x, y, z, (0.52, 0.28, -0.12), (side_x, -0.15 - 1.25 * long, -0.10 + 0.02 * long),
        0.20 + volume * 0.3, 0.10 + 0.55 * volume + 0.10 * long,
    )  # fmt: skip
    back = ellipsoid(
        x, y + 0.1 + 0.62 * long, z + 0.50,
        0.60 + 0.5 * volume + 0.1 * long, 0.62 + 0.78 * long, 0.30 + 0.3 * volume,
    )  # fmt: skip
    # Short hair has no sides and back: they sink into the cap as `falls` goes to 0.
    falling = union(d, torch.minimum(sides, back) + (1 - falls) * 0.25, 0.14)
    d = torch.where(falls > 0, falling, d)
    d = d - _strands(x, y, z, k)
    # Wherever hair may grow it covers the skull, so that no bone pokes through thin hair.
    hairline = torch.maximum(0.06 - y + 0.55 * (z - 0.1).clamp(min=0), z - 0.62)
    d = torch.minimum(d, torch.maximum(skin - 0.03, hairline))
    d = subtraction(d, _face_window(x, abs_x, y, z, falls, k), 0.05)
    # The neck's front stays free under the chin.
    throat = -torch.minimum(z + 0.26, torch.minimum(0.40 - abs_x, -0.66 - y))
    return subtraction(d, throat, 0.06) + (1 - k["has_hair"]) * FAR_AWAY


def _strands(x: Tensor, y: Tensor, z: Tensor, k: Shape) -> Tensor:
    """Relief of straight strands and of curls.

    Strands run along meridians, which meet at the head's axis: there they fade out, or the relief
    would be steeper than the march can follow and leave specks.
    """
    px, pz = x - 0.22 * k["part"], z + 0.25
    azimuth = torch.atan2(px, pz)
    away = smoothstep(0.30, 0.62, torch.sqrt(px * px + pz * pz + 1e-6))
    strand = torch.sin(azimuth * 17 + k["strand_phase"] + 1.5 * y) + 0.7 * torch.sin(
        azimuth * 31 + k["curl_phase"] - 2 * y
    )
    curl = (
        torch.sin(9.5 * x + k["strand_phase"] + 2 * torch.sin(5 * y))
        * torch.sin(9 * y + k["curl_phase"])
        * torch.sin(9.5 * z + k["strand_phase"])
    )
    straight = 0.013 * strand * away * (1 - k["curl"])
    return straight + (0.012 + 0.050 * k["curl"]) * curl * k["curl"]


def _face_window(x: Tensor, abs_x: Tensor, y: Tensor, z: Tensor, falls: Tensor, k: Shape) -> Tensor:
    """The space before the face, the temples and the ears that hair leaves free."""
    top = 0.66 - 0.40 * k["fringe"] + 0.28 * k["part"] * x
    face = ellipsoid(
        x, y - top + 1.15, z - 0.86, 0.575 * k["head_width"] - 0.05 * falls, 1.15,
        0.80 + 0.06 * (1 - falls),
    )  # fmt: skip
    temples = ellipsoid(abs_x - 0.40, y - 0.10, z - 0.66, 0.20, 0.24, 0.30)
    ears = ellipsoid(abs_x - 0.80, y + 0.16, z - 0.02, 0.26, 0.30, 0.30) + 0.5 * falls
    return torch.minimum(union(face, temples, 0.06), ears)


class BodyParts(NamedTuple):
    """Distances of neck and clothes, world frame."""

    neck: Tensor
    cloth: Tensor


def body(x: Tensor, y: Tensor, z: Tensor, k: Shape) -> BodyParts:
    """Neck, shoulders and a collar that may be V-shaped. World coordinates."""
    radius = k["neck_radius"]
    neck = capsule(
        x, y, z, (0.55 * k["head_x"], -0.55, -0.10), (0.0, -1.55, -0.33),
        radius * 0.98, radius * 1.04,
    )  # fmt: skip
    torso = ellipsoid(x, y + 2.45, z + 0.35, 1.25 * k["shoulders"], 1.05, 0.60)
    shoulder = capsule(
        torch.sqrt(x * x + 1e-3), y, z, (0.0, -1.62, -0.35), (1.05 * k["shoulders"], -1.92, -0.35),
        0.26, 0.30,
    )  # fmt: skip
    torso = union(torso, shoulder, 0.30)
    below = capsule(x, y, z, (0.0, -2.4, -0.35), (0.0, -6.0, -0.35), 1.0, 1.1)
    torso = union(torso, below * 0.9, 0.35)  # only ever seen in scenes wider than a portrait
    neck = union(neck, torso + 0.015, 0.20)
    # The opening of the collar: a cylinder around the neck, narrowed to a V at the front.
    v_neck = (z + 0.2).clamp(min=0) * (x.abs() * 1.1) * (k["collar"] > 0.6).to(x.dtype)
    from_neck = torch.sqrt(x * x + (z + 0.30) ** 2 + 1e-9) - radius * 1.16 - 0.05
    ring = from_neck - 0.16 * k["collar"] + v_neck
    hem = torch.sqrt(ring * ring + torso * torso + 1e-9) - 0.052
    return BodyParts(neck, union(intersection(torso - 0.012, -ring, 0.02), hem, 0.04))
