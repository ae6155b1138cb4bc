"""AttributeNet, a small network of ours: a picture with one face becomes its visible factors.

It judges edits: how far a picture moved in smile, age or hair colour, and what else moved with it.
The values have the units of the face world's factors; a factor that is there or not (glasses, a
hat) is given as the chance that it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.conv_bn import ConvBNReLU, halving_levels, trunk_widths

GRID = 8
"""Side of the map that the last layers read: small parts keep a place of their own."""

SQUEEZED = 32
"""Channels of that map."""


class AttributeNet(nn.Module):
    """The network.

    Its buffers tell what the numbers mean: `mean` and `spread` of each factor over faces, and
    `switch`, which of them are there or not.

    Args:
        widths: channels of the levels at 1/2, 1/4, 1/8, ... of the side, at least two.
        hidden: channels before the factors.
        n_factors: how many factors.
    """

    mean: Tensor
    spread: Tensor
    switch: Tensor

    def __init__(
        self,
        widths: tuple[int, ...] = (24, 48, 80, 128),
        hidden: int = 128,
        n_factors: int = 1,
    ) -> None:
        super().__init__()
        if len(widths) < 2:
            raise ValueError(f"widths: got {len(widths)} numbers, wanted at least 2")
        self.stem = ConvBNReLU(3, widths[0], stride=2)
        self.down = halving_levels(widths)
        self.squeeze = ConvBNReLU(widths[-1], SQUEEZED, kernel=1)
        self.hidden = nn.Linear(SQUEEZED * GRID * GRID, hidden)
        self.factors = nn.Linear(hidden, n_factors)
        self.register_buffer("mean", torch.zeros(n_factors))
        self.register_buffer("spread", torch.ones(n_factors))
        self.register_buffer("switch", torch.zeros(n_factors, dtype=torch.bool))

    def scores(self, picture: Tensor) -> Tensor:
        """Compute what the losses read: standardised values, or log-odds of switches.

        Args:
            picture: float [B, 3, S, S] in [-1, 1].

        Returns:
            float32 [B, n_factors].
        """
        x = self.stem(picture)
        for layer in self.down:
            x = layer(x)
        grid = F.adaptive_avg_pool2d(self.squeeze(x), GRID).flatten(1)
        with torch.autocast(picture.device.type, enabled=False):  # bf16 has three digits
            scores: Tensor = self.factors(F.relu(self.hidden(grid.float())))
        return scores

    def forward(self, picture: Tensor) -> Tensor:
        """Measure the factors of pictures [B, 3, S, S] in [-1, 1], float32 [B, n_factors]."""
        scores = self.scores(picture)
        return torch.where(self.switch, scores.sigmoid(), self.mean + self.spread * scores)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `AttributeNet` from its state dict."""
    n_factors, hidden = state["factors.weight"].shape
    return {"widths": trunk_widths(state), "hidden": hidden, "n_factors": n_factors}
