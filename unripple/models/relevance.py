"""Relevance: how CLIP's vector goes with each channel of a generator's style space.

No network, but kept like one: three tables that belong to one generator and one CLIP. The
published ones are two files, `fs3.npy` with the first and `S_mean_std` with the others (MIT,
StyleCLIP), so a table may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Relevance(nn.Module):
    """The tables.

    Args:
        rows: channels of the convolutions' styles that were looked at; 0 has no such table.
        vector: entries of CLIP's vectors.
        channels: of all styles, RGB layers included; 0 has no mean and no deviation.
    """

    relevance: Tensor  # [rows, vector], of length 1
    mean: Tensor  # [channels]
    deviation: Tensor  # [channels]

    def __init__(self, rows: int, vector: int, channels: int) -> None:
        super().__init__()
        if rows:
            self.register_buffer("relevance", torch.zeros(rows, vector))
        if channels:
            self.register_buffer("mean", torch.zeros(channels))
            self.register_buffer("deviation", torch.ones(channels))


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Relevance` from its state dict."""
    rows, vector = state["relevance"].shape if "relevance" in state else (0, 0)
    channels = len(state["deviation"]) if "deviation" in state else 0
    if not rows and not channels:
        raise KeyError("neither relevance nor deviation")
    return {"rows": rows, "vector": vector, "channels": channels}
