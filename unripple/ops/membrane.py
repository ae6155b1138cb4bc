"""Continuing values into holes as a membrane would.

A pyramid gives it at large, averaging takes the pyramid's steps away.

Source: Burt 1988, "Moment images, polynomial fit filters, and the problem of surface
interpolation"; the membrane is the solution of Laplace's equation.
"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats, Mask

_KNOWN = 0.9
_ROUNDS = 24
"""Of averaging, on every level of the pyramid."""


def membrane(values: Floats, known: Mask) -> Floats:
    """Continue values into where they are unknown, as smoothly as a membrane.

    Args:
        values: float32 [H, W] or [H, W, C], C being 3 or so.
        known: bool [H, W]; nothing known gives 0.

    Returns:
        float32, as the values, and the values themselves where they are known.
    """
    where = known if values.ndim == 2 else known[..., None]
    kept = np.where(where, values, 0).astype(np.float32)
    if not known.any():
        return kept
    return np.where(where, kept, _pulled(kept, known.astype(np.float32)))


def _pulled(weighted: Floats, weight: Floats) -> Floats:
    """Means of what is known, from the finest level of a pyramid that knows any."""
    height, width = weight.shape
    share = weight if weighted.ndim == 2 else weight[..., None]
    mean: Floats = weighted / np.maximum(share, 1e-6)
    if min(height, width) < 2 or (weight > 0).all():
        return mean
    coarse = _pulled(cv2.pyrDown(weighted), cv2.pyrDown(weight))
    wide: Floats = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    # The mean of what is partly known lies nearer to the border than the cell: only a last resort.
    share = (share > _KNOWN).astype(np.float32)
    for _ in range(_ROUNDS):
        filled = cv2.blur(wide, (3, 3), borderType=cv2.BORDER_REPLICATE)
        wide = filled + share * (mean - filled)
    return wide
