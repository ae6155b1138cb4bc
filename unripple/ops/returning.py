"""Bring a photograph's details back onto an edited picture that an editor redrew softer.

What was edited and moved shows the photograph's skin and cloth elsewhere: a dense flow says where
each of its points lies in the photograph, and how far that is to be believed.

Source: own; the flow is OpenCV's DIS (Kroeger et al. 2016).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Photo
from unripple.ops.geometry import sample
from unripple.ops.homography import centres, normalised
from unripple.ops.masks import require_same_size

_STEADY_PX = 1.0  # how far there and back may miss, at 128 px
_ALIKE = 0.75  # correlation from which both show the same; at 1 all details come back


class Origins(NamedTuple):
    """Where an edited picture's points lie in the photograph.

    Attributes:
        offsets: x and y, px, float32 [2, H, W].
        share: how far that is to be believed, from 0 to 1, float32 [H, W].
    """

    offsets: Floats
    share: Floats


def origins(expected: Floats, edited: Floats) -> Origins:
    """Find where each point of an edited picture lies in the photograph.

    Args:
        expected: the photograph as soft as the edited picture, float32 [H, W, 3].
        edited: in register and in the photograph's colours, float32 [H, W, 3].

    Raises:
        ShapeMismatch: the pictures differ in size.
    """
    require_same_size(expected=expected, edited=edited)
    sigma = max(4.0, max(edited.shape[:2]) / 40)
    ours, theirs = (
        normalised(cv2.cvtColor(one.astype(np.float32), cv2.COLOR_RGB2GRAY), sigma)
        for one in (expected, edited)
    )
    levels = [np.clip(one * 48 + 128, 0, 255).astype(np.uint8) for one in (theirs, ours)]
    finder: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = finder.calc(*levels, None), finder.calc(*levels[::-1], None)
    height, width = ours.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    at = (columns + there[..., 0], rows + there[..., 1])
    returned = cv2.remap(back, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    missed = np.hypot(*np.moveaxis(there + returned, 2, 0))
    moved = cv2.remap(ours, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alike = _correlation(moved, theirs, max(2.0, max(height, width) / 64))
    steady = np.clip(2 - missed / (_STEADY_PX * max(height, width) / 128), 0, 1)
    share = np.clip((alike - _ALIKE) / (1 - _ALIKE), 0, 1) * steady
    return Origins(
        np.moveaxis(there, 2, 0).astype(np.float32),
        cv2.GaussianBlur(share.astype(np.float32), (0, 0), 1.0),
    )


def _correlation(ours: Floats, theirs: Floats, sigma: float) -> Floats:
    cross, one, other = (
        cv2.GaussianBlur(product, (0, 0), sigma)
        for product in (ours * theirs, ours * ours, theirs * theirs)
    )
    return cross / np.sqrt(np.maximum(one * other, 1e-4))


def returned(photo: Photo, expected: Floats, edited: Floats, where: Origins) -> Floats:
    """Add what redrawing took from the photograph, at the place that shows the same.

    Args:
        photo: uint8 [H, W, 3].
        expected: as soft as the edited picture, float32 [H, W, 3].
        edited: in register and in the photograph's colours, float32 [H, W, 3].
        where: see `origins`.

    Returns:
        float32 [H, W, 3], not clipped.

    Raises:
        ShapeMismatch: the pictures differ in size.
    """
    require_same_size(photo=photo, expected=expected, edited=edited, share=where.share)
    lost = photo.astype(np.float32) - expected
    height, width = where.share.shape
    places = centres(width, height) + np.moveaxis(where.offsets, 0, 2)
    return edited + where.share[..., None] * sample(lost, places)
