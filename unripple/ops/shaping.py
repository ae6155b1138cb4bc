"""A face changed in shape: where every pixel of the changed picture lies in the photo.

Points of the mean head are laid onto the face of a photo, by its pose and by where landmarks or a
mesh of the face differ from the mean; their displacement in the head's own frame becomes a smooth
motion of the picture, which fades out beyond the face. Its inverse says where the changed picture's
pixels come from, and may be joined to the map of a turn, so that the photo is resampled once.

Source: own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.interpolate import RBFInterpolator
from scipy.spatial import Delaunay

from unripple.conventions import Floats, Mask, ShapeMismatch
from unripple.ops.geometry import stretched
from unripple.ops.head import HeadPose, Points3D, rotation
from unripple.ops.relief import smoothstep

FADE = 0.45
"""Widths of the face beyond its outline over which the motion fades into hair, neck, background."""
_WIDTH = 1.24  # of the mean face, head units
_HIDDEN = 0.16  # head units behind others at the same place: turned away
_CELL = 0.07  # side of such a place, head units
_SMOOTH = 1.0  # sigma of the motion's last smoothing, px at 256
_INVERSIONS = 8
_STEEPEST = 0.85
"""Most that the motion may change over its own length: at 1 the picture would fold."""


class Laid(NamedTuple):
    """The mean head's points on a photo.

    Attributes:
        pose: of the head.
        motion: from displacements of points [N] to those of a grid's pixels, [n * n, N].
        inside: pixels of the grid on the face, bool [n, n].
        size: side of the picture, px.
        grid: side n of the grid.
    """

    pose: HeadPose
    motion: sparse.csr_array
    inside: Mask
    size: int
    grid: int


def pose_of_mesh(head: Floats, mesh: Floats) -> HeadPose:
    """The weak perspective that shows points of the mean head where a mesh has them.

    Args:
        head: points [N, 3] in the head's frame.
        mesh: where they are, px, [N, 2].
    """
    # An affine camera by least squares, then the nearest scaled rotation.
    middle, centre = head.mean(0), mesh.mean(0)
    camera = np.linalg.lstsq(head - middle, mesh - centre, rcond=None)[0].T  # [2, 3]
    left, sizes, right = np.linalg.svd(camera, full_matrices=False)
    scale, rows = float(sizes.mean()), left @ right
    turned = np.vstack((rows, np.cross(rows[0], rows[1])))
    yaw = float(np.degrees(np.arcsin(np.clip(-turned[2, 0], -1, 1))))
    pitch = float(np.degrees(np.arctan2(turned[2, 1], turned[2, 2])))
    roll = float(np.degrees(np.arctan2(turned[1, 0], turned[0, 0])))
    place = centre - scale * rows @ middle
    return HeadPose(yaw, pitch, roll, scale, (float(place[0]), float(place[1])))


def lay(
    head: Floats, pose: HeadPose, known: Floats, observed: Floats, *, size: int, grid: int
) -> Laid:
    """Lay the mean head's points onto a photo.

    Args:
        head: the points, float64 [N, 3] in the head's frame.
        pose: of the head in the picture.
        known: points in the head's frame whose place in the picture is known, [K, 3].
        observed: that place, px, [K, 2].
        size: side of the picture.
        grid: side of the grid on which motions are computed.

    Raises:
        ShapeMismatch: as many points are known as places are observed, or not.
    """
    if len(known) != len(observed):
        raise ShapeMismatch(f"{len(known)} points are known and {len(observed)} observed")
    projected = pose.to_picture(head.astype(np.float64))
    anchors = pose.to_picture(known.astype(np.float64))[:, :2]
    # How this face differs from the mean one: a smooth shift, known at the anchors.
    unit = pose.scale
    places, first = np.unique((anchors / unit).round(4), axis=0, return_index=True)
    differs = (observed - anchors)[first]
    few = len(places) < 16
    kernel, degree = ("linear", 0) if few else ("thin_plate_spline", 1)
    spline = RBFInterpolator(
        places, differs, kernel=kernel, degree=degree, smoothing=1e-3, neighbors=None
    )
    reach = places[:, None] - projected[None, :, :2] / unit
    away = np.sqrt((reach**2).sum(-1)).min(0)
    # Beyond what is known a spline means nothing: the nearest difference fades.
    share = 1 - smoothstep(away, 0.25, 0.8)
    near = projected[:, :2] / unit
    placed = projected[:, :2] + share[:, None] * spline(near)
    seen = _facing(placed, projected[:, 2], unit)
    motion, inside = _barycentric(placed[seen] * grid / size, np.flatnonzero(seen), len(head), grid)
    return Laid(pose, motion, inside, size, grid)


def _facing(placed: Floats, depth: Floats, unit: float) -> Mask:
    """Points that nothing of the head hides."""
    cell = np.floor(placed / (unit * _CELL)).astype(int)
    cell -= cell.min(0)
    nearest = np.full(cell.max(0) + 1, -np.inf)
    np.maximum.at(nearest, tuple(cell.T), depth)
    around = ndimage.maximum_filter(nearest, 3)
    seen: Mask = depth > around[tuple(cell.T)] - (_HIDDEN + 2 * _CELL) * unit
    return seen


def _barycentric(
    places: Floats, numbers: npt.NDArray[np.int_], count: int, grid: int
) -> tuple[sparse.csr_array, Mask]:
    """Linear interpolation between scattered points as a matrix, and where it is defined."""
    triangles = Delaunay(places)
    centres = np.arange(grid) + 0.5
    pixels = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    # Only around the face: looking a pixel's triangle up is what costs.
    low, high = places.min(0), places.max(0)
    looked = np.flatnonzero(((pixels >= low) & (pixels <= high)).all(1))
    found = triangles.find_simplex(pixels[looked])
    looked, found = looked[found >= 0], found[found >= 0]
    affine = triangles.transform[found]  # [M, 3, 2]
    two = np.einsum("mij,mj->mi", affine[:, :2], pixels[looked] - affine[:, 2])
    weights = np.column_stack((two, 1 - two.sum(1)))
    corners = numbers[triangles.simplices[found]]
    rows = np.repeat(looked, 3)
    entries = (weights.ravel(), (rows, corners.ravel()))
    inside = np.zeros(grid * grid, np.bool_)
    inside[looked] = True
    return sparse.csr_array(entries, shape=(grid * grid, count)), inside.reshape(grid, grid)


def motion_of(laid: Laid, displaced: Points3D) -> Floats:
    """Where the photo's points go.

    Args:
        laid: the head's points on the photo.
        displaced: by how much they move in the head's frame, [N, 3].

    Returns:
        x and y, px of the picture, float32 [2, n, n], 0 far from the face.
    """
    pose, grid = laid.pose, laid.grid
    matrix = rotation(pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
    in_picture = pose.scale * displaced @ matrix.T[:, :2]
    flat = laid.motion @ in_picture  # [n * n, 2]
    moved = flat.T.reshape(2, grid, grid).astype(np.float32)
    moved = _faded(moved, laid)
    sigma = _SMOOTH * grid / 256
    return np.stack([cv2.GaussianBlur(axis, (0, 0), sigma) for axis in moved])


def on_head(laid: Laid, head: Floats) -> tuple[Floats, Floats]:
    """Which place of the mean head a picture's pixels show.

    Args:
        laid: the head's points on the picture.
        head: those points, [N, 3].

    Returns:
        x and y in the head's frame, float32 [2, n, n], and how far that is the face, float32
        [n, n] from 0 at its outline to 1.
    """
    grid = laid.grid
    flat = laid.motion @ head[:, :2]
    places = flat.T.reshape(2, grid, grid).astype(np.float32)
    # Beyond the outline the nearest place, so that resizing mixes nothing else in.
    depth = ndimage.distance_transform_edt(laid.inside)
    nearest = ndimage.distance_transform_edt(
        ~laid.inside, return_distances=False, return_indices=True
    )
    reach = max(0.06 * laid.pose.scale * grid / laid.size, 1.0)
    share: Floats = smoothstep(depth, 0.5, reach).astype(np.float32)
    return places[:, nearest[0], nearest[1]], share


def _faded(moved: Floats, laid: Laid) -> Floats:
    """Beyond the face's outline: what its rim does, fading out."""
    reach = FADE * _WIDTH * laid.pose.scale * laid.grid / laid.size
    distance, nearest = ndimage.distance_transform_edt(~laid.inside, return_indices=True)
    share = 1 - smoothstep(distance, 0.0, max(reach, 1.0))
    beyond = moved[:, nearest[0], nearest[1]]
    # The rim's own jitter would be drawn out into rays.
    blurred = np.stack([cv2.GaussianBlur(axis, (0, 0), max(reach / 8, 1.0)) for axis in beyond])
    soft = smoothstep(distance, 0.0, max(reach / 4, 1.0))
    faded: Floats = ((beyond + soft * (blurred - beyond)) * share).astype(np.float32)
    return faded


