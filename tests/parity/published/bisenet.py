"""BiSeNet's logits and labels, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models.bisenet import BiSeNet, sizes_from_state
from unripple.stages.parse import network_input

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running  # noqa: TID252

OP = "parsing.bisenet"
NET_SIZE_PX = 512


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """All three heads of the plain input; logits and labels of the photo."""
    with torch.device("meta"):
        net = BiSeNet(**sizes_from_state(golden.state))
    ready(net, golden.state, device)
    with running(device, dtype):
        main, half, quarter = net(golden.inputs["x"].to(device))
        logits = net(network_input(golden.inputs["image"].numpy(), NET_SIZE_PX).to(device))[0]
    return {
        "logits_x": main,
        "logits16_x": half,
        "logits32_x": quarter,
        "logits": logits,
        "labels": logits.argmax(1)[0],
    }
