"""pSp's codes, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models import psp

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, running  # noqa: TID252
from .hfgi import network

OP = "psp.encode"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Codes of the pictures, without and with the mean codes, which differ by row here."""
    encoder = network(psp, "PSPEncoder", part(golden.state, "encoder."), device)
    with running(device, dtype):
        raw = encoder(golden.inputs["x"].to(device)).float()
    return {"raw": raw, "codes": raw + golden.state["latent_avg"].to(device)}
