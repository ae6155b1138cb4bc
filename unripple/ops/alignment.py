"""Second-order Gauss-Newton alignment of two pictures by a homogeneous map, coarse to fine.

Every step is robust: pixels that disagree lose their vote.

Source: own, from known parts: ESM (Benhimane and Malis 2004) with Tukey's weights.
"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats, Mask
from unripple.ops.homography import (
    covered,
    look,
    normalised,
    resizing,
    shrunk,
    shrunk_mask,
    soft_for,
    unit,
)

COARSEST_PX = 48
"""Longer side of the smallest picture of the pyramid; a shift of 8 px of 1,024 is a third of a
pixel there."""

_TUKEY = 4.685  # times the deviation: 95% as efficient as least squares where noise is normal
_STEPS = 20
_CLEARLY = 0.97  # of the usual error: two more unknowns explain a little of any noise
_SOFTER = (0.0, 0.6, 0.9, 1.3, 1.8, 2.5, 3.5, 5.0)  # px; see `_as_soft`
_MOST_PIXELS = 150_000  # the steepest ones of a large picture say nearly all that it can
_STILL = 1e-5  # of half the diagonal; a hundredth of a pixel of 1,024


def refine(
    ours: Floats, theirs: Floats, places: Floats, outside: Mask, *, finest_px: float
) -> Floats:
    """Improve a map from coarse to fine.

    Coarse pictures decide a similarity, finer ones an affine map, the finest a homography, if that
    explains clearly more than an affine map does.

    Args:
        ours, theirs: luminance, float32 [H, W] and [h, w].
        places: the map to begin with.
        outside: pixels of ours that may vote, bool [H, W].
        finest_px: longer side of the finest picture.

    Returns:
        The map, float64 [3, 3].
    """
    sides = [min(finest_px, max(ours.shape))]
    while sides[-1] > 1.8 * COARSEST_PX:
        sides.append(sides[-1] / 2)
    for level, side in enumerate(reversed(sides)):
        small, other = (
            shrunk(ours, side),
            shrunk(theirs, side * max(theirs.shape) / max(ours.shape)),
        )
        up, down = resizing(small.shape, ours.shape), resizing(theirs.shape, other.shape)
        allowed = shrunk_mask(~outside, small.shape)
        start = unit(down @ places @ up)
        soft = _as_soft(small, other, start, ~allowed)
        moved, error = _gauss_newton(soft, other, start, ~allowed, unknowns=6 if level else 4)
        if level == len(sides) - 1:
            soft = _as_soft(small, other, moved, ~allowed)
            bent, less = _gauss_newton(soft, other, moved, ~allowed, unknowns=8)
            moved = bent if less < _CLEARLY * error else moved
        places = unit(np.linalg.inv(down) @ moved @ np.linalg.inv(up))
    return places


def _as_soft(ours: Floats, theirs: Floats, places: Floats, allowed: Mask) -> Floats:
    """The first picture, as soft as most of the second one is.

    Where one of them has a blurred background, edges of both would meet a third of a pixel off.
    """
    height, width = ours.shape
    sigma = max(3.0, max(ours.shape) / 40)
    seen = normalised(look(soft_for(theirs, places), places, width, height), sigma)
    inside = allowed & covered(places, ours.shape, theirs.shape)
    if not inside.any():
        return ours
    best, least = ours, np.inf
    for blur in _SOFTER:
        soft = cv2.GaussianBlur(ours, (0, 0), blur) if blur else ours
        error = float(np.median(np.abs(normalised(soft, sigma) - seen)[inside]))
        if error >= least:
            break
        best, least = soft, error
    return best


_GENERATORS = np.array(
    (
        ((0, 0, 1), (0, 0, 0), (0, 0, 0)),  # shift
        ((0, 0, 0), (0, 0, 1), (0, 0, 0)),
        ((1, 0, 0), (0, 1, 0), (0, 0, 0)),  # zoom
        ((0, -1, 0), (1, 0, 0), (0, 0, 0)),  # rotation
        ((1, 0, 0), (0, -1, 0), (0, 0, 0)),  # stretch
        ((0, 1, 0), (1, 0, 0), (0, 0, 0)),  # shear
        ((0, 0, 0), (0, 0, 0), (1, 0, 0)),  # perspective
        ((0, 0, 0), (0, 0, 0), (0, 1, 0)),
    ),
    float,
)
"""What a step may add to the identity; a similarity is the first four, an affine map six."""


def _gauss_newton(
    ours: Floats, theirs: Floats, places: Floats, allowed: Mask, *, unknowns: int
) -> tuple[Floats, float]:
    """The map improved, and the usual error before its last step."""
    usual = np.inf
    height, width = ours.shape
    sigma = max(3.0, max(ours.shape) / 40)
    target = normalised(cv2.GaussianBlur(ours, (0, 0), 0.7), sigma)
    source = cv2.GaussianBlur(theirs, (0, 0), 0.7)
    # In units of half the diagonal about the centre all unknowns weigh alike.
    half = np.hypot(width, height) / 2
    to_unit = np.array(
        ((1 / half, 0, -width / 2 / half), (0, 1 / half, -height / 2 / half), (0, 0, 1))
    )
    back = np.linalg.inv(to_unit)
    rows, columns = np.mgrid[:height, :width] + 0.5
    x, y = ((columns - width / 2) / half).ravel(), ((rows - height / 2) / half).ravel()
    slopes = _slopes(target)
    steep = _steepest(slopes)
    for _ in range(_STEPS):
        resampled = normalised(look(soft_for(source, places), places, width, height), sigma)
        inside = allowed & covered(places, ours.shape, theirs.shape)
        inside = cv2.erode(inside.astype(np.uint8), np.ones((3, 3))).astype(bool).ravel()
        voters = np.flatnonzero(inside & steep)
        if len(voters) < 10 * unknowns:
            return places, usual
        error = (resampled - target).ravel()
        usual = float(np.median(np.abs(error[inside])))
        error = error[voters]
        # The mean of both slopes makes the step second-order (ESM).
        down_x, down_y = (
            (a + b).ravel()[voters] / 2 for a, b in zip(slopes, _slopes(resampled), strict=True)
        )
        fields = _fields(x[voters], y[voters], unknowns)  # [unknowns, 2, pixels]
        jacobian = half * (down_x * fields[:, 0] + down_y * fields[:, 1])  # [unknowns, pixels]
        weight = _tukey(error, usual)
        normal = (jacobian * weight) @ jacobian.T
        step = -np.linalg.lstsq(normal, jacobian @ (weight * error), rcond=None)[0]
        change = np.eye(3) + np.tensordot(step, _GENERATORS[:unknowns], 1)
        places = unit(places @ back @ change @ to_unit)
        if np.abs(step).max() < _STILL:
            break
    return places, usual


def _slopes(values: Floats) -> tuple[Floats, Floats]:
    kernel = np.array(((-0.5, 0, 0.5),), np.float32)
    return cv2.filter2D(values, -1, kernel), cv2.filter2D(values, -1, kernel.T)


def _fields(x: Floats, y: Floats, unknowns: int) -> Floats:
    """How places move with each unknown: [unknowns, 2, pixels]."""
    points = np.stack((x, y, np.ones_like(x)))
    moved = _GENERATORS[:unknowns] @ points  # [unknowns, 3, pixels]
    return moved[:, :2] - moved[:, 2:] * points[:2]


def _steepest(slopes: tuple[Floats, Floats]) -> Mask:
    """The pixels that have most to say, at most so many as are worth the time, bool [H * W]."""
    steepness = np.hypot(*slopes).ravel()
    if steepness.size <= _MOST_PIXELS:
        return np.ones(steepness.shape, np.bool_)
    return steepness >= np.partition(steepness, -_MOST_PIXELS)[-_MOST_PIXELS]


def _tukey(error: Floats, usual: float) -> Floats:
    """Weights in [0, 1] that fall to 0 where an error is far beyond the usual one."""
    deviation = 1.4826 * usual + 1e-6
    return np.maximum(1 - (error / (_TUKEY * deviation)) ** 2, 0) ** 2
