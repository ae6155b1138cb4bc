"""Parsers: networks that label the parts of a picture, each with its own eyes and labels.

A parser is a module here with a `METHOD`, named as the network in `zoo.networks`; which one is
asked, the models say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from unripple.conventions import Floats, Labels, Photo
from unripple.stages.interface import Method, Model, Registry

if TYPE_CHECKING:
    from unripple.stages.parse import ParseSettings, Plain


class Labelling(Protocol):
    """Labels a picture."""

    def __call__(
        self, picture: Photo, model: Model, settings: ParseSettings, plain: Plain | None, /
    ) -> Labels:
        """Picture uint8 [H, W, 3], and the edit without the photo's details for those that
        compare -> `Face`, uint8 [H, W]."""
        ...


class Seeing(Protocol):
    """Says how sure it is to see background."""

    def __call__(self, picture: Photo, model: Model, settings: ParseSettings, /) -> Floats:
        """Picture uint8 [H, W, 3] -> shares in [0, 1], float32 [H, W]."""
        ...


@dataclass(frozen=True, kw_only=True)
class Parser(Method):
    """A network that parses.

    Attributes:
        labels: asks it.
        background: asks it for the background alone.
        compares: whether it looks at the edit without the photo's details, too.
    """

    labels: Labelling
    background: Seeing
    compares: bool = False


PARSERS = Registry(__name__, Parser)
