"""translate: move codes along a direction."""

from __future__ import annotations

import numpy as np

from unripple.conventions import Floats, ShapeMismatch, WPlus


def translate(
    w_plus: WPlus,
    direction: Floats,
    degree: float,
    *,
    first_code: int = 0,
    end_code: int | None = None,
) -> WPlus:
    """Add `degree` times a direction to some of the codes; the others keep their bits.

    Args:
        w_plus: float32 [L, W].
        direction: [W] for every code alike, or [L, W].
        degree: how far to go, in lengths of the direction; 0 changes nothing.
        first_code, end_code: the codes that move, as in a slice. Early ones hold pose and shape,
            late ones colour.

    Returns:
        float32 [L, W].

    Raises:
        ShapeMismatch: the direction fits neither a code nor all of them.
    """
    if direction.shape not in (w_plus.shape, w_plus.shape[1:]):
        raise ShapeMismatch(
            f"a direction for codes {list(w_plus.shape)} must be {list(w_plus.shape)} or "
            f"{list(w_plus.shape[1:])}, got {list(direction.shape)}; "
            "was it found on another generator?"
        )
    moved = w_plus.copy()
    chosen = slice(first_code, end_code)
    step = np.broadcast_to(direction, w_plus.shape)[chosen].astype(np.float32)
    moved[chosen] += np.float32(degree) * step
    return moved
