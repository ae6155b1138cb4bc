"""The anycost generator: whole, stopped early, sliced, with truncation, as published."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from unripple.models.anycost import Cut, uniform
from unripple.models.stylegan2 import Generator, sizes_from_state, truncated

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running  # noqa: TID252

OP = "anycost.generator"
PSI = 0.5


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """The codes, the running picture, and one picture per cut that the golden names."""
    facts, inputs = golden.facts["constructor"], golden.on(device)
    with torch.device("meta"):
        net = Generator(**sizes_from_state(golden.state), lr_mlp=facts["lr_mlp"])
    ready(net, golden.state, device)
    evolved = Cut(facts["evolved"]["res"], tuple(facts["evolved"]["channels"]))
    table = {"multiplier": facts["channel_multiplier"], "most": facts["channel_max"]}
    with running(device, dtype):
        w_plus, mapped = net.rows(inputs["styles"]), net.map(inputs["z"])
        towards_mean = truncated(mapped[:1], mapped.mean(0, keepdim=True), psi=PSI)
        running_rgb: dict[int, Tensor] = {}
        computed = {
            "mapped_w": mapped,
            "image": net.synthesize(w_plus, on_resolution=running_rgb.__setitem__),
            "image_evolved": net.synthesize(w_plus, **evolved._asdict()),
        }
        for name in golden.facts["checks"]:
            if found := re.fullmatch(r"rgb_(\d+)", name):
                computed[name] = running_rgb[int(found[1])]
            elif found := re.fullmatch(r"image_target_res_(\d+)", name):
                computed[name] = net.synthesize(w_plus, resolution=int(found[1]))
            elif found := re.fullmatch(r"image_z_truncated_(\d+)", name):
                rows = net.rows(towards_mean)
                computed[name] = net.synthesize(rows, resolution=int(found[1]))
            elif found := re.fullmatch(r"image_r(\d+)_c(\d+)", name):
                cut = uniform(int(found[2]) / 100, int(found[1]), **table)
                computed[name] = net.synthesize(w_plus, **cut._asdict())
    return computed
