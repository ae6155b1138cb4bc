"""Relevance: how CLIP's vector goes with each channel of a generator's style space.

No network, but kept like one: three tables that belong to one generator and one CLIP. The
published ones are `fs3.npy` and `S_mean_std` of StyleCLIP (MIT).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Relevance(nn.Module):
    """The tables.

    Args:
        rows: channels of the convolutions' styles that were looked at.
        vector: entries of CLIP's vectors.
        channels: of all styles, RGB layers included.
    """

    relevance: Tensor  # [rows, vector], of length 1
    mean: Tensor  # [channels]
    deviation: Tensor  # [channels]

    def __init__(self, rows: int, vector: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("relevance", torch.zeros(rows, vector))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Relevance` from its state dict."""
    rows, vector = state["relevance"].shape
    return {"rows": rows, "vector": vector, "channels": len(state["deviation"])}
