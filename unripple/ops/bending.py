"""How an editor bent a picture beyond what a homogeneous map explains.

Source: own; the dense flow is OpenCV's DIS (Kroeger et al. 2016).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.homography import normalised
from unripple.ops.registration import BANDS_PX, correlation


def bend(photo: Floats, edited: Floats, outside: Mask) -> Floats | None:
    """How an editor bent the picture beside what a homography explains: a smooth flow, or None.

    Dense flow is taken where it is credible (there is structure, both directions agree, and the
    pixels may vote), spread smoothly over the rest, and kept only if it brings both pictures
    nearer to each other in windows that took no part in it: noise does not bend anything.

    Args:
        photo, edited: luminance in register by a homography, float32 [H, W].
        outside: pixels that may vote, bool [H, W].

    Returns:
        float32 [H, W, 2]: what is at (x, y) of the photograph is at (x, y) + flow of the edited
        picture, px.
    """
    both = [_bytes(normalised(grey, max(4.0, max(grey.shape) / 40))) for grey in (photo, edited)]
    finder: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = finder.calc(*both, None), finder.calc(*both[::-1], None)
    height, width = photo.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    returned = cv2.remap(back, columns + there[..., 0], rows + there[..., 1], cv2.INTER_LINEAR)
    alike, detailed = correlation(photo, edited, *BANDS_PX[0])
    steady = np.hypot(*np.moveaxis(there + returned, 2, 0)) < 0.5
    votes = (steady & detailed & (alike > 0.6) & outside).astype(np.float32)
    # Every other window of a chess board is kept for the judgement.
    window = max(16, max(photo.shape) // 16)
    board = ((rows // window + columns // window) % 2).astype(np.float32)
    judged = votes * (board > 0)
    if judged.sum() < 200 or (votes - judged).sum() < 200:
        return None
    trial = _spread(there, votes - judged)
    kept = judged > 0
    left, was = (np.linalg.norm((there - flow)[kept], axis=-1) for flow in (trial, 0 * trial))
    if np.median(left) > 0.7 * np.median(was) or np.median(was) < 0.08:
        return None
    return _spread(there, votes)


def _bytes(values: Floats) -> Photo:
    return np.clip(values * 48 + 128, 0, 255).astype(np.uint8)


def _spread(flow: Floats, votes: Floats) -> Floats:
    """A flow where there are votes, smoothed and carried on to where there are none."""
    sigma = max(flow.shape[:2]) / 14
    weight = cv2.GaussianBlur(votes, (0, 0), sigma) + 1e-4  # far from all votes, no flow
    smooth = cv2.GaussianBlur(flow * votes[..., None], (0, 0), sigma) / weight[..., None]
    return smooth.astype(np.float32)
