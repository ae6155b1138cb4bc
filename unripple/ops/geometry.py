"""From five landmarks to an upright crop and back.

Points are (x, y) in pixels from the top-left corner of the picture, so the centre of the first
pixel is (0.5, 0.5). An affine map is float64 [2, 3] and sends (x, y, 1) to (x', y').
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeVar

import cv2
import numpy as np

from unripple.conventions import Affine, BadPhoto, Floats, Landmarks, NoFace, Photo

Pixels = TypeVar("Pixels", Photo, Floats)
MAX_SIDE_PX = 32766  # OpenCV's resampling counts in 16 bits


class Framing(NamedTuple):
    """Where the crop of a face lies. The defaults are those of FFHQ (Karras et al. 2019).

    Half of the crop's side is the larger one of `eye_to_eye` times the distance between the eyes
    and `eye_to_mouth` times the distance from the eyes' middle to the mouth's middle, all times
    `scale`. Its centre is the eyes' middle moved by `drop` of the way to the mouth.

    Attributes:
        eye_to_eye: see above.
        eye_to_mouth: see above.
        drop: see above.
        scale: factor on the side; more than 1 shows more of the surroundings.
        shift: further move of the centre towards the crop's own right and bottom, in sides.
        nose_pull: further move of the centre by minus this much of the way from the eyes' middle to
            the nose tip. Eyes and nose lead when a head turns; with a positive pull the crop stays
            with the head. (It lifts a frontal crop as well; `shift` makes up for that.)
    """

    eye_to_eye: float = 2.0
    eye_to_mouth: float = 1.8
    drop: float = 0.1
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    nose_pull: float = 0.0


FFHQ = Framing()


def crop_quad(landmarks: Landmarks, framing: Framing = FFHQ) -> Floats:
    """Corners of the square to cut out: top-left, bottom-left, bottom-right, top-right.

    Args:
        landmarks: [5, 2] px: picture-left eye, picture-right eye, nose tip, mouth corners.
        framing: how much to show.

    Returns:
        float64 [4, 2] px; a corner may lie outside the photograph.

    Raises:
        NoFace: the landmarks coincide, so they show neither a size nor an upright.
    """
    left_eye, right_eye, nose, left_mouth, right_mouth = landmarks.astype(np.float64)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    across, down = right_eye - left_eye, mouth - eyes
    right = across + np.array((down[1], -down[0]))  # both vectors vote on what is upright
    length = np.hypot(*right)
    if not np.isfinite(landmarks).all() or length < 1e-6:
        raise NoFace(f"the landmarks {landmarks.tolist()} coincide or are no numbers")
    half = max(np.hypot(*across) * framing.eye_to_eye, np.hypot(*down) * framing.eye_to_mouth)
    right *= half * framing.scale / length
    below = np.array((-right[1], right[0]))
    centre = eyes + framing.drop * down - framing.nose_pull * (nose - eyes)
    centre += 2 * (framing.shift[0] * right + framing.shift[1] * below)
    return np.stack(
        (
            centre - right - below,
            centre - right + below,
            centre + right + below,
            centre + right - below,
        )
    )


def quad_to_affine(quad: Floats, size_px: int) -> Affine:
    """The map from the pixels of a `size_px` crop to those of the photograph around the quad."""
    top_left, bottom_left, _, top_right = quad
    columns = ((top_right - top_left) / size_px, (bottom_left - top_left) / size_px, top_left)
    return np.stack(columns, axis=1).astype(np.float64)


def face_affine(landmarks: Landmarks, size_px: int, framing: Framing = FFHQ) -> Affine:
    """The similarity from the pixels of an upright face crop to those of the photograph."""
    return quad_to_affine(crop_quad(landmarks, framing), size_px)


def apply(affine: Affine, points: Floats) -> Floats:
    """Send points [..., 2] through an affine map."""
    return points @ affine[:, :2].T + affine[:, 2]


def inverse(affine: Affine) -> Affine:
    """The affine map that undoes this one."""
    linear = np.linalg.inv(affine[:, :2])
    return np.concatenate((linear, -linear @ affine[:, 2:]), axis=1)


def compose(outer: Affine, inner: Affine) -> Affine:
    """The affine map that does `inner` first and `outer` then."""
    linear = outer[:, :2] @ inner[:, :2]
    return np.concatenate((linear, outer[:, :2] @ inner[:, 2:] + outer[:, 2:]), axis=1)


def scale_of(affine: Affine) -> float:
    """By how much an affine map magnifies lengths (the root of its area factor)."""
    return math.sqrt(abs(float(np.linalg.det(affine[:, :2]))))


_FARTHEST_PX = 1_000_000  # OpenCV folds what is farther back step by step, for hours
_CUBIC_PX = 3  # around a place, what a bicubic look at it reads


def stretched(values: Floats, side: int) -> Floats:
    """A square map of floats [s, s] at another side, linearly; a no-op at its own."""
    scale = values.shape[0] / side
    affine = np.array([[scale, 0.0, 0.0], [0.0, scale, 0.0]])
    return resample(values.astype(np.float32), affine, width=side, height=side, smooth=False)


def sample(picture: Pixels, places: Floats) -> Floats:
    """Look up a picture at places of one's own, bicubically; beyond its border it is mirrored.

    Args:
        picture: uint8 or float32 [H, W, 3].
        places: x and y of each output pixel, px, corner origin, [h, w, 2].

    Returns:
        float32 [h, w, 3].

    Raises:
        BadPhoto: a place is no number, or farther away than anyone may mean.
    """
    x, y = places[..., 0], places[..., 1]
    # Axis by axis: a minimum over pairs is twenty times slower. A nan is the minimum of all.
    first, last = np.array((x.min(), y.min())), np.array((x.max(), y.max()))
    if not (first.min() > -_FARTHEST_PX and last.max() < _FARTHEST_PX):
        raise BadPhoto(
            f"a place to look at is nan or more than {_FARTHEST_PX} px away; see whether the "
            "landmarks are this photo's and the models undamaged"
        )
    # Only the part that is looked at becomes floats: a photo may be a hundred times larger.
    size = np.array(picture.shape[1::-1])
    first, last = np.floor(first) - _CUBIC_PX, np.ceil(last) + _CUBIC_PX
    # What lies beyond a border shows what lies as far within it.
    mirrored_first, mirrored_last = 2 * size - 1 - last, 1 - first
    first = np.where(last > size, np.minimum(first, mirrored_first), first)
    last = np.where(mirrored_last > 1, np.maximum(last, mirrored_last), last)
    first = np.clip(first, 0, size - 1).astype(int)
    last = np.clip(last, first + 1, size).astype(int)
    part = picture[first[1] : last[1], first[0] : last[0]].astype(np.float32)
    at = (places - first - 0.5).astype(np.float32)  # OpenCV counts from the first pixel's centre
    return cv2.remap(part, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def pixel_centres(width: int, height: int, top: int = 0, left: int = 0) -> Floats:
    """Where the pixels of a window lie, x and y in px, corner origin, [height, width, 2]."""
    columns, rows = np.arange(width) + left + 0.5, np.arange(height) + top + 0.5
    return np.stack(np.broadcast_arrays(columns, rows[:, None]), axis=-1)


def looked_up(values: Floats, places: Floats) -> Floats:
    """A map at places of its own px, linearly; beyond its border it goes on as it ends."""
    at = (places - 0.5).astype(np.float32)  # OpenCV counts from the first pixel's centre
    looked: Floats = cv2.remap(
        np.ascontiguousarray(values, np.float32),
        at,
        None,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return looked


def shrunk(photo: Photo, times: float) -> Photo:
    """A photo with its sides divided by `times`, each pixel the mean of those that it covers."""
    height, width = (max(1, round(side / times)) for side in photo.shape[:2])
    return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)


def resample(
    picture: Pixels, affine: Affine, *, width: int, height: int, smooth: bool = True
) -> Pixels:
    """Look at a picture through an affine map.

    Area-correct: where one output pixel covers several of the picture, it is the mean of a grid of
    samples at most one pixel apart. The identity gives back the same values. Beyond its border the
    picture is mirrored, as FFHQ does.

    Args:
        picture: uint8 or float32, [H, W] or [H, W, 3].
        affine: output pixels -> picture pixels.
        width, height: size of the output, px.
        smooth: bicubic, which may overshoot at edges (floats only; bytes are clipped); else linear.

    Returns:
        The output, in the type of the picture.

    Raises:
        BadPhoto: a side of the picture, or of the samples taken, is too long.
    """
    samples = max(1, math.ceil(scale_of(affine) - 1e-6))  # per output pixel and axis
    if max(width, height) * samples > MAX_SIDE_PX or max(picture.shape[:2]) > MAX_SIDE_PX:
        raise BadPhoto(
            f"a side of more than {MAX_SIDE_PX} px cannot be resampled; shrink the photo, or see "
            "whether the landmarks are this photo's"
        )
    linear = affine[:, :2] / samples
    # OpenCV counts from the centre of the first pixel.
    offset = affine[:, 2] + linear @ (0.5, 0.5) - 0.5
    resampled = cv2.warpAffine(
        picture,
        np.column_stack((linear, offset)),
        (width * samples, height * samples),
        flags=(cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    if samples > 1:
        resampled = cv2.resize(resampled, (width, height), interpolation=cv2.INTER_AREA)
    return resampled
