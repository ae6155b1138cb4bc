"""anycost_encoder: holds its mean itself, and resizes in its own way."""

from __future__ import annotations

from unripple.conventions import Photo, WPlus
from unripple.stages.encoders import Encoder
from unripple.stages.interface import Model
from unripple.stages.project import project_by_anycost


def codes(picture: Photo, model: Model) -> WPlus:
    """See `stages.project.project_by_anycost`."""
    return project_by_anycost(picture, model.net)


METHOD = Encoder(name="anycost_encoder", help="anycost's own", codes=codes)
