"""ReStyle's two iterations from the average picture, by both of its e4e encoders, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models import restyle, stylegan2
from unripple.models.layers.framing import pooled

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, running  # noqa: TID252
from .hfgi import network

OP = "restyle.invert"
ITERATIONS = 2
SIZE = (256, 256)


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Codes and pictures of every iteration."""
    state, photo = golden.state, golden.inputs["x"].to(device)
    generator = network(stylegan2, "Generator", part(state, "decoder."), device)
    assert isinstance(generator, stylegan2.Generator)
    mean = state["latent_avg"].to(device)
    computed: dict[str, Tensor] = {}
    with running(device, dtype):
        computed["average"] = pooled(generator.synthesize(mean[None]), SIZE)[0]
        for prefix, name in (("", "RestyleEncoder"), ("resnet_", "RestyleResNetEncoder")):
            encoder = network(restyle, name, part(state, f"{prefix}encoder."), device)
            steps = restyle.refined(encoder, generator, photo, mean, iterations=ITERATIONS)
            for n, step in enumerate(steps, start=1):
                computed[f"{prefix}codes_{n}"] = step.codes
                computed[f"{prefix}image_{n}_pooled"] = pooled(step.picture, SIZE)
                computed[f"{prefix}image_{n}"] = step.picture
    return computed
