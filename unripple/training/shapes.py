"""Learn how a head's points move when its shape changes, from true pairs of the face world.

For every word of `WORDS` the feature points of many people before and after the change are
compared; their displacement is fitted by a degree and its square, and spread over the mean head's
surface and over the points of the face mesh net.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.interpolate import RBFInterpolator
from torch import Tensor

from unripple import atomic, faceworld
from unripple.conventions import BadCheckpoint, Floats
from unripple.faceworld.camera import CAMERA_HEIGHT, CAMERA_Z, PORTRAIT_HALF
from unripple.faceworld.factors import FACTORS, INDEX, sample_factors, with_factors
from unripple.faceworld.feature_points import (
    ALONG_LIPS,
    LIP_EDGES,
    PARTS,
    feature_points,
    mean_factors,
    surface_z,
)
from unripple.faceworld.shape import Shape, shape_from_factors
from unripple.ops import mesh as mesh_points
from unripple.zoo.directions import Direction, write_directions
from unripple.zoo.pixel_directions import SHAPE, shapes_file

log = logging.getLogger(__name__)


class Word(NamedTuple):
    """What one degree of a direction is.

    Attributes:
        factors: by how much it changes which factors.
        attribute: what more of it looks like.
        usable: degrees that convince on photographs, see docs/how-to/shape-and-colour.md.
    """

    factors: Mapping[str, float]
    attribute: str
    usable: tuple[float, float]


_SIGNED, _AMOUNT = 2 / 3, 1 / 3  # thirds of the ranges

WORDS: Mapping[str, Word] = {
    "smile": Word({"smile": _SIGNED}, "corners of the mouth up", (-1.0, 1.5)),
    "mouth_open": Word({"mouth_open": _AMOUNT}, "mouth open", (-1.5, 2.0)),
    "eyes": Word({"eye_open": _SIGNED}, "eyes wide open", (-1.2, 1.2)),
    "eye_size": Word({"eye_size": _SIGNED}, "large eyes", (-2.0, 2.5)),
    "eye_gap": Word({"eye_gap": _SIGNED}, "eyes far apart", (-1.5, 1.5)),
    "eye_tilt": Word({"eye_tilt": _SIGNED}, "outer corners of the eyes raised", (-1.5, 1.5)),
    "brows": Word({"brow_raise": _SIGNED}, "raised brows", (-1.0, 1.5)),
    "brow_tilt": Word({"brow_tilt": _SIGNED}, "inner ends of the brows raised", (-1.5, 1.5)),
    "nose_width": Word({"nose_width": _SIGNED}, "wide nose", (-1.5, 1.5)),
    "nose_length": Word({"nose_length": _SIGNED}, "long nose", (-1.2, 1.5)),
    "nose_up": Word({"nose_up": _SIGNED}, "turned-up nose", (-1.5, 1.5)),
    "nose_point": Word(
        {"nose_width": -0.42, "nose_length": 0.47}, "thin and long, pointed nose", (-1.5, 1.5)
    ),
    "lips": Word({"lip_fullness": _SIGNED}, "full lips", (-2.0, 2.0)),
    "mouth_width": Word({"mouth_width": _SIGNED}, "wide mouth", (-1.5, 1.5)),
    "cheeks": Word({"cheek": _SIGNED}, "full cheeks", (-2.0, 2.0)),
    "double_chin": Word(
        {"cheek": 0.47, "jaw_width": 0.53, "neck_width": 0.53}, "full jaw and chin", (-1.5, 1.8)
    ),
    "jaw": Word({"jaw_width": _SIGNED}, "wide jaw", (-1.5, 1.5)),
    "chin": Word({"chin": _SIGNED}, "chin forward and low", (-2.0, 2.0)),
    "face_width": Word({"head_width": _SIGNED}, "wide face", (-2.0, 2.0)),
    "face_length": Word({"face_length": _SIGNED}, "long face", (-1.5, 1.5)),
    "age": Word(
        {"lip_fullness": -_AMOUNT, "cheek": -_AMOUNT}, "older: thinner lips and cheeks", (-1.5, 2.0)
    ),
    # What tells men from women in faces at rest, as far as the world has it: jaw and chin, brows
    # and how near to the eyes they are, nose, lips, eyes (Burton, Bruce, Dench 1993).
    "gender": Word(
        {
            **{"jaw_width": 0.37, "chin": 0.3, "brow_thickness": 0.43, "brow_height": -0.3},
            **{"nose_width": 0.2, "lip_fullness": -0.27, "eye_size": -0.23},
        },
        "more masculine: jaw, chin, brows, lips and eyes",
        (-2.0, 2.0),
    ),
}
UNIT = "a third of the attribute's range"

DEGREES = (-1.4, -0.7, 0.7, 1.4)
BEND = 0.02
"""Share of the displacement's energy at one degree from which the square counts."""
LIP_ARCS = (
    mesh_points.UPPER_LIP_TOP,
    (78, *mesh_points.UPPER_LIP_EDGE, 308),
    mesh_points.LOWER_LIP_EDGE,
    (61, *mesh_points.LOWER_LIP_BOTTOM, 291),
)
"""Points of the face mesh along the edges of `feature_points.LIP_EDGES`; corners go with one."""
_PARTED = 0.005  # by which the mean head's closed lips are parted, so that each has its own motion
_PARTS = 1e-3  # head units between the lips' inner edges from which an edit parts them
_AT_LIPS = (
    0.03  # beside the lips: no other points, which would spread one lip's motion to the other
)
_SPACING = 0.025  # of the points on the mean head
_ANCHORS = ((0.6, 0.6), (-0.6, 0.6), (0.0, 0.85), (0.3, 0.75), (-0.3, 0.75))
_SMOOTHING = 1e-4
_MESH_FACES, _MESH_PX = 3, 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("--out", type=Path, default=shapes_file(), help="the file to write")
    parser.add_argument("--people", type=int, default=16, help="people to learn from")
    parser.add_argument("--held-out", type=int, default=16, help="people to evaluate on")
    parser.add_argument("--seed", type=int, default=2000, help="of the people")


