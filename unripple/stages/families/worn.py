"""worn: a thing put on, rendered on the mean head in the photo's pose and light; codes stay.

Such a direction changes the photo's own pixels (`edit.attributes`), whatever the generator. Its
vector says how the thing looks: values of the first of the face world's factors `LOOKS`, in their
order. It is worn or not: from `WORN` degrees on it is there.
"""

from __future__ import annotations

from unripple.stages.families import Family, codes_stay
from unripple.stages.interface import Direction

LOOKS = (
    *("glasses", "glasses_shape", "glasses_dark"),
    *("hat", "hat_brim", "hat_hue", "cloth_value"),
)
WORN = 1.0


def looks(direction: Direction) -> dict[str, float]:
    """See `Family`."""
    return {name: float(value) for name, value in zip(LOOKS, direction.vector, strict=False)}


METHOD = Family(name="worn", help="a thing that is put on", move=codes_stay, looks=looks)
