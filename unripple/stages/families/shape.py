"""shape: points of a 3-D head that move, of which a degree is so much of it; codes stay.

Such a direction changes the photo's own pixels (`edit.attributes`), whatever the generator. Its
vector holds a row per point: its place in the head's frame, how far it moves per degree ([N, 6]),
and where it bends how far per square of a degree ([N, 9]). The last rows are those of the face
mesh, see `ops.shaping`.
"""

from __future__ import annotations

import numpy as np

from unripple.conventions import Floats
from unripple.stages.families import Family, codes_stay
from unripple.stages.interface import Direction


def displace(direction: Direction, degree: float) -> Floats:
    """See `Family`; 0 moves nothing."""
    rows = direction.vector.astype(np.float64)
    moved: Floats = degree * rows[:, 3:6]
    return moved if rows.shape[1] == 6 else moved + degree * degree * rows[:, 6:9]


def places(direction: Direction) -> Floats:
    """The points of a direction in the head's frame, float64 [N, 3]."""
    rows: Floats = direction.vector[:, :3].astype(np.float64)
    return rows


METHOD = Family(name="shape", help="points of a 3-D head", move=codes_stay, displace=displace)
