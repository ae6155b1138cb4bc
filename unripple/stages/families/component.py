"""component: a principal component, on which a degree is a place to go to (GANSpace)."""

from __future__ import annotations

from unripple.conventions import WPlus
from unripple.stages.families import Family
from unripple.stages.interface import Direction
from unripple.stages.translate import translate


def move(
    w_plus: WPlus, direction: Direction, degree: float, *, first_code: int, end_code: int | None
) -> WPlus:
    """See `Family`; the place is in standard deviations from the mean."""
    return translate(w_plus, direction.component, degree, first_code=first_code, end_code=end_code)


METHOD = Family(name="component", help="a place on a principal component", move=move)
