"""restyle: ReStyle's codes, corrected after every look at what they draw, from the average on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unripple.conventions import BadCheckpoint, Photo, WPlus
from unripple.stages.align import Aligned
from unripple.stages.interface import Progress, Settings, Values, Work, knob
from unripple.stages.projectors import Projector, photo_by_photo

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.restyle import RestyleEncoder, RestyleResNetEncoder
    from unripple.models.stylegan2 import Generator


@dataclass(frozen=True, kw_only=True)
class RestyleSettings(Settings):
    """How long it looks."""

    iterations: int = knob(5, "how often it looks (published: 5)", minimum=1, maximum=20)


def encode(
    picture: Photo,
    encoder: RestyleEncoder | RestyleResNetEncoder,
    generator: Generator,
    mean: Tensor,
    *,
    iterations: int,
    net_size_px: int,
    tell: Progress | None = None,
) -> WPlus:
    """Encode a picture; the first look is at the picture of the mean code.

    Args:
        picture: uint8 [S, S, 3].
        encoder: ReStyle's.
        generator: that it was trained with.
        mean: [W] or [L, W].
        iterations: how often to look.
        net_size_px: side at which the encoder looks (256 in the published one).
        tell: whom to tell of every iteration, with the mean square difference of what it drew.

    Returns:
        w_plus, float32 [L, W].
    """
    import torch

    from unripple.models.layers.framing import pooled
    from unripple.models.restyle import refined
    from unripple.ops.tensors import device_of, resized, to_tensor

    with torch.inference_mode():
        device = device_of(encoder)
        shown = to_tensor(resized(picture, net_size_px), device=device)
        steps = refined(encoder, generator, shown, mean.to(device), iterations=iterations)
        for n, step in enumerate(steps, start=1):
            if tell is not None:
                drawn = pooled(step.picture, (net_size_px, net_size_px))
                tell(n, iterations, float((drawn - shown).square().mean()))
        w_plus: WPlus = step.codes[0].float().cpu().numpy().astype(np.float32)
    return w_plus


def _project(work: Work) -> WPlus:
    model, generator = work.load("restyle"), work.load("generator").net
    return encode(
        work.input(Aligned, "align").picture,
        model.net,
        generator,
        mean_code(work, "restyle"),
        iterations=METHOD.own(work.settings).iterations,
        net_size_px=model.size_px,
        tell=work.on_progress,
    )


def mean_code(work: Work, role: str) -> Tensor:
    """The mean that codes are relative to, [W] or [L, W], of an encoder or of its generator.

    Raises:
        BadCheckpoint: neither file holds it.
    """
    model, generator = work.load(role), work.load("generator")
    mean = model.extras.get("latent_avg", generator.extras.get("latent_avg"))
    if mean is None:
        raise BadCheckpoint(
            f"{model.path}: lacks `latent_avg`, the mean that codes start from, and so does "
            f"{generator.path}; name files that hold it under models.{role} or models.generator"
        )
    return mean.float()


def _decide(settings: Values) -> Values:
    return {"method": METHOD.name, METHOD.name: settings.get(METHOD.name, {})}


METHOD = Projector(
    name="restyle",
    help="corrected after every look at what it draws",
    settings=RestyleSettings,
    roles=("restyle", "generator"),
    project=photo_by_photo(_project),
    decide=_decide,
    rank=3,
)
