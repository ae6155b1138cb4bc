"""geometry: the photo's own pixels on a 3-D head."""

from __future__ import annotations

import numpy as np

from unripple.conventions import NoFace
from unripple.stages.align import Aligned
from unripple.stages.edit import Edited, EditSettings, edit_by_geometry
from unripple.stages.interface import Work
from unripple.stages.parse import ParseSettings, labels_of
from unripple.stages.turns import Turn


def edit(work: Work, settings: EditSettings) -> Edited:
    """See `stages.edit.edit_by_geometry`.

    Raises:
        NoFace: nobody looked for landmarks, or they are not those of a face.
    """
    aligned, head = work.input(Aligned, "align"), work.load("head")
    landmarks, turn_deg = aligned.landmarks_in_crop, settings.turn_deg
    assert turn_deg is not None
    if np.isnan(landmarks).any():
        raise NoFace(
            "edit.turn geometry needs the landmarks of the face, and align.mode aligned looks for "
            "none; set align.mode to mtcnn or embedded, or edit.turn to generator"
        )
    parsing = ParseSettings(scales=settings.scales, person=settings.person)
    labels = labels_of(work, aligned.picture, parsing)
    try:
        return edit_by_geometry(aligned.picture, labels, landmarks, head.net, turn_deg=turn_deg)
    except NoFace as error:
        raise NoFace(f"{error}; mark them by hand, or set edit.turn to generator") from error


METHOD = Turn(
    name="geometry",
    help="the photo's own pixels on a 3-D head",
    roles=("head", "parser"),
    edit=edit,
    rank=2,
)
