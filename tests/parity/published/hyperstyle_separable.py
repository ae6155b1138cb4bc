"""HyperStyle's inversion by the separable hypernetwork, two iterations, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models import hyperstyle
from unripple.models.layers.framing import pooled

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, running  # noqa: TID252
from .hyperstyle import all_taps, start

OP = "hyperstyle.invert_separable"
ITERATIONS = 2


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Codes, offsets and pictures of each iteration."""
    hypernet, generator, codes = start(golden, device, dtype)
    photo, checks = golden.inputs["x"].to(device), golden.facts["checks"]
    computed = {"codes": codes}
    with running(device, dtype):
        steps = hyperstyle.refined(hypernet, generator, photo, codes, iterations=ITERATIONS)
        for n, step in enumerate(steps, start=1):
            computed |= all_taps(f"delta_{n}_", step.offsets, checks)
            computed[f"image_{n}_pooled"] = pooled(step.picture, (256, 256))
    return computed | {f"image_{ITERATIONS}": step.picture}
