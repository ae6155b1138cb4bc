"""Turns: who turns a head.

A way to turn is a module here with a `METHOD`; `edit.turn` names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unripple.stages.interface import Method, Registry, Values, Work

if TYPE_CHECKING:
    from unripple.stages.edit import Edited, EditSettings


@dataclass(frozen=True, kw_only=True)
class Turn(Method):
    """A way to turn heads.

    Attributes:
        edit: makes the edited picture.
        by_degrees: whether it wants to know how far, and how a photo is parsed.
    """

    edit: Callable[[Work, EditSettings], Edited]
    by_degrees: bool = True

    def needs(self, settings: Values) -> tuple[str, ...]:
        """Networks beside those of the inverter; with the one of persons, where it has a say."""
        parsed = "parser" in self.roles and settings.get("person")
        return (*self.roles, "person") if parsed else self.roles


TURNS = Registry(__name__, Turn)
