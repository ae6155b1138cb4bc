"""Finders: who finds the faces in a photograph.

A finder is a module here with a `METHOD`; `align.mode` and the sheet's column `align` name it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unripple.stages.interface import Method, Registry, Work

if TYPE_CHECKING:
    from unripple.stages.align import Aligned, AlignSettings


@dataclass(frozen=True, kw_only=True)
class Finder(Method):
    """A way to find faces.

    Attributes:
        crops: those faces that the settings ask for, cut out, the largest first.
        by_hand: whether it asks for the landmarks that a file names.
    """

    crops: Callable[[Work, AlignSettings], list[Aligned]]
    by_hand: bool = False


FINDERS = Registry(__name__, Finder)
