"""or: foreground and painted background by a bitwise OR of bytes (Lim 2022)."""

from __future__ import annotations

from unripple.conventions import Photo
from unripple.stages.compose import Composed, ComposeSettings, compose_or
from unripple.stages.composers import Composer
from unripple.stages.edit import Edited
from unripple.stages.foreground import Foreground
from unripple.stages.inpaint import Inpainted
from unripple.stages.interface import Work


def compose(work: Work, photo: Photo, settings: ComposeSettings) -> Composed:  # noqa: ARG001
    """See `stages.compose.compose_or`."""
    painted, near = work.input(Inpainted, "inpaint"), work.input(Foreground, "foreground").after
    return compose_or(work.input(Edited, "edit").picture, painted.plate, painted.hole, near)


METHOD = Composer(name="or", help="a bitwise OR of bytes (Lim 2022)", compose=compose, rank=3)
