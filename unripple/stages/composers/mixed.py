"""mixed: the picture that `mix` made, of recipe ceteris_paribus."""

from __future__ import annotations

from unripple.conventions import Photo
from unripple.stages.compose import Composed, ComposeSettings, compose_mixed, fine_share
from unripple.stages.composers import Composer
from unripple.stages.edit import Edited
from unripple.stages.interface import Work
from unripple.stages.mix import Mixed
from unripple.stages.parse import Parsed


def compose(work: Work, photo: Photo, settings: ComposeSettings) -> Composed:  # noqa: ARG001
    """Take the mixed picture, and find out where it differs from the photo."""
    composed = compose_mixed(photo, work.input(Mixed, "mix").picture)
    motion = work.input(Edited, "edit").motion
    if motion is None:
        return composed
    labels = work.input(Parsed, "parse@edit").labels
    return composed._replace(detail=fine_share(motion[2], composed.touched, labels, detail=1.0))


METHOD = Composer(name="mixed", help="what `mix` made (ceteris_paribus)", compose=compose, rank=4)
