"""DeltaEdit's mapper: how a text's change of CLIP moves the styles of a picture.

Source: Lyu et al. 2023; layout and key names of Yueming6568/DeltaEdit (no licence file; nothing of
it is copied here), whose `net_face.pth`, which StyleFeatureEditor calls `delta_mapper.pt`, loads
strictly into `DeltaMapper()`.

A bias belongs to a feature here, as in the training. StyleFeatureEditor's CUDA kernel takes it by
the row where there are rows, so its published edits on a GPU differ by 15 to 18 percent of the step
from what the weights were trained for; tests/parity pins that, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from unripple.models.layers.equalised import EqualLinear

LR = 0.01
COARSE_ROWS, MEDIUM_ROWS = 3, 4
"""Of the styles that are as wide as a code: three rows, then four; the rest is one vector."""


class _ByRow(nn.Module):
    """Scale to a mean square of 1 over axis 1: the rows where there are rows, as published."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


class Stack(nn.Module):
    """Four equalised layers, each with leaky ReLU, after a norm or not."""

    def __init__(self, fan_in: int, width: int, *, norm: bool = True) -> None:
        super().__init__()
        fan_ins = (fan_in, width, width, width)
        layers = [EqualLinear(before, width, lr=LR, activate=True) for before in fan_ins]
        self.mapping = nn.Sequential(*([_ByRow()] if norm else []), *layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.mapping(x)


class DeltaMapper(nn.Module):
    """The mapper.

    Args:
        width: of a row of styles.
        fine: values of all finer styles together.
        condition: of the picture's and the text's features together.
    """

    def __init__(self, width: int = 512, fine: int = 2464, condition: int = 1024) -> None:
        super().__init__()
        self.width, self.fine = width, fine
        for part, size in (("coarse", width), ("medium", width), ("fine", fine)):
            self.add_module(f"sm_{part}", Stack(size, size))
            self.add_module(f"cm_{part}", Stack(condition, size))
            self.add_module(f"fm_{part}", Stack(2 * size, size, norm=False))

    def forward(self, styles: Tensor, condition: Tensor) -> Tensor:
        """Predict how styles move.

        Args:
            styles: the 17 styles of convolutions in the order of computation, joined, [B, 6048];
                those of RGB layers stay outside.
            condition: CLIP's features of the picture and, behind them, the text's change, either of
                length 1, [B, 1024].

        Returns:
            float32 [B, 6048], what to add for a degree of 1.
        """
        rows = (COARSE_ROWS, MEDIUM_ROWS)
        sizes = [*(n * self.width for n in rows), self.fine]
        coarse, medium, fine = torch.split(styles, sizes, dim=1)
        moves = [
            self._part("coarse", coarse.reshape(-1, COARSE_ROWS, self.width), condition),
            self._part("medium", medium.reshape(-1, MEDIUM_ROWS, self.width), condition),
            self._part("fine", fine, condition),
        ]
        return torch.cat([move.flatten(1) for move in moves], dim=1)

    def _part(self, part: str, styles: Tensor, condition: Tensor) -> Tensor:
        own = self.get_submodule(f"sm_{part}")(styles)
        asked = self.get_submodule(f"cm_{part}")(condition)
        if styles.dim() == 3:
            asked = asked[:, None].expand(-1, styles.shape[1], -1)
        return self.get_submodule(f"fm_{part}")(torch.cat([own, asked], dim=-1))


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `DeltaMapper` from a state dict with its key names."""
    width, condition = state["cm_coarse.mapping.1.weight"].shape
    fine = state["sm_fine.mapping.1.weight"].shape[0]
    return {"width": width, "fine": fine, "condition": condition}