def steepness(motion: Floats, size: int) -> float:
    """By how much a motion changes over its own length at most; a picture folds from 1 on."""
    per_px = size / motion.shape[-1]
    slopes = [np.abs(np.gradient(axis, per_px)).max() for axis in motion]
    return float(max(slopes))


def unfolded(motion: Floats, size: int) -> tuple[Floats, float]:
    """A motion that folds nothing, and what share of the motion it is."""
    share = min(1.0, _STEEPEST / max(steepness(motion, size), 1e-6))
    return motion * np.float32(share), share


def origins_of(motion: Floats, size: int) -> Floats:
    """From where pixels of the changed picture come: the inverse of a motion.

    Args:
        motion: px of a picture of side `size`, float32 [2, n, n].
        size: see above.

    Returns:
        Offsets to the photo, px of that picture, float32 [2, n, n].
    """
    grid = motion.shape[-1]
    rows, columns = np.mgrid[:grid, :grid].astype(np.float32)
    to_grid = np.float32(grid / size)
    found = -motion
    # A fixed point of o = -u(x + o): the motion is no steeper than `_STEEPEST`, so it converges.
    for _ in range(_INVERSIONS):
        x, y = columns + found[0] * to_grid, rows + found[1] * to_grid
        found = -np.stack([_looked_up(axis, x, y) for axis in motion])
    return found


def joined(first: Floats, then: Floats, size: int) -> Floats:
    """One map for two changes: the photo is changed by `first`, the outcome by `then`.

    Args:
        first, then: offsets from pixels of a picture to where they come from, px of a picture of
            side `size`, float32 [2, n, n], alike in size.
    """
    grid = first.shape[-1]
    rows, columns = np.mgrid[:grid, :grid].astype(np.float32)
    to_grid = np.float32(grid / size)
    x, y = columns + then[0] * to_grid, rows + then[1] * to_grid
    return np.stack([axis + _looked_up(f, x, y) for axis, f in zip(then, first, strict=True)])


def finer(offsets: Floats, grid: int) -> Floats:
    """Offsets [2, n, n] on a grid of another side."""
    return np.stack([stretched(axis, grid) for axis in offsets])


def _looked_up(axis: Floats, x: Floats, y: Floats) -> Floats:
    looked: Floats = cv2.remap(
        axis, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return looked
