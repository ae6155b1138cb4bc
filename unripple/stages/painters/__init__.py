"""Painters: who fills holes in pictures.

A painter is a module here with a `METHOD`; `inpaint.painter` names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from unripple.conventions import Mask, Photo
from unripple.stages.interface import Method, Registry, Work

Fill: TypeAlias = Callable[[Photo, Mask], Photo]
"""Photo [H, W, 3] and hole [H, W] -> a picture; only its hole is used."""


@dataclass(frozen=True, kw_only=True)
class Painter(Method):
    """A painter.

    Attributes:
        fill: makes it ready, with the networks of a work.
    """

    fill: Callable[[Work], Fill]


PAINTERS = Registry(__name__, Painter)
