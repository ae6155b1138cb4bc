"""e4e, the encoder: a picture becomes the codes of w+ with which the generator redraws it.

Source: Tov et al. 2021; layout and key names of omertov/encoder4editing (MIT), whose
`e4e_ffhq_encode.pt` loads strictly into `Encoder()` after its `encoder.` prefix is cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.equalised import EqualLinear
from unripple.models.layers.irse import UNITS_50, WIDTHS_50, body, group_ends, stem, trunk_sizes
from unripple.models.layers.precision import Exact

FIRST_MIDDLE, FIRST_FINE = 3, 7
"""Heads 0-2 read the coarse features, 3-6 the middle ones, the rest the fine ones."""

HEAD_SLOPE = 0.01


class StyleHead(nn.Module):
    """Features of a square map to one code, by convolutions of stride 2 until 1x1.

    Args:
        width: channels of the features and of every convolution.
        style_dim: length of the code.
        side: side of the map, px, a power of 2.
    """

    def __init__(self, width: int, style_dim: int, side: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(side.bit_length() - 1):
            layers += [nn.Conv2d(width, width, 3, 2, 1), nn.LeakyReLU(HEAD_SLOPE)]
        self.convs = nn.Sequential(*layers)
        self.linear = EqualLinear(width, style_dim)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(self.convs(features).flatten(1))


class Encoder(Exact):
    """The encoder.

    Args:
        size: side of its pictures, px, a power of 2 from 32.
        widths: channels of the stem and of the four groups; the last one is the heads' width too.
        units: IR-SE units of the four groups.
        style_dim: length of a code.
        n_codes: codes of w+, hence heads.

    Raises:
        ValueError: the sizes do not fit together.
    """

    def __init__(
        self,
        size: int = 256,
        widths: tuple[int, ...] = WIDTHS_50,
        units: tuple[int, ...] = UNITS_50,
        style_dim: int = 512,
        n_codes: int = 18,
    ) -> None:
        super().__init__()
        if size < 32 or size & (size - 1):
            raise ValueError(f"size: got {size}, wanted a power of 2 from 32")
        if len(units) != 4:
            raise ValueError(f"units: got {len(units)} groups, wanted 4")
        self.size, self.n_codes = size, n_codes
        _, self.fine_end, self.middle_end, _ = group_ends(units)
        width = widths[-1]
        self.input_layer = stem(3, widths[0])
        self.body = body(widths, units)
        self.styles = nn.ModuleList(
            StyleHead(width, style_dim, size // _reduction(i)) for i in range(n_codes)
        )
        self.latlayer1 = nn.Conv2d(widths[3], width, 1)
        self.latlayer2 = nn.Conv2d(widths[2], width, 1)

    def forward(self, picture: Tensor, *, delta_codes: int | None = None) -> Tensor:
        """Encode pictures.

        Args:
            picture: [B, 3, size, size] in [-1, 1].
            delta_codes: heads beyond the first that take part. Head 0 gives a code that all rows
                start from; head i adds its difference to row i, for i up to this number. None is
                all of them; 0 puts the same code in every row. Training unlocks them one by one
                (paper, section 4.3), as the published code's progressive stages.

        Returns:
            float32 [B, n_codes, style_dim], relative to the generator's mean w.

        Raises:
            ValueError: pictures of another size, or more heads than there are.
        """
        if picture.shape[2:] != (self.size, self.size):
            raise ValueError(
                f"picture: got {tuple(picture.shape)}, wanted [B, 3, {self.size}, {self.size}]"
            )
        last = self.n_codes - 1 if delta_codes is None else delta_codes
        if not 0 <= last < self.n_codes:
            raise ValueError(f"delta_codes: got {last}, wanted 0 to {self.n_codes - 1}")
        return self.exactly(partial(self._codes, last=last), picture)

    def _codes(self, picture: Tensor, last: int) -> Tensor:
        levels = self.features(picture)
        first: Tensor = self.styles[0](levels[0])
        deltas = [self.styles[i](levels[head_level(i)]) for i in range(1, last + 1)]
        # Deltas to one code keep w+ near W, where edits behave (paper, section 4).
        rows = [first, *(first + delta for delta in deltas)]
        return torch.stack(rows + [first] * (self.n_codes - len(rows)), dim=1)

    def features(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the maps that the heads read: coarse, middle, fine.

        Returns:
            [B, widths[-1], side, side] at 1/16, 1/8 and 1/4 of the picture's side.
        """
        x = self.input_layer(picture)
        fine, middle = x, x
        # The trunk's levels are taken where its groups end; the last one feeds the coarse heads.
        for i, unit in enumerate(self.body):
            x = unit(x)
            if i == self.fine_end:
                fine = x
            elif i == self.middle_end:
                middle = x
        p2 = _enlarged_plus(x, self.latlayer1(middle))
        return x, p2, _enlarged_plus(p2, self.latlayer2(fine))


def head_level(head: int) -> int:
    return 0 if head < FIRST_MIDDLE else 1 if head < FIRST_FINE else 2


def _reduction(head: int) -> int:
    """How many times smaller than the picture the map of a head is."""
    return (16, 8, 4)[head_level(head)]


def _enlarged_plus(deep: Tensor, lateral: Tensor) -> Tensor:
    size = lateral.shape[2:]
    return F.interpolate(deep, size=size, mode="bilinear", align_corners=True) + lateral


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Encoder` from a state dict with its key names."""
    widths, units = trunk_sizes(state)
    heads = [key for key in state if key.startswith("styles.") and key.endswith(".linear.weight")]
    convs = sum(1 for k in state if k.startswith("styles.0.convs.") and k.endswith(".weight"))
    return {
        "size": 16 * 2**convs,
        "widths": widths,
        "units": units,
        "style_dim": state["styles.0.linear.weight"].shape[0],
        "n_codes": len(heads),
    }
