"""Graphonomy's logits at one size, and its labels fused over sizes and the mirror, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models.graphonomy import FLIP_SWAPS, Graphonomy, sizes_from_state
from unripple.ops.multiscale import fused_logits

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running  # noqa: TID252

OP = "parsing.graphonomy"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """The logits of the plain input; fused logits and labels of the photo."""
    with torch.device("meta"):
        net = Graphonomy(**sizes_from_state(golden.state))
    ready(net, golden.state, device)
    with running(device, dtype):
        logits = net(golden.inputs["x"].to(device))
        fused = fused_logits(golden.inputs["image"].numpy(), net, flip_swaps=FLIP_SWAPS)
    return {"logits": logits, "fused": fused, "labels": fused.argmax(1)}
