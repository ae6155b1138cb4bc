"""direct: the edited picture with its ripple painted over, as the sources do."""

from __future__ import annotations

from unripple.conventions import Photo
from unripple.stages.compose import Composed, ComposeSettings, compose_direct
from unripple.stages.composers import Composer
from unripple.stages.inpaint import Inpainted
from unripple.stages.interface import Work


def compose(work: Work, photo: Photo, settings: ComposeSettings) -> Composed:  # noqa: ARG001
    """See `stages.compose.compose_direct`."""
    return compose_direct(work.input(Inpainted, "inpaint").plate)


METHOD = Composer(
    name="direct",
    help="paint over the ripple in the edit",
    compose=compose,
    paints="edited",
    rank=2,
)
