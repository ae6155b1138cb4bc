"""Families of directions: how to go there, and what a degree is.

A family is a module here with a `METHOD`; the word `family` of a direction names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from unripple.conventions import Floats, WPlus
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
    """

    move: Move
    styles: Callable[[Direction, float], Floats] | None = None


FAMILIES = Registry(__name__, Family)
