"""Tell what somebody edited from what an editor did to the whole picture by redrawing it.

Source: own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.masks import require_same_size

_BLURS_PX = (0.0, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 1.8, 2.2, 2.7, 3.3)
_LOW_PASS_PX = 1.0  # below this, noise and recompression speak
_REGISTRATION_PX = 0.35  # an edge may lie so far off in a picture that is in register


class Expected(NamedTuple):
    """The photograph as the editor would have given it back without an edit.

    Attributes:
        picture: the photograph, as soft as the edited picture, float32 [H, W, 3].
        blur_px: deviation of the Gaussian that made it so.
        noise: usual difference from it where nothing was edited, levels of 255.
    """

    picture: Floats
    blur_px: float
    noise: float


def expected(photo: Photo, edited: Floats, votes: Mask) -> Expected:
    """Soften a photograph as an editor's redrawing did.

    Args:
        photo: uint8 [H, W, 3].
        edited: in register and in the photograph's colours, float32 [H, W, 3].
        votes: where probably nothing was edited, bool [H, W].
    """
    best: Expected | None = None
    if not votes.any():
        votes = np.ones_like(votes)
    for blur in _BLURS_PX:
        soft = photo.astype(np.float32)
        if blur:
            soft = cv2.GaussianBlur(soft, (0, 0), blur)
        error = np.abs(soft - edited).max(2)[votes]
        # Two thirds of the pixels decide: the others may be edited after all.
        usual = float(np.sort(error)[: max(1, 2 * len(error) // 3)].mean())
        if best is None or usual < best.noise:
            best = Expected(soft, blur, usual)
    assert best is not None
    low = _low(best.picture) - _low(edited)
    noise = 1.4826 * float(np.median(np.abs(low).max(2)[votes]))
    return best._replace(noise=max(noise, 0.5))


def _low(picture: Floats) -> Floats:
    soft: Floats = cv2.GaussianBlur(picture, (0, 0), _LOW_PASS_PX)
    return soft


def changed(photo: Photo, edited: Floats, what: Expected, *, grow_px: float) -> Mask:
    """Where a picture differs from its photograph by more than a redrawing explains.

    Explained are noise, an edge that lies a third of a pixel off, and sharpness that was lost.
    Pixels with a clear difference count, together with what differs a little around them.

    Args:
        photo: uint8 [H, W, 3].
        edited: in register and in the photograph's colours, float32 [H, W, 3].
        what: see `expected`.
        grow_px: the mask is larger by so much, for an edit fades out.

    Returns:
        bool [H, W].

    Raises:
        ShapeMismatch: the pictures differ in size.
    """
    require_same_size(photo=photo, edited=edited)
    difference = np.abs(_low(edited) - _low(what.picture)).max(2)
    soft = _low(what.picture)
    slope = np.hypot(
        *(cv2.Sobel(soft, cv2.CV_32F, *d, scale=0.125).max(2) for d in ((1, 0), (0, 1)))
    )
    lost = np.abs(photo.astype(np.float32) - what.picture).max(2)
    explained = what.noise + _REGISTRATION_PX * slope + 0.5 * cv2.blur(lost, (5, 5))
    size = difference / explained
    clear, slight = size > 4.0, size > 2.0
    clear &= difference > 5.0
    # A speck is noise however clear it is.
    clear = cv2.morphologyEx(clear.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2))) > 0
    _, names = cv2.connectedComponents((slight | clear).astype(np.uint8), connectivity=8)
    edits = np.unique(names[clear & (names > 0)])
    mask: Mask = np.isin(names, edits)
    side = 2 * round(grow_px) + 1
    grown: Mask = (
        cv2.dilate(
            mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        )
        > 0
    )
    return grown
