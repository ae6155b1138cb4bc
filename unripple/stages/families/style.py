"""style: channels of style space, of which a degree is so many lengths to add (StyleSpace)."""

from __future__ import annotations

import numpy as np

from unripple.conventions import Floats
from unripple.stages.families import Family, codes_stay
from unripple.stages.interface import Direction


def styles(direction: Direction, degree: float) -> Floats:
    """See `Family`; 0 changes nothing."""
    step: Floats = np.float32(degree) * direction.vector.astype(np.float32)
    return step


METHOD = Family(name="style", help="channels of style space", move=codes_stay, styles=styles)
