"""embedded: our own landmark network, which knows rendered faces best."""

from __future__ import annotations

from unripple.stages import align as stage
from unripple.stages.align import Aligned, AlignSettings
from unripple.stages.finders import Finder
from unripple.stages.interface import Work


def crops(work: Work, settings: AlignSettings) -> list[Aligned]:
    """See `stages.align.faces_by_network`."""
    assert work.photo is not None
    faces = stage.found_by_network(work, settings)
    return stage.cut_out(work.photo.srgb, faces, settings)


METHOD = Finder(
    name="embedded", help="rendered faces only", roles=("landmarks",), crops=crops, rank=1
)
