"""e4e: codes relative to a mean, which the file holds beside the weights."""

from __future__ import annotations

from unripple.conventions import BadCheckpoint, Photo, WPlus
from unripple.stages.encoders import Encoder
from unripple.stages.interface import Model
from unripple.stages.project import project


def codes(picture: Photo, model: Model) -> WPlus:
    """See `stages.project.project`.

    Raises:
        BadCheckpoint: the file lacks the mean.
    """
    if "latent_avg" not in model.extras:
        raise BadCheckpoint(f"{model.path}: lacks `latent_avg`, the mean that codes start from")
    mean = model.extras["latent_avg"]
    return project(picture, model.net, mean, net_size_px=model.size_px)


METHOD = Encoder(name="e4e", help="codes relative to a mean", codes=codes)
