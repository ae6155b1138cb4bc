"""sfe: the codes that SFE's inverter gives, and e4e's beside them, which lead its edits.

Both are relative to the generator's mean code, whatever mean e4e's own file holds, and both
networks see the photo resized without antialias. Source: `models/methods.py` of StyleFeatureEditor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unripple.conventions import BadCheckpoint, WPlus
from unripple.stages.align import Aligned
from unripple.stages.interface import Model, Work
from unripple.stages.projectors import Projector

if TYPE_CHECKING:
    from torch import Tensor


def project(works: Sequence[Work]) -> list[WPlus]:
    """The inverter's codes, each float32 [L, W]."""
    return [_codes(work, work.load("inverter"), lambda said: said[0]) for work in works]


def guides(works: Sequence[Work]) -> list[WPlus]:
    """The codes of e4e, each float32 [L, W]."""
    return [_codes(work, work.load("encoder"), lambda said: said) for work in works]


def _codes(work: Work, model: Model, chosen: Any) -> WPlus:
    import torch

    mean = mean_code(work.load("generator"))
    with torch.inference_mode():
        said = model.net(looked_at(work.input(Aligned, "align").picture, model))
        codes = chosen(said)[0].float().cpu() + torch.as_tensor(mean).float().cpu()
        w_plus: WPlus = codes.numpy().astype(np.float32)
    return w_plus


def looked_at(picture: Any, model: Model) -> Tensor:
    """What an encoder sees of a picture uint8 [S, S, 3]: [1, 3, n, n] in [-1, 1]."""
    from unripple.models.sfe import seen
    from unripple.ops.tensors import device_of, to_tensor

    return seen(to_tensor(picture, device=device_of(model.net)), model.size_px)


def mean_code(generator: Model) -> Any:
    """The generator's mean code, [W] or [L, W].

    Raises:
        BadCheckpoint: its file lacks the mean.
    """
    if "latent_avg" not in generator.extras:
        raise BadCheckpoint(
            f"{generator.path}: lacks `latent_avg`, the mean code that sfe adds to its codes; take "
            "a generator whose file holds it, like stylegan2, under models.generator"
        )
    return generator.extras["latent_avg"]


METHOD = Projector(
    name="sfe",
    help="SFE's codes and e4e's beside them (chosen by invert.method sfe)",
    roles=("inverter", "encoder", "generator"),
    project=project,
    guides=guides,
)
