"""Masks of what edits shall leave alone, one picture per photo in a folder: `<photo>.png`, by the
photo's id or the name of its file; or one picture for every photo.

White is kept. A picture of the photograph's shape, whatever its size, is about the photograph;
another one must be square, and is about the aligned picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unripple.conventions import BadConfig, BadPhoto
from unripple.io.photo import PHOTO_SUFFIXES, read_photo

_SAME_SHAPE = 0.01  # by which a mask's shape may differ from the photograph's, after rounding


@dataclass(frozen=True)
class KeptMask:
    """A mask of what stays.

    Attributes:
        levels: 255 stays, uint8 [h, w].
        of_photo: whether it is about the photograph, as large as which it is then.
    """

    levels: npt.NDArray[np.uint8]
    of_photo: bool


def mask_file(folder: Path, photo: str, file: str = "") -> Path:
    """The mask of a photo, given its id and the name of its file.

    Args:
        folder: of masks, or the file of the only one.
        photo, file: whose mask.

    Raises:
        BadConfig: there is no such folder or file.
        BadPhoto: it has no mask of this photo.
    """
    if folder.is_file():
        return folder
    if not folder.is_dir():
        raise BadConfig(
            f"config: edit.keep: no folder or file {str(folder)!r}; or write none or background"
        )
    for name in (file, photo) if file else (photo,):
        for suffix in PHOTO_SUFFIXES:
            path = folder / f"{name}{suffix}"
            if path.is_file():
                return path
    raise BadPhoto(
        f"{photo}: edit.keep: no mask {folder / photo}.png; paint one, black where nothing stays"
    )


def read_mask(path: Path, photo: npt.NDArray[Any], *, max_megapixels: float) -> KeptMask:
    """Read a mask.

    Args:
        path: of the mask.
        photo: the photograph, [H, W, 3].
        max_megapixels: see `read_photo`.

    Raises:
        BadPhoto: it is no picture, or neither square nor of the photograph's shape.
    """
    drawn = read_photo(path, max_megapixels=max_megapixels).pixels[..., 0]
    (high, wide), (height, width) = drawn.shape, photo.shape[:2]
    if abs(high * width / (wide * height) - 1) <= _SAME_SHAPE:
        return KeptMask(_resized(drawn, width, height), True)
    if high != wide:
        raise BadPhoto(
            f"{path}: a mask of {wide} x {high} px has neither the shape of its photo, {width} x "
            f"{height}, nor is it square, as the aligned picture is; paint it over one of them"
        )
    return KeptMask(np.ascontiguousarray(drawn), False)


def _resized(drawn: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    import cv2

    if drawn.shape == (height, width):
        return np.ascontiguousarray(drawn)
    return cv2.resize(np.ascontiguousarray(drawn), (width, height), interpolation=cv2.INTER_NEAREST)
