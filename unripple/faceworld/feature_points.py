"""Points of a head that mean the same in every person: lip edges, lids, brows, nose, outline.

How they move when a factor changes is the true motion of a change of shape, which correspondence by
pose alone does not know. All in the frame of the unturned head: x to the picture's right, y up,
z to the camera, world units.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from unripple.faceworld import anatomy
from unripple.faceworld.factors import FACTORS, INDEX
from unripple.faceworld.paint import BROW_REACH, IRIS, brow_line
from unripple.faceworld.shape import Shape, shape_from_factors

LIP_EDGES, ALONG_LIPS = 4, 15
"""The first points of the mouth: top, upper and lower inner edge, and bottom of the lips, each from
the corner at the picture's left to the other one."""
PARTS = ("mouth", "eyes", "brows", "nose", "outline", "face", "still")
"""Kinds of points; `still` are those that no factor of shape moves."""

_MARCH, _MARCH_STEP, _START_Z = 40, 0.9, 1.05
_BISECTIONS = 13
_UPPERMOST = 0.25  # height at which the outline begins, at the temples
_OUTLINE = 18
_INNER = (0.62, 0.84)  # shares of the outline's half width at which the cheeks are sampled


class FeaturePoints(NamedTuple):
    """The points of a batch of heads.

    Attributes:
        place: float32 [B, P, 3].
        part: index into `PARTS` of every point, int64 [P].
    """

    place: Tensor
    part: Tensor


@torch.no_grad()
def feature_points(factors: Tensor) -> FeaturePoints:
    """Find the points of heads, bald and without what they wear.

    Args:
        factors: float32 [B, len(FACTORS)]; pose and hair have no say.
    """
    bare = factors.clone()
    for name in ("yaw", "pitch", "roll", "beard", "moustache", "glasses", "hat"):
        bare[:, INDEX[name]] = 0
    k = shape_from_factors(bare, torch.zeros(len(bare), 3))
    groups: list[tuple[str, Tensor, Tensor, Tensor | None]] = [
        *_mouth(k),
        *_eyes(k),
        *_brows(k),
        *_nose(k),
        *_outline(k),
        *_face(k),
    ]
    batch = k["chin"].shape[0]
    x, y = (
        torch.cat([(one + 0 * other).expand(batch, -1) for one, other in pairs], dim=1)
        for pairs in ([(g[1], g[2]) for g in groups], [(g[2], g[1]) for g in groups])
    )
    z = surface_z(x, y, k)
    parts, start = [], 0
    for part, places, other, given in groups:
        count = max(places.shape[1], other.shape[1])
        if given is not None:  # the outline's: the surface's depth jumps there
            z[:, start : start + count] = given
        parts += [PARTS.index(part)] * count
        start += count
    return FeaturePoints(torch.stack((x, y, z), dim=-1), torch.tensor(parts))


def mean_factors(count: int = 1) -> Tensor:
    """The average head, float32 [count, len(FACTORS)]."""
    return torch.zeros(count, len(FACTORS))


def surface_z(x: Tensor, y: Tensor, k: Shape) -> Tensor:
    """Depth of the front of bare heads at places [B, N]."""
    z = torch.full_like(x, _START_Z)
    for _ in range(_MARCH):  # along the line of sight
        z = z - _MARCH_STEP * _distance(x, y, z, k).clamp(min=0)
        z = z.clamp(min=-0.4)
    return z


_Group = tuple[str, Tensor, Tensor, Tensor | None]
"""Part, x and y, [B, N] each, and z, or None for that of the surface."""


def _distance(x: Tensor, y: Tensor, z: Tensor, k: Shape) -> Tensor:
    parts = anatomy.head(x, y, z, k)
    return torch.minimum(parts.skin, parts.eye)


def _both(part: str, x: Tensor, y: Tensor, z: Tensor | None = None) -> Iterator[_Group]:
    """Points on the picture's right, and their mirror images."""
    yield part, x, y, z
    yield part, -x, y, z


def _steps(low: float, high: float, count: int) -> Tensor:
    return torch.linspace(low, high, count)[None]


def _mouth(k: Shape) -> Iterator[_Group]:
    u = _steps(-1, 1, ALONG_LIPS)
    edges = anatomy.lip_edges(u, k)
    x = u * k["mouth_half"]
    for height in (edges.top, edges.inner_top, edges.inner_bottom, edges.bottom):
        yield "mouth", x, height, None
    # The crease between lip and chin, and the furrow below the nose, go along with the line between
    # the lips, but stay where they are when lips get fuller or part: a beard does not slide.
    few = _steps(-0.7, 0.7, 5)
    line_y = anatomy.lip_edges(few, k).line_y
    for up in (-0.155, 0.13):
        yield "mouth", few * k["mouth_half"], line_y + up, None


