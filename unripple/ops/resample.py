"""Resizing bytes to the very bytes that Pillow gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from unripple.conventions import Floats, Photo, ShapeMismatch

FRACTION_BITS = 22
"""Bits after the point of Pillow's weights: 32 less the 8 of a byte and 2 of head room."""


def resize_bilinear(photo: Photo, size: tuple[int, int]) -> Photo:
    """Resize bytes bilinearly, antialiased where it shrinks: the width first, then the height.

    Byte for byte what Pillow's BILINEAR filter gives up to release 12, and so what the published
    scripts saw. Pillow 13 takes the height first where that is faster, which moves some bytes by a
    level; torch's `interpolate` on bytes has coarser weights and does so too.

    Args:
        photo: uint8 [H, W, C].
        size: height and width of the result, px.

    Returns:
        uint8 [*size, C].

    Raises:
        ShapeMismatch: one of the sides is 0, or not bytes.
    """
    return _resize(photo, size, _triangle, 1.0)


def resize_bicubic(photo: Photo, size: tuple[int, int]) -> Photo:
    """Resize bytes as `resize_bilinear` does, by Pillow's BICUBIC filter, its default."""
    return _resize(photo, size, _cubic, 2.0)


Filter = Callable[[Floats], Floats]


def _triangle(distance: Floats) -> Floats:
    return np.maximum(1.0 - np.abs(distance), 0.0)


def _cubic(distance: Floats) -> Floats:
    """Keys 1981 with a = -0.5."""
    x, a = np.abs(distance), -0.5
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _resize(photo: Photo, size: tuple[int, int], kernel: Filter, support: float) -> Photo:
    if photo.dtype != np.uint8 or photo.ndim != 3 or min(*photo.shape[:2], *size) < 1:
        raise ShapeMismatch(
            f"resizing {photo.dtype} {list(photo.shape)} to {list(size)}: wanted uint8 [H, W, C] "
            "and sides of at least 1 px"
        )
    for axis in (1, 0):
        if photo.shape[axis] != size[axis]:
            first, weights = _taps(photo.shape[axis], size[axis], kernel, support)
            photo = _resize_axis(photo, axis, first, weights)
    return photo


def _resize_axis(
    photo: Photo, axis: int, first: npt.NDArray[np.int64], weights: npt.NDArray[np.int32]
) -> Photo:
    shape = [1, 1, 1]
    shape[axis] = len(first)
    total: npt.NDArray[np.int32] | int = 1 << (FRACTION_BITS - 1)  # rounds to the nearest
    for tap, weight in enumerate(weights.T):
        index = np.minimum(first + tap, photo.shape[axis] - 1)  # taps beyond the edge weigh 0
        total = total + photo.take(index, axis).astype(np.int32) * weight.reshape(shape)
    # The weights sum up to 1 but for rounding, their sizes to less than 1.4: no overflow.
    return np.clip(np.asarray(total) >> FRACTION_BITS, 0, 255).astype(np.uint8)


def _taps(
    length_in: int, length_out: int, kernel: Filter, support: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The first input that every output sees, [out], and its weights from there on, [out, taps].

    The kernel is as wide as one output pixel has it, or one input pixel if that is wider, cut at
    the edges and normalised there.
    """
    step = length_in / length_out
    wide = max(step, 1.0)
    reach = support * wide
    centre = (np.arange(length_out) + 0.5) * step
    first = np.maximum((centre - reach + 0.5).astype(np.int64), 0)  # casts cut towards zero
    end = np.minimum((centre + reach + 0.5).astype(np.int64), length_in)
    taps = np.arange(int((end - first).max()))
    weights = kernel((taps + first[:, None] - centre[:, None] + 0.5) * (1.0 / wide))
    weights[taps >= (end - first)[:, None]] = 0.0
    weights /= np.cumsum(weights, axis=1)[:, -1:]  # added one by one, as Pillow does
    scaled = weights * (1 << FRACTION_BITS)
    return first, (scaled + np.copysign(0.5, scaled)).astype(np.int32)
