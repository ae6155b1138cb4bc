"""How far another program's background may be believed where its photograph shows none.

Source: own.
"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.masks import require_same_size

_REACH_SHARE = 1 / 16  # of the longer side: so far what surrounds a place speaks for it
_LOW_PASS_SHARE = 1 / 256  # of the longer side; what is finer is noise and lost sharpness
_FLAT = 8.0  # levels; in a plain wall that much is no disagreement
_GOOD, _BAD = 0.2, 0.35
"""Shares of the photograph's variance that a background fails to explain. One that was merely
blurred leaves up to .06, one that was invented anew 1 and more."""


def believable(photo: Photo, edited: Photo, comparable: Mask) -> Floats:
    """Compare two backgrounds around each place, and tell how well the edited one fits there.

    An editor that shows the photograph's background wherever both can be seen will have shown
    the true one behind the person, too; one that invented it anew has not.

    Args:
        photo, edited: in register and of the same colours, uint8 [H, W, 3].
        comparable: background in both pictures, bool [H, W].

    Returns:
        0 for another background to 1 for the same, float32 [H, W]; 0 far from all that can be
        compared.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(photo=photo, edited=edited, comparable=comparable)
    longer, votes = max(comparable.shape), comparable.astype(np.float32)
    reach_px = _REACH_SHARE * longer
    weight = cv2.GaussianBlur(votes, (0, 0), reach_px)

    def nearby(values: Floats) -> Floats:
        share = votes if values.ndim == 2 else votes[..., None]
        summed = cv2.GaussianBlur(values * share, (0, 0), reach_px)
        safe = np.maximum(weight, 1e-4)
        return summed / (safe if values.ndim == 2 else safe[..., None])

    ours, theirs = (picture.astype(np.float32) for picture in (photo, edited))
    low = [cv2.GaussianBlur(one, (0, 0), _LOW_PASS_SHARE * longer) for one in (ours, theirs)]
    error = nearby(((low[0] - low[1]) ** 2).mean(2))
    variance = nearby(((ours - nearby(ours)) ** 2).mean(2))
    unexplained = error / (variance + _FLAT**2)
    fits = np.clip((_BAD - unexplained) / (_BAD - _GOOD), 0, 1)
    return np.where(weight > 1e-3, fits, 0).astype(np.float32)
