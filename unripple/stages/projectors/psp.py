"""psp: what pSp says, and an error where the encoder chosen is another one."""

from __future__ import annotations

from collections.abc import Sequence

from unripple.conventions import BadConfig, WPlus
from unripple.stages.interface import Work
from unripple.stages.projectors import Projector
from unripple.stages.projectors.encoder import project as encode


def project(works: Sequence[Work]) -> list[WPlus]:
    """As `encoder`.

    Raises:
        BadConfig: the encoder chosen is no pSp.
    """
    encoder = works[0].load("encoder")
    if encoder.network != "psp":
        raise BadConfig(
            f"project.method: psp wants a pSp encoder, and models.encoder is {encoder.network} "
            f"({encoder.path}); choose one there, or method encoder"
        )
    return encode(works)


METHOD = Projector(
    name="psp",
    help="what pSp says",
    roles=("encoder",),
    project=project,
    rank=4,
)
