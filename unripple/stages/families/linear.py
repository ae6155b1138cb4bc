"""linear: a vector, of which a degree is so many lengths to go along it (InterFaceGAN)."""

from __future__ import annotations

from unripple.conventions import WPlus
from unripple.stages.families import Family
from unripple.stages.interface import Direction
from unripple.stages.translate import translate


def move(
    w_plus: WPlus, direction: Direction, degree: float, *, first_code: int, end_code: int | None
) -> WPlus:
    """See `Family`; 0 changes nothing."""
    return translate(w_plus, direction.vector, degree, first_code=first_code, end_code=end_code)


METHOD = Family(name="linear", help="so many lengths along a vector", move=move)
