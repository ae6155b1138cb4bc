"""PoseNet, a small network of ours: a picture with one face becomes the head's three angles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.conv_bn import ConvBNReLU, halving_levels, trunk_widths

GRID = 4
"""Side of the map that the last layers read: where a feature lies tells the pose."""

DEGREES_PER_UNIT = 30.0
"""Brings degrees to about unit scale for the last layer, so that it trains at the common rate."""


class PoseNet(nn.Module):
    """The network.

    Args:
        widths: channels of the levels at 1/2, 1/4, 1/8, ... of the side, at least two.
        hidden: channels before the angles.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 96, 128), hidden: int = 128) -> None:
        super().__init__()
        if len(widths) < 2:
            raise ValueError(f"widths: got {len(widths)} numbers, wanted at least 2")
        self.stem = ConvBNReLU(3, widths[0], stride=2)
        self.down = halving_levels(widths)
        self.hidden = nn.Linear(widths[-1] * GRID * GRID, hidden)
        self.angles = nn.Linear(hidden, 3)

    def forward(self, picture: Tensor) -> Tensor:
        """Measure the pose.

        Args:
            picture: float [B, 3, S, S] in [-1, 1].

        Returns:
            float32 [B, 3]: yaw (positive towards the picture's right), pitch (positive chin up)
            and roll, degrees.
        """
        x = self.stem(picture)
        for layer in self.down:
            x = layer(x)
        grid = F.adaptive_avg_pool2d(x, GRID).flatten(1)
        with torch.autocast(picture.device.type, enabled=False):  # bf16 would round to 0.25 degrees
            angles: Tensor = self.angles(F.relu(self.hidden(grid.float())))
        return angles * DEGREES_PER_UNIT


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `PoseNet` from its state dict."""
    return {"widths": trunk_widths(state), "hidden": state["angles.weight"].shape[1]}