def main(chosen: argparse.Namespace) -> int:
    """Write the directions, and beside them the card with figures on people never seen."""
    mesh = mesh_on_head(chosen.seed)
    support = np.concatenate((off_lips(surface_points()), mesh))
    directions, rows = [], []
    unseen = sample_factors(chosen.held_out, chosen.seed + 1)
    for name, word in WORDS.items():
        people = sample_factors(chosen.people, chosen.seed)
        fitted = fit(word, people)
        field = spread(fitted, support)
        field[-len(mesh) :] = with_lips(field[-len(mesh) :], mesh, fitted)
        bends = bool(np.any(fitted[:, 3:]))
        vector = np.concatenate((support, field if bends else field[:, :3]), axis=1)
        directions.append(Direction(name, vector, word.usable, UNIT, word.attribute, way=SHAPE))
        rows.append((name, word, bends, evaluate(fitted, word, unseen)))
        log.info("%s: %.1f%% of the motion of unseen people", name, 100 * rows[-1][-1])
    write_directions(chosen.out, directions, half=True)
    atomic.write_text(chosen.out.with_suffix(".md"), card(rows, chosen, len(support)))
    return 0


def fit(word: Word, people: Tensor) -> Floats:
    """Displacement of the feature points per degree and per square of a degree, [P, 6].

    Args:
        word: what changes.
        people: factors [B, K]; those that the word changes are drawn anew, within their ranges.
    """
    steps, moved = zip(*[displacement(word, people, d) for d in DEGREES], strict=True)
    degrees = torch.cat(steps)
    design = torch.stack((degrees, degrees**2), dim=1).double()
    observed = torch.cat(moved).flatten(1).double()  # [D * B, P * 3]
    solution = torch.linalg.lstsq(design, observed).solution  # [2, P * 3]
    linear, square = (row.view(-1, 3).numpy() for row in solution)
    if (square**2).sum() < BEND * (linear**2).sum():
        alone = torch.linalg.lstsq(design[:, :1], observed).solution
        linear, square = alone[0].view(-1, 3).numpy(), 0 * square
    return np.concatenate((linear, square), axis=1)


def displacement(word: Word, people: Tensor, degree: float) -> tuple[Tensor, Tensor]:
    """By how many degrees people change, [B], and where their points go, [B, P, 3]."""
    generator = torch.Generator().manual_seed(round(1000 * (degree + 10)))
    before, after = {}, {}
    for factor, by in word.factors.items():
        low = 0.0 if FACTORS[INDEX[factor]].kind == "amount" else -1.0
        room = max(1.0 - low - abs(degree * by), 0.0)
        first = low + torch.rand(len(people), generator=generator) * room
        before[factor] = first + max(-degree * by, 0.0)
        after[factor] = before[factor] + degree * by
    one, other = (
        feature_points(with_factors(people, **values)).place for values in (before, after)
    )
    return torch.full((len(people),), degree), other - one


