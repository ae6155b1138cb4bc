"""detail: fine light and shade on the skin, bound to the points of a 3-D head; codes stay.

Such a direction changes the photo's own pixels (`edit.attributes`), whatever the generator. Its
vector is a picture of the mean head's front, [3 * H, W]: by which the light is multiplied, as its
logarithm, red above green above blue. A degree is a third of it. The picture shows `WINDOW`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unripple.conventions import Floats
from unripple.stages.families import Family, codes_stay
from unripple.stages.interface import Direction

THIRD = 1 / 3


class Window(NamedTuple):
    """What of the head's front a detail's picture shows, head units: x right, y down."""

    left: float
    top: float
    right: float
    bottom: float


PER_PX = 0.0078
"""Head units per px of such a picture."""
WINDOW = Window(-0.78, -0.72, 0.78, 1.08)
BELOW_EYE, BELOW_EYE_REACH = (0.29, 0.155), (0.21, 0.10)
"""Middle and half axes of the skin below an eye of the mean head, head units: x right, y down."""


def shading(direction: Direction, degree: float) -> Floats:
    """See `Family`; 0 changes nothing."""
    rows = direction.vector.reshape(3, -1, direction.vector.shape[-1])
    logarithm: Floats = np.moveaxis(rows, 0, -1).astype(np.float32) * np.float32(degree * THIRD)
    return logarithm


METHOD = Family(
    name="detail", help="fine light and shade on the skin", move=codes_stay, shading=shading
)