def _eyes(k: Shape) -> Iterator[_Group]:
    radius = k["eye_radius"]
    cos, sin = torch.cos(k["eye_tilt"]), torch.sin(k["eye_tilt"])

    def at(along: Tensor, across: Tensor) -> tuple[Tensor, Tensor]:
        x = k["eye_x"] + radius * (along * cos - across * sin)
        return x, k["eye_y"] + radius * (along * sin + across * cos)

    along = _steps(-0.93, 0.93, 11)
    upper, lower = anatomy.lid_edges(along, k)
    for across in (upper, lower, upper + 0.25, lower - 0.22):
        yield from _both("eyes", *at(along, across))
    # The ball does not move with its lids: its iris stays round.
    angle = _steps(0, 2 * torch.pi, 5)[:, :4]
    yield from _both("eyes", k["eye_x"], k["eye_y"])
    ring = IRIS * radius
    sides = torch.cos(angle[:, ::2]) * ring  # top and bottom are under the lids
    yield from _both("eyes", k["eye_x"] + sides, k["eye_y"] + 0 * sides)


def _brows(k: Shape) -> Iterator[_Group]:
    along = _steps(-1, 1, 9)
    middle, half = brow_line(along, k)
    x = k["eye_x"] + 0.005 + BROW_REACH * along
    for height in (middle - half, middle, middle + half):
        yield from _both("brows", x, height)


def _nose(k: Shape) -> Iterator[_Group]:
    width, up, tip_y = k["nose_width"], k["nose_up"], anatomy.nose_tip_y(k)
    yield "nose", 0 * tip_y, tip_y + up, None
    # Places of `anatomy.nose`: the tip's ellipsoid, the wings', the nostrils', the bridge.
    yield from _both("nose", 0.098 * width, tip_y + up)
    yield "nose", 0 * tip_y, tip_y + up - 0.088, None
    yield from _both("nose", 0.174 * width, tip_y - 0.015)
    yield from _both("nose", 0.15 * width, tip_y - 0.065)
    yield from _both("nose", 0.15 * width, tip_y + 0.04)
    yield from _both("nose", 0.055 * width, tip_y - 0.085 + 0.5 * up)
    for down, half in ((0.0, 0.057), (0.35, 0.062), (0.7, 0.072)):
        # Shares of the way from the root to the tip.
        height = 0.08 + down * (tip_y + 0.06 + 0.4 * up - 0.08)
        yield from _both("nose", half * (0.5 + 0.5 * width), height)
        yield "nose", 0 * tip_y, height, None
    yield from _both("still", 0.11 + 0 * tip_y, 0.08 + 0 * tip_y)


def _outline(k: Shape) -> Iterator[_Group]:
    """The bare outline from the temples to the chin, and the cheeks and jaw within it."""
    chin = _chin_y(k)
    share = _steps(0, 0.985, _OUTLINE)
    y = _UPPERMOST + share * (chin - _UPPERMOST)
    x = _half_width(y, k)
    # Where along the line of sight an outline lies is no property of the skin: about there.
    yield from _both("outline", x, y, 0.45 * share**2)
    for inner in _INNER:
        lower = slice(_OUTLINE // 3, None)
        yield from _both("face", inner * x[:, lower], y[:, lower])
    yield "outline", 0 * chin, chin, torch.full_like(chin, 0.45)


def _face(k: Shape) -> Iterator[_Group]:
    length, zero = k["face_length"], 0 * k["chin"]
    chin_y = -0.86 * length - 0.02 * k["chin"]
    yield "face", zero, chin_y, None
    yield from _both("face", zero + 0.09, chin_y)
    # The apple of the cheek.
    for dx, dy in ((0.0, 0.0), (0.09, 0.0), (-0.09, 0.0), (0.0, 0.09), (0.0, -0.09)):
        yield from _both("face", zero + 0.37 + dx, -0.27 + dy + 0.04 * k["smile"])
    ear = 0.735 * k["head_width"] + 0.02
    for dy in (-0.18, 0.0, 0.18):
        height = -0.06 + dy * k["ear_size"]
        yield from _both("outline", ear, height, torch.full_like(ear, -0.06))
    for x in (0.0, 0.18, 0.38):
        for up in (0.40, 0.52):
            yield from _both("still", zero + x, zero + up)
    yield from _both("still", zero + 0.53, zero + 0.02)
    yield from _both("still", zero + 0.30, zero - 0.14)


def _half_width(y: Tensor, k: Shape) -> Tensor:
    """Where the outline of bare heads lies at some heights, [B, N]."""
    depths = torch.linspace(-0.5, 0.7, 31)
    low, high = torch.zeros_like(y), torch.full_like(y, 1.2)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        inside = _nearest(middle, y, depths, k) < 0
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return (low + high) / 2


def _chin_y(k: Shape) -> Tensor:
    """The lowest point of the front of bare heads, [B, 1]."""
    depths = torch.linspace(0.1, 0.7, 21)
    low = torch.full_like(k["chin"], -1.4)
    high = torch.full_like(low, -0.6)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        inside = _nearest(torch.zeros_like(middle), middle, depths, k) < 0
        low, high = torch.where(inside, low, middle), torch.where(inside, middle, high)
    return (low + high) / 2


def _nearest(x: Tensor, y: Tensor, depths: Tensor, k: Shape) -> Tensor:
    """The least distance to the head along lines of sight, [B, N]."""
    count = len(depths)
    columns = [axis.repeat_interleave(count, dim=1) for axis in (x, y)]  # [B, N * D]
    z = depths.repeat(x.shape[1])[None].expand_as(columns[0])
    skin = anatomy.head(columns[0], columns[1], z, k).skin.view(*x.shape, count)
    least: Tensor = skin.min(dim=-1).values
    return least