def spread(fitted: Floats, support: Floats) -> Floats:
    """Displacements of the mean head's feature points at other points of it, [N, 6]."""
    mean = feature_points(mean_factors()).place[0].double().numpy()
    anchors = np.array(_ANCHORS)
    # Places and motion in the head's frame of pictures: y down.
    mean[:, 1] += _parting()
    places = np.concatenate((mean[:, :2] * (1, -1), anchors * (1, -1)))
    flipped = fitted * (1, -1, 1, 1, -1, 1)
    values = np.concatenate((flipped, np.zeros((len(anchors), 6))))
    # Points of both lids meet at their corners; a spline wants places that differ.
    places, first = np.unique(places.round(5), axis=0, return_index=True)
    spline = RBFInterpolator(places, values[first], smoothing=_SMOOTHING)
    field: Floats = spline(support[:, :2])
    return field


def _lip_rows() -> list[slice]:
    """Where the edges of the lips stand among the feature points."""
    part = feature_points(mean_factors()).part.numpy()
    first = int(np.flatnonzero(part == PARTS.index("mouth"))[0])
    starts = [first + edge * ALONG_LIPS for edge in range(LIP_EDGES)]
    return [slice(start, start + ALONG_LIPS) for start in starts]


def _parting() -> Floats:
    """By how much feature points are moved up, so that closed lips have two inner edges, [P]."""
    by = np.zeros(len(feature_points(mean_factors()).part))
    rows = _lip_rows()
    by[rows[1]], by[rows[2]] = _PARTED, -_PARTED
    return by


def mean_lips() -> list[Floats]:
    """Edges of the mean head's lips, x right, y down, z to the viewer, [ALONG_LIPS, 3] each."""
    mean = feature_points(mean_factors()).place[0].double().numpy()
    return [mean[rows] * (1, -1, 1) for rows in _lip_rows()]


def off_lips(points: Floats) -> Floats:
    """Points of the head without those on the lips, whose edges the mesh's points tell."""
    top, _, _, bottom = mean_lips()
    upper, lower = (np.interp(points[:, 0], edge[:, 0], edge[:, 1]) for edge in (top, bottom))
    beside = np.abs(points[:, 0]) > top[-1, 0] + _AT_LIPS
    kept: Floats = points[
        beside | (points[:, 1] < upper - _AT_LIPS) | (points[:, 1] > lower + _AT_LIPS)
    ]
    return kept


def with_lips(field: Floats, mesh: Floats, fitted: Floats) -> Floats:
    """How the mesh's points move, those of the lips as the edges they are on or between, [468, 6].

    Where lips part, a spline through their edges overshoots between them, by twice their motion.
    """
    moved = field.copy()
    flipped = fitted * (1, -1, 1, 1, -1, 1)
    rows, edges = _lip_rows(), mean_lips()

    def along(edge: int, x: Floats, values: Floats) -> Floats:
        columns = [np.interp(x, edges[edge][:, 0], column) for column in values.T]
        found: Floats = np.stack(columns, axis=-1)
        return found

    part = np.abs(flipped[rows[1]] - flipped[rows[2]]).max() > _PARTS
    for upper, lower in ((0, 1), (2, 3)) if part else ():
        x = mesh[:, 0]
        high, low = (along(edge, x, edges[edge][:, 1:2])[:, 0] for edge in (upper, lower))
        share = (mesh[:, 1] - high) / np.maximum(low - high, 1e-6)
        within = (np.abs(x) < edges[0][-1, 0]) & (share > 0) & (share < 1)
        one, other = (along(edge, x[within], flipped[rows[edge]]) for edge in (upper, lower))
        moved[within] = one + share[within, None] * (other - one)
    for edge, numbers in enumerate(LIP_ARCS):
        moved[list(numbers)] = along(edge, mesh[list(numbers), 0], flipped[rows[edge]])
    return moved


def on_lips(mesh: Floats) -> Floats:
    """Points of the mesh on the mean head, those of the lips on the edges that they mean: the net,
    who knows photographs, sees rendered lips a little higher."""
    laid = mesh.copy()
    for numbers, edge in zip(LIP_ARCS, mean_lips(), strict=True):
        # Along the edge as the net has them, from corner to corner.
        x = laid[list(numbers), 0]
        half = edge[-1, 0] / np.abs(laid[list(mesh_points.LIP_CORNERS), 0]).mean()
        for axis in (1, 2):
            laid[list(numbers), axis] = np.interp(x * half, edge[:, 0], edge[:, axis])
        laid[list(numbers), 0] = np.clip(x * half, edge[0, 0], edge[-1, 0])
    return laid


