"""style: channels of style space, of which a degree is so many lengths to add (StyleSpace)."""

from __future__ import annotations

import numpy as np

from unripple.conventions import Floats, WPlus
from unripple.stages.families import Family
from unripple.stages.interface import Direction


def move(
    w_plus: WPlus,
    direction: Direction,  # noqa: ARG001
    degree: float,  # noqa: ARG001
    *,
    first_code: int,  # noqa: ARG001
    end_code: int | None,  # noqa: ARG001
) -> WPlus:
    """See `Family`; codes stay as they are, for styles move."""
    return w_plus


def styles(direction: Direction, degree: float) -> Floats:
    """See `Family`; 0 changes nothing."""
    step: Floats = np.float32(degree) * direction.vector.astype(np.float32)
    return step


METHOD = Family(name="style", help="channels of style space", move=move, styles=styles)
