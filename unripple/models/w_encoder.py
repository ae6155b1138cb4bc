"""The W encoder: a picture becomes one code of w, which every row of the generator gets.

Source: Alaluf et al. 2022 (HyperStyle), whose inversions start from it; layout and key names of
yuval-alaluf/hyperstyle (MIT). Its `faces_w_encoder.pt` loads strictly into `WEncoder()` after the
prefix `encoder.` is cut off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from unripple.models.layers.equalised import EqualLinear
from unripple.models.layers.irse import UNITS_50, WIDTHS_50, body, stem, trunk_sizes
from unripple.models.layers.precision import Exact


class WEncoder(Exact):
    """IR-SE50, the mean over its last map, and a linear layer.

    Args:
        widths, units: channels of stem and groups, and units per group; see `layers.irse.body`.
        style_dim: length of the code.
    """

    def __init__(
        self,
        widths: Sequence[int] = WIDTHS_50,
        units: Sequence[int] = UNITS_50,
        style_dim: int = 512,
    ) -> None:
        super().__init__()
        self.input_layer = stem(3, widths[0])
        self.body = body(widths, units)
        self.linear = EqualLinear(widths[-1], style_dim)

    def forward(self, picture: Tensor) -> Tensor:
        """Encode pictures [B, 3, H, W] in [-1, 1]; published for 256 x 256 (cars: 192 x 256).

        Returns:
            float32 [B, 1, style_dim], relative to the generator's mean w: `Generator.rows` lays it
            out, or the sum with a mean of several rows.
        """
        return self.exactly(self._code, picture)

    def _code(self, picture: Tensor) -> Tensor:
        features: Tensor = self.body(self.input_layer(picture))
        code: Tensor = self.linear(features.float().mean((2, 3)))
        return code[:, None]


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `WEncoder` from a state dict with its key names."""
    widths, units = trunk_sizes(state)
    style_dim = state["linear.weight"].shape[0]
    return {"widths": widths, "units": units, "style_dim": style_dim}