def evaluate(fitted: Floats, word: Word, unseen: Tensor) -> float:
    """Share of the true motion of people never seen that the fit explains, at one degree."""
    explained, whole = 0.0, 0.0
    for degree in (-1.0, 1.0):
        _, moved = displacement(word, unseen, degree)
        drawn = degree * fitted[:, :3] + degree**2 * fitted[:, 3:]
        truth = moved.double().numpy()
        whole += float((truth**2).sum())
        explained += float((truth**2).sum() - ((truth - drawn) ** 2).sum())
    return explained / whole


def surface_points() -> Floats:
    """Points of the mean head's front, x right, y down, z to the viewer, float64 [N, 3]."""
    k = _mean_shape()
    columns, rows = np.arange(-0.8, 0.81, _SPACING), np.arange(-1.02, 0.8, _SPACING)
    x, y = (
        torch.tensor(axis.ravel()[None], dtype=torch.float32) for axis in np.meshgrid(columns, rows)
    )
    z = surface_z(x, y, k)
    front = z > -0.15
    points: Floats = torch.stack((x, -y, z), dim=-1)[front].double().numpy()
    return points


def _mean_shape() -> Shape:
    return shape_from_factors(mean_factors(), torch.zeros(1, 3))


def mesh_on_head(seed: int) -> Floats:
    """Where the face mesh net sees its 468 points on the mean head, as `surface_points`.

    Raises:
        BadCheckpoint: that net is not here.
    """
    from unripple.ops.mesh import mesh_of
    from unripple.zoo.zoo import Zoo

    zoo = Zoo()
    if not zoo.has("mesh_judge"):
        raise BadCheckpoint(
            "training shapes: the face mesh net is not here; run `unripple models fetch packaged`"
        )
    judge = zoo.load("mesh_judge")
    looks = sample_factors(_MESH_FACES, seed)
    geometry = [one.name for one in FACTORS[:3] + FACTORS[7:33]]
    plain = dict.fromkeys((*geometry, "glasses", "hat", "beard", "moustache"), 0.0)
    rendered = faceworld.render(
        with_factors(looks, **plain), torch.arange(_MESH_FACES), size=_MESH_PX
    )
    meshes = [
        mesh_of(
            np.ascontiguousarray(photo.permute(1, 2, 0).numpy()),
            judge.net,
            points.double().numpy(),
            size_px=judge.size_px,
        )[:, :2]
        for photo, points in zip(rendered.photo, rendered.landmarks, strict=True)
    ]
    return on_lips(_on_surface(np.median(meshes, axis=0)))


def _on_surface(places: Floats) -> Floats:
    """Places in an unturned portrait, px, on the mean head's surface."""
    per_px = 2 * PORTRAIT_HALF / _MESH_PX
    across = (places - _MESH_PX / 2) * (per_px, -per_px)
    k, z = _mean_shape(), np.full(len(places), 0.6)
    for _ in range(4):  # how near a point is decides where its ray meets the head
        near = (CAMERA_Z - z)[:, None] / CAMERA_Z
        head = across * near + (0.0, CAMERA_HEIGHT)
        x, y = (torch.tensor(head[:, axis][None], dtype=torch.float32) for axis in (0, 1))
        z = surface_z(x, y, k)[0].double().numpy()
    return np.column_stack((head * (1, -1), z))


def card(rows: list[Any], chosen: argparse.Namespace, count: int) -> str:
    """What the file is, and how good."""
    lines = [
        "# Directions of shape",
        "",
        f"How {count} points of the mean head, the last 468 of which are the face mesh's, move per "
        f"degree. Learned from {chosen.people} people of the face world and evaluated on "
        f"{chosen.held_out} others (`python -m unripple.training shapes`): the share of the true "
        "motion of their feature points that the fit explains, at one degree either way. A bend "
        "is a part that grows with the square of the degree.",
        "",
        "| direction | more of it | one degree | usable | bend | explained |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, word, bent, share in rows:
        degree = ", ".join(f"{factor} {by:+.2f}" for factor, by in word.factors.items())
        low, high = word.usable
        lines.append(
            f"| {name} | {word.attribute} | {degree} | {low:g} to {high:g} | "
            f"{'yes' if bent else ''} | {share:.3f} |"
        )
    return "\n".join(lines) + "\n"
