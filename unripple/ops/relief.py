"""How far before its head's centre every pixel of a person lies: a relief from masks and a head.

On the face the mean head tells. Elsewhere (hair, ears, neck) the relief is inflated from the
outline: its square solves a Poisson equation that is 0 on the silhouette, so that it rises
steeply behind the rim and flattens inside, as round things do.

Source of the idea: Johnston 2002, "Lumo"; Prasad and Fitzgibbon 2006, "Single view reconstruction
of curved surfaces".
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import sparse
from scipy.interpolate import LinearNDInterpolator
from scipy.sparse.linalg import spsolve

from unripple.conventions import Floats, Mask
from unripple.ops.head import Head, HeadPose, Points3D
from unripple.ops.masks import distance_to
from unripple.ops.membrane import membrane

GRID = 112
"""Side of the grid on which the equation is solved; the relief is smooth, so more shows nothing."""
INFLATION = 2.2
"""The Poisson equation's source: how fast the inside rises."""
_FACE_REACH = 1.0
"""Share of the face's half width that the mean head is believed on."""
_RISE = 0.5
"""How steeply hair may rise beside the face, px of depth per px."""
_BROAD = 0.45
"""Reach of what counts as a face's large shape, without its nose, in half widths of the face."""
_HIGHEST = 1.5
"""No point lies farther before the centre than this, in half widths of the face."""


