"""hair: the form of hair on the photo's own pixels, a fringe or more volume; codes stay.

Such a direction changes the photo's own pixels (`edit.attributes`), whatever the generator. Its
vector says how much of the form a degree is.
"""

from __future__ import annotations

from unripple.stages.families import Family, codes_stay
from unripple.stages.interface import Direction


def form(direction: Direction, degree: float) -> float:
    """See `Family`; 0 changes nothing."""
    return degree * float(direction.vector[0])


METHOD = Family(name="hair", help="the form of hair", move=codes_stay, form=form)
