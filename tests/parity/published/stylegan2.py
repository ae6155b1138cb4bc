"""StyleGAN2's mapping and synthesis, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models.stylegan2 import Generator, sizes_from_state

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running  # noqa: TID252

OP = "stylegan2.generator"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """w of z, and the picture of w+."""
    with torch.device("meta"):
        net = Generator(**sizes_from_state(golden.state))
    ready(net, golden.state, device)
    inputs = golden.on(device)
    with running(device, dtype):
        return {"w": net.map(inputs["z"]), "image": net.synthesize(inputs["latents"])}
