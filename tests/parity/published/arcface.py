"""The identity vector and its crop, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models.irse import Backbone, crop_for_identity, sizes_from_state

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running  # noqa: TID252

OP = "arcface.embed"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """The embedding of the picture."""
    with torch.device("meta"):
        net = Backbone(**sizes_from_state(golden.state))
    ready(net, golden.state, device)
    with running(device, dtype):
        face = crop_for_identity(golden.inputs["image"].to(device), net.input_size)
        return {"embedding": net(face)}
