"""aligned: the photo is a face crop already."""

from __future__ import annotations

from unripple.stages.align import Aligned, AlignSettings, already_aligned
from unripple.stages.finders import Finder
from unripple.stages.interface import Work


def crops(work: Work, settings: AlignSettings) -> list[Aligned]:
    """See `stages.align.already_aligned`."""
    assert work.photo is not None
    photo = work.photo.srgb
    return [already_aligned(photo, size_px=settings.side_px(photo.shape[0]))]


METHOD = Finder(name="aligned", help="the photo is a face crop already", crops=crops, rank=4)
