"""HyperStyle's inversion and one edit, step by step, as the published inference script."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unripple.models import hyperstyle, stylegan2, w_encoder
from unripple.models.layers.framing import pooled

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, running  # noqa: TID252
from .hfgi import network

OP = "hyperstyle.invert"
ITERATIONS = 5
EDIT_FACTOR = 2.0


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Every intermediate of the procedure."""
    hypernet, generator, codes = start(golden, device, dtype)
    inputs = golden.on(device)
    checks = golden.facts["checks"]
    with running(device, dtype):
        size = (256, 256)
        computed = {"codes": codes, "initial": pooled(generator.synthesize(codes), size)}
        steps = hyperstyle.refined(hypernet, generator, inputs["x"], codes, iterations=ITERATIONS)
        for n, step in enumerate(steps, start=1):
            if n == 1:
                computed |= all_taps("delta_iter1_", step.offsets, checks)
                computed["image_iter1"] = pooled(step.picture, size)
        computed |= all_taps("delta_", step.offsets, checks)
        edited = codes + EDIT_FACTOR * inputs["direction"]
        return computed | {
            "image": step.picture,
            "image_pooled": pooled(step.picture, size),
            "edited": generator.synthesize(edited, weight_offsets=step.offsets),
        }


def start(
    golden: Golden, device: torch.device, dtype: torch.dtype | None
) -> tuple[hyperstyle.Hypernet, stylegan2.Generator, Tensor]:
    """The networks, and the codes that the W encoder gives."""
    state = golden.state
    encoder = network(w_encoder, "WEncoder", part(state, "w_encoder."), device)
    generator = network(stylegan2, "Generator", part(state, "decoder."), device)
    hypernet = network(hyperstyle, "Hypernet", part(state, "hypernet."), device)
    assert isinstance(generator, stylegan2.Generator)
    assert isinstance(hypernet, hyperstyle.Hypernet)
    with running(device, dtype):
        codes = encoder(golden.inputs["x"].to(device)) + state["latent_avg"].to(device)
    return hypernet, generator, codes


def all_taps(
    prefix: str, offsets: Mapping[int, Tensor], checks: Mapping[str, object]
) -> dict[str, Tensor]:
    """The checked offsets, those that serve all taps repeated for each."""
    return {
        f"{prefix}{number}": offset.expand(*offset.shape[:3], 3, 3)
        for number, offset in offsets.items()
        if f"{prefix}{number}" in checks
    }
