"""MeanHead: the average head of the face world, as points. It learns nothing and draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class MeanHead(nn.Module):
    """The points, see `unripple.ops.head.Head`, where they become an array.

    Args:
        n_points: of the surface.
    """

    surface: Tensor
    landmarks: Tensor
    levels: Tensor

    def __init__(self, n_points: int) -> None:
        super().__init__()
        self.register_buffer("surface", torch.zeros(n_points, 3))
        self.register_buffer("landmarks", torch.zeros(5, 3))
        self.register_buffer("levels", torch.zeros(3))  # chin, brow, half of the width


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of the network that fits some weights."""
    return {"n_points": state["surface"].shape[0]}
