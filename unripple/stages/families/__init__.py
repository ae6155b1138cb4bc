"""Families of directions: how to go there, and what a degree is.

A family is a module here with a `METHOD`; the word `family` of a direction names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from unripple.conventions import Floats, WPlus
from unripple.ops.recolour import Contrast
from unripple.stages.interface import Direction, Method, Registry


class Move(Protocol):
    """Moves codes along a direction."""

    def __call__(
        self,
        w_plus: WPlus,
        direction: Direction,
        degree: float,
        *,
        first_code: int,
        end_code: int | None,
    ) -> WPlus:
        """Codes float32 [L, W], some of which move, as in a slice -> likewise."""
        ...


@dataclass(frozen=True, kw_only=True)
class Family(Method):
    """A family of directions.

    Attributes:
        move: goes along a direction of it.
        styles: what (direction, degree) adds to the styles, float32 [S], see `models.style_moves`;
            None for families that move codes alone.
        displace: by how much (direction, degree) moves the points of a 3-D head, float64 [N, 3];
            None for families that move none.
        recolour: (direction, degree, mean colour of the part it is about, linear light [3]) -> its
            new mean colour, and what becomes of its pattern; None for families that colour nothing.
        shading: (direction, degree) -> the logarithm by which light on the mean head's front is
            multiplied, float32 [H, W, 3], see `families.detail`; None for families without.
        looks: how a thing that is put on looks, by factors of the face world; None for others.
        form: how much of a form of hair (direction, degree) is, 1 is all of it; None for others.
    """

    move: Move
    styles: Callable[[Direction, float], Floats] | None = None
    displace: Callable[[Direction, float], Floats] | None = None
    recolour: Callable[[Direction, float, Floats], tuple[Floats, Contrast]] | None = None
    shading: Callable[[Direction, float], Floats] | None = None
    looks: Callable[[Direction], dict[str, float]] | None = None
    form: Callable[[Direction, float], float] | None = None


def codes_stay(
    w_plus: WPlus,
    direction: Direction,  # noqa: ARG001
    degree: float,  # noqa: ARG001
    *,
    first_code: int,  # noqa: ARG001
    end_code: int | None,  # noqa: ARG001
) -> WPlus:
    """The `move` of families that change something else: styles, or the photo's own pixels."""
    return w_plus


FAMILIES = Registry(__name__, Family)
