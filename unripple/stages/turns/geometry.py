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
    landmarks = aligned.landmarks_in_crop
    assert settings.turn_deg is not None
    if np.isnan(landmarks).any():
        raise NoFace(
            "edit.turn geometry needs the landmarks of the face, and align.mode aligned looks for "
            "none; set align.mode to mtcnn or embedded, or edit.turn to generator"
        )
    parsing = ParseSettings(scales=settings.scales, person=settings.person)
    labels = labels_of(work, aligned.picture, parsing)
    try:
        return edit_by_geometry(
            aligned.picture,
            labels,
            landmarks,
            head.net,
            turn_deg=settings.turn_deg,
            pitch_deg=settings.pitch_deg,
            roll_deg=settings.roll_deg,
            towards=settings.towards,
            upright_deg=aligned.tilt_deg,
        )
    except NoFace as error:
        raise NoFace(f"{error}; mark them by hand, or set edit.turn to generator") from error


METHOD = Turn(
    name="geometry",
    help="the photo's own pixels on a 3-D head",
    roles=("head", "parser"),
    edit=edit,
    rank=2,
)
