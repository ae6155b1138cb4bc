"""e4e's codes, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models.e4e import Encoder, sizes_from_state

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, ready, running  # noqa: TID252

OP = "e4e.encode"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Codes of the picture, the mean code added."""
    state = part(golden.state, "encoder.")
    with torch.device("meta"):
        net = Encoder(**sizes_from_state(state))
    ready(net, state, device)
    with running(device, dtype):
        codes = net(golden.inputs["image"].to(device))
    return {"codes": codes.float() + golden.state["latent_avg"].to(device)}
