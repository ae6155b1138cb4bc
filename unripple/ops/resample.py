"""Resizing bytes to the very bytes that Pillow gives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unripple.conventions import Photo, ShapeMismatch

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
    if photo.dtype != np.uint8 or photo.ndim != 3 or min(*photo.shape[:2], *size) < 1:
        raise ShapeMismatch(
            f"resizing {photo.dtype} {list(photo.shape)} to {list(size)}: wanted uint8 [H, W, C] "
            "and sides of at least 1 px"
        )
    for axis in (1, 0):
        if photo.shape[axis] != size[axis]:
            photo = _resize_axis(photo, axis, size[axis])
    return photo


def _resize_axis(photo: Photo, axis: int, length: int) -> Photo:
    first, weights = _taps(photo.shape[axis], length)
    shape = [1, 1, 1]
    shape[axis] = length
    total: npt.NDArray[np.int32] | int = 1 << (FRACTION_BITS - 1)  # rounds to the nearest
    for tap, weight in enumerate(weights.T):
        index = np.minimum(first + tap, photo.shape[axis] - 1)  # taps beyond the edge weigh 0
        total = total + photo.take(index, axis).astype(np.int32) * weight.reshape(shape)
    # The weights are positive and sum up to 1 but for rounding: no overflow of 31 bits.
    levels: Photo = np.minimum(np.asarray(total) >> FRACTION_BITS, 255).astype(np.uint8)
    return levels


def _taps(length_in: int, length_out: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The first input that every output sees, [out], and its weights from there on, [out, taps].

    A triangle of one output pixel's half-width, at least of one input pixel's, cut at the edges and
    normalised there.
    """
    step = length_in / length_out
    reach = max(step, 1.0)
    centre = (np.arange(length_out) + 0.5) * step
    first = np.maximum((centre - reach + 0.5).astype(np.int64), 0)  # casts cut towards zero
    end = np.minimum((centre + reach + 0.5).astype(np.int64), length_in)
    taps = np.arange(int((end - first).max()))
    distance = (taps + first[:, None] - centre[:, None] + 0.5) * (1.0 / reach)
    weights = np.maximum(1.0 - np.abs(distance), 0.0)
    weights[taps >= (end - first)[:, None]] = 0.0
    weights /= np.cumsum(weights, axis=1)[:, -1:]  # added one by one, as Pillow does
    return first, (weights * (1 << FRACTION_BITS) + 0.5).astype(np.int32)
