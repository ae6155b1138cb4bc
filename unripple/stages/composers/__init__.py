"""Ways to make one picture of the edit and the photo's background.

A way is a module here with a `METHOD`; `compose.method` names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unripple.conventions import Photo
from unripple.stages.interface import Method, Registry, Work

if TYPE_CHECKING:
    from unripple.stages.compose import Composed, ComposeSettings


@dataclass(frozen=True, kw_only=True)
class Composer(Method):
    """A way to compose.

    Attributes:
        compose: (work, the aligned photo, settings) -> the composed picture.
        paints: what `inpaint` paints for it: the "photo" behind the person, or the "edited"
            picture where it ripples.
        sees_to_tone: whether it brings a grey or toned photo's edit to the photo's tone itself.
    """

    compose: Callable[[Work, Photo, ComposeSettings], Composed]
    paints: str = "photo"
    sees_to_tone: bool = False


COMPOSERS = Registry(__name__, Composer)
