"""Artifact parts as pictures for people to look at; never parsed back."""

from __future__ import annotations

import numpy as np

from unripple.conventions import FACE_COLOURS, Floats, Mask, Photo, UnknownName
from unripple.io.artifact import Part

RIPPLE_RGB = (214, 54, 107)
"""The tint of masks over pictures; `--u-ripple` of stages/look.css."""
MARGIN_GREY = 128
"""Around a picture that is no square: neither white paper nor black."""
_CODE_PX = 2  # a row of codes is thin; draw each number as a small square
_TINT = 0.6  # enough to stand out on skin, little enough to see what lies under it
_PALE = 0.35


def as_picture(name: str, part: Part) -> Photo:
    """Show a part.

    Args:
        name: the part's name; labels are coloured.
        part: a picture, mask, label map, depth map, residual or codes.

    Returns:
        uint8 [H, W, 3].

    Raises:
        UnknownName: the part is not something to look at.
    """
    if not isinstance(part, np.ndarray):
        raise UnknownName(f"{name} holds figures, no picture; read its .json file")
    if part.dtype == np.bool_:
        return _grey(part.astype(np.uint8) * 255)
    if part.dtype == np.uint8 and part.ndim == 3:
        return part
    if part.dtype == np.uint8 and part.ndim == 2:
        return FACE_COLOURS[part] if name == "labels" else _grey(part)
    if part.ndim == 3 and part.shape[0] == 3:  # a residual, [3, H, W] around 0
        return np.rint(np.clip(part.transpose(1, 2, 0) + 1, 0, 2) * 127.5).astype(np.uint8)
    if part.ndim == 2 and min(part.shape) > 2:
        enlarge = _CODE_PX * max(1, part.shape[1] // (4 * part.shape[0]))
        shown = _stretched(part)
        return _grey(np.repeat(shown, enlarge, axis=0) if name == "w_plus" else shown)
    raise UnknownName(f"{name} holds {list(part.shape)} numbers, no picture; read its .npy file")


def _grey(levels: Photo) -> Photo:
    return np.repeat(levels[:, :, None], 3, axis=2)


def _stretched(values: Floats) -> Photo:
    """Smallest value black, largest white."""
    low, high = float(values.min()), float(values.max())
    unit = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return np.rint(unit * 255).astype(np.uint8)


def thumbnail(picture: Photo, height_px: int) -> Photo:
    """The picture at most `height_px` high, by area mean; smaller ones stay as they are."""
    import cv2  # 0.1 s that most commands need not pay

    height, width = picture.shape[:2]
    if height <= height_px:
        return picture
    size = (max(1, round(width * height_px / height)), height_px)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def side_by_side(pictures: list[Photo], *, gap_px: int = 4) -> Photo:
    """Pictures in a row on white, brought to the height of the lowest."""
    height = min(picture.shape[0] for picture in pictures)
    gap = np.full((height, gap_px, 3), 255, np.uint8)
    row: list[Photo] = []
    for picture in pictures:
        row += [thumbnail(picture, height), gap]
    return np.concatenate(row[:-1], axis=1)


def over(picture: Photo, mask: Mask, *, rgb: tuple[int, int, int] = RIPPLE_RGB) -> Photo:
    """A mask laid over a picture: tinted inside, paler outside, both still to be seen.

    Args:
        picture: uint8 [H, W, 3].
        mask: bool [H, W].
        rgb: the tint.

    Returns:
        uint8 [H, W, 3].
    """
    shown = picture.astype(np.float32)
    inside = _TINT * np.array(rgb, np.float32) + (1 - _TINT) * shown
    outside = _PALE * 255 + (1 - _PALE) * shown
    return np.rint(np.where(mask[..., None], inside, outside)).astype(np.uint8)


def within(picture: Photo, side_px: int) -> Photo:
    """The picture in the middle of a square of `side_px` on `MARGIN_GREY`, by area mean.

    Smaller ones are enlarged without smoothing, so that every pixel can be seen.
    """
    import cv2

    height, width = picture.shape[:2]
    if (height, width) == (side_px, side_px):
        return picture
    scale = side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    square = np.full((side_px, side_px, 3), MARGIN_GREY, np.uint8)
    top, left = (side_px - size[1]) // 2, (side_px - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = cv2.resize(
        picture, size, interpolation=way
    )
    return square