def relief(person: Mask, pose: HeadPose, head: Head) -> Floats:
    """Find the depth of a person's head and neck.

    Args:
        person: bool [S, S].
        pose: of the head in the picture.
        head: the mean head.

    Returns:
        float32 [S, S], px towards the viewer, 0 at the head's centre and outside the person.
    """
    size = person.shape[0]
    grid = min(GRID, size)
    shrink = grid / size
    # Solved on a coarse grid: the relief is smooth, and the sparse system grows with its area.
    inside = _shrunk(person.astype(np.float32), grid) > 0.5
    depth = face_depth(pose, head, size=size, grid=grid)
    on_face = np.isfinite(depth)
    # A parser may miss a chin; the fitted head is part of the person all the same.
    inside |= on_face
    # Signed squares: the equation is one of squares, and a chin may lie behind the centre.
    square = np.where(on_face, np.sign(depth) * depth**2, 0.0) * shrink**2
    inflated = _solve(inside, on_face, square, INFLATION)
    # Wide hair and shoulders would swell like balloons.
    inflated = np.minimum(inflated, (_limits(pose, head, grid, size) * shrink) ** 2)
    if on_face.any():
        # What rises from the face's border like a wall would slide over it in a turn.
        edge = membrane(np.where(on_face, depth, 0).astype(np.float32), on_face) * shrink
        inflated = np.minimum(inflated, (np.maximum(edge, 0) + _RISE * distance_to(on_face)) ** 2)
    # Hair lies on a skull: without one its relief would fall off behind the face's border.
    skull = head_depth(pose, head, size=size, grid=grid) * shrink
    inflated = np.where(skull**2 > inflated, np.where(skull > 0, skull**2, inflated), inflated)
    inflated = np.where(on_face, square, inflated)
    # The limit's and the face's borders are kinks, which would crease a turned picture.
    inflated = cv2.GaussianBlur(inflated, (0, 0), 1.0)
    front = np.sign(inflated) * np.sqrt(np.abs(inflated)) / shrink
    grown = cv2.resize(front.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    # Cut by the silhouette at full size: the coarse grid's own border is a staircase.
    grown *= person | _grown(on_face, size)
    return _with_face(grown, face_depth(pose, head, size=size, grid=size))


def deepened(depth: Floats, pose: HeadPose, head: Head, deeper: float) -> Floats:
    """Make a face deeper and bring what surrounds it along; its nose stands out no farther.

    Were hair and ears left behind, all that a deeper face moves farther would be taken out of them:
    they would be stretched like rubber.

    Args:
        depth: the relief, float32 [S, S] px.
        pose: of the head in the picture.
        head: the mean head.
        deeper: factor on the face's depth.
    """
    size = depth.shape[0]
    grid = min(GRID, size)
    on_face = np.isfinite(face_depth(pose, head, size=size, grid=grid))
    if deeper == 1 or not on_face.any():
        return depth
    small = _shrunk(depth, grid)
    # Means over the face alone: noses are as long as the mean head's, it is faces that are not.
    broad = (0, 0), _BROAD * head.half_width * pose.scale * grid / size
    share = np.maximum(cv2.GaussianBlur(on_face.astype(np.float32), *broad), 1e-6)
    large = cv2.GaussianBlur(np.where(on_face, small, 0), *broad) / share
    more = cv2.resize(membrane(large, on_face), (size, size), interpolation=cv2.INTER_LINEAR)
    deep: Floats = depth + (deeper - 1) * more
    return deep


def _with_face(depth: Floats, face: Floats) -> Floats:
    """Put the face's own depth, nose and all, into the smooth relief without a step."""
    size = depth.shape[0]
    on_face = np.isfinite(face)
    # Eroded first, so that the blurred share has all but fallen to 0 where the face's depth ends.
    inner = cv2.erode(on_face.astype(np.uint8), np.ones((2 * (size // 80) + 1,) * 2, np.uint8))
    share = cv2.GaussianBlur(inner.astype(np.float32), (0, 0), max(size / 110, 0.5)) * on_face
    return depth + share * (np.where(on_face, face, 0).astype(np.float32) - depth)


def face_depth(pose: HeadPose, head: Head, *, size: int, grid: int) -> Floats:
    """What the mean head says, float64 [grid, grid] px; nan beside the face."""
    central = np.abs(head.surface[:, 0]) < _FACE_REACH * head.half_width
    face = central & (head.surface[:, 1] < head.chin_y) & (head.surface[:, 1] > head.brow_y - 0.25)
    return _depth_of(head.surface[face], pose, size=size, grid=grid)


def head_depth(pose: HeadPose, head: Head, *, size: int, grid: int) -> Floats:
    """The same of all of the head above its chin; 0 beside it."""
    above = head.surface[head.surface[:, 1] < head.chin_y]
    return np.nan_to_num(_depth_of(above, pose, size=size, grid=grid))


def _depth_of(points: Points3D, pose: HeadPose, *, size: int, grid: int) -> Floats:
    projected = pose.to_picture(points)
    centres = (np.arange(grid) + 0.5) * size / grid
    # The far cheek folds over the near one beyond 40 degrees; the nearer point is what is seen.
    order = np.argsort(projected[:, 2])
    depth = LinearNDInterpolator(projected[order, :2], projected[order, 2])(
        *np.meshgrid(centres, centres)
    )
    return depth


def _limits(pose: HeadPose, head: Head, grid: int, size: int) -> Floats:
    """The most that the relief may rise, px: a neck is thinner than a head."""
    right, down = head_axes(pose, grid, size)
    width = 2 * head.half_width * pose.scale
    tall = (head.chin_y - head.brow_y) * pose.scale
    chin = head.chin_y * pose.scale
    # By height: a whole head above the chin, less on the neck, least on the shoulders. Hair beside
    # the face is no farther before the ears than on the neck: it would bulge, and wave in a turn.
    lower = smoothstep(down, chin - 0.25 * tall, chin + 0.10 * tall)
    limit = 0.75 - 0.45 * np.maximum(lower, smoothstep(np.abs(right), 0.3 * width, 0.55 * width))
    limit -= 0.22 * smoothstep(down, chin + 0.10 * tall, chin + 0.40 * tall)
    return np.minimum(limit * width, _HIGHEST * head.half_width * pose.scale)


def head_axes(pose: HeadPose, grid: int, size: int) -> tuple[Floats, Floats]:
    """Where pixels lie along the head's axes, right and down, px from its centre, [grid, grid]."""
    centres = (np.arange(grid) + 0.5) * size / grid
    x, y = np.meshgrid(centres - pose.centre[0], centres - pose.centre[1])
    cos, sin = np.cos(np.radians(pose.roll_deg)), np.sin(np.radians(pose.roll_deg))
    return x * cos + y * sin, -x * sin + y * cos


def smoothstep(x: Floats, low: float, high: float) -> Floats:
    """Rise from 0 at `low` to 1 at `high` without a kink."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _solve(inside: Mask, known: Mask, value: Floats, source: float) -> Floats:
    """h with laplace(h) = -source inside, `value` where known, 0 outside, free at the border."""
    # Unknowns are numbered in reading order; all else enters the right side.
    free = inside & ~known
    count = int(free.sum())
    result = np.where(known, value, 0.0)
    if not count:
        return result
    high, wide = inside.shape
    number = np.full(inside.shape, -1)
    number[free] = np.arange(count)
    rows, columns = np.nonzero(free)
    at, to, weight = [], [], []
    right, diagonal = np.full(count, source), np.zeros(count)
    for step_y, step_x in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = rows + step_y, columns + step_x
        here = (y >= 0) & (y < high) & (x >= 0) & (x < wide)  # a person goes on beyond the picture
        y, x = y.clip(0, high - 1), x.clip(0, wide - 1)
        # The five-point Laplacian. A neighbour beyond the picture is left out of the sum (Neumann):
        # the person goes on there; one outside the person is 0 (Dirichlet).
        diagonal += here
        other = number[y, x]
        linked = here & (other >= 0)
        at.append(np.nonzero(linked)[0])
        to.append(other[linked])
        weight.append(-np.ones(int(linked.sum())))
        right += np.where(here & known[y, x], value[y, x], 0.0)
    at.append(np.arange(count))
    to.append(np.arange(count))
    # Keeps the matrix regular for a person who fills the picture and touches nothing known.
    weight.append(diagonal + 1e-9)
    entries = np.concatenate(weight), (np.concatenate(at), np.concatenate(to))
    result[free] = spsolve(sparse.csc_matrix(entries, shape=(count, count)), right)
    return result


def _shrunk(picture: Floats, grid: int) -> Floats:
    return cv2.resize(picture, (grid, grid), interpolation=cv2.INTER_AREA)


def _grown(mask: Mask, size: int) -> Mask:
    return cv2.resize(mask.astype(np.uint8), (size, size)) > 0
