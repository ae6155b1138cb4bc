"""auto: by geometry where the generator cannot draw the photo, as photographs, else by it."""

from __future__ import annotations

import numpy as np

from unripple.stages.align import Aligned
from unripple.stages.edit import FOREIGN_DB, Edited, EditSettings, drawn_db
from unripple.stages.interface import Work
from unripple.stages.invert import Inverted
from unripple.stages.turns import Turn, generator, geometry


def edit(work: Work, settings: EditSettings) -> Edited:
    """By whichever suits this photo."""
    way = geometry.edit if is_foreign(work) else generator.edit
    return way(work, settings)


def is_foreign(work: Work) -> bool:
    """Whether the photo is not of the generator's world; not, where nobody can tell."""
    aligned, residual = work.input(Aligned, "align"), work.input(Inverted, "invert").residual
    landmarks = aligned.landmarks_in_crop
    if residual is None or np.isnan(landmarks).any():
        return False
    return drawn_db(residual, landmarks / aligned.picture.shape[0]) < FOREIGN_DB


METHOD = Turn(
    name="auto",
    help="geometry where the generator cannot draw the photo, as photographs",
    roles=geometry.METHOD.roles,
    edit=edit,
    rank=1,
)
