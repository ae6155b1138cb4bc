"""file: landmarks that somebody marked by hand."""

from __future__ import annotations

import numpy as np

from unripple.conventions import NoFace
from unripple.stages.align import NOT_NAMED, Aligned, AlignSettings, cut_out
from unripple.stages.finders import Finder
from unripple.stages.interface import Work


def crops(work: Work, settings: AlignSettings) -> list[Aligned]:
    """The one face that the file names.

    Raises:
        NoFace: it does not name this photo.
    """
    assert work.photo is not None
    photo = work.photo.srgb
    if settings.points is None:
        raise NoFace(NOT_NAMED)
    return cut_out(photo, [np.array(settings.points, np.float32)], settings)


METHOD = Finder(name="file", help="align.landmarks", crops=crops, by_hand=True, rank=3)
