"""encoder: the codes that a network gives, one picture after the other."""

from __future__ import annotations

from collections.abc import Sequence

from unripple.conventions import WPlus
from unripple.stages.align import Aligned
from unripple.stages.encoders import ENCODERS
from unripple.stages.interface import Work, always
from unripple.stages.projectors import Projector


def project(works: Sequence[Work]) -> list[WPlus]:
    """The codes of pictures, each float32 [L, W]."""
    codes = []
    for work in works:
        model = work.load("encoder")
        picture = work.input(Aligned, "align").picture
        codes.append(ENCODERS[model.network].codes(picture, model))
    return codes


METHOD = Projector(
    name="encoder",
    help="what a network says",
    roles=("encoder",),
    project=project,
    decide=always({}),
    rank=1,
)
