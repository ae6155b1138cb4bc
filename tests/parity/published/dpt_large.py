"""DPT-Large's inverse depth, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models.dpt import DPT, sizes_from_state

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running  # noqa: TID252

OP = "depth.dpt_large"


def network(golden: Golden, device: torch.device) -> DPT:
    """The depth network of the golden's weights."""
    with torch.device("meta"):
        net = DPT(**sizes_from_state(golden.state))
    return ready(net, golden.state, device)


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Inverse depth of every input that the network takes as it is."""
    net = network(golden, device)
    inputs = golden.on(device)
    with running(device, dtype):
        return {f"depth_{name}": net(x) for name, x in inputs.items() if x.is_floating_point()}
