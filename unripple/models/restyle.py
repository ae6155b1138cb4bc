"""ReStyle's e4e encoders: codes that are corrected after a look at what they draw.

Source: Alaluf et al. 2021 (ReStyle) and Tov et al. 2021 (e4e's rows); layout and key names of
yuval-alaluf/restyle-encoder (MIT). Its `restyle_e4e_ffhq_encode.pt` loads strictly into
`RestyleEncoder()` after the prefix `encoder.` is cut off, those of its other domains into
`RestyleResNetEncoder()`.

An encoder sees the photo beside the picture drawn so far, at first that of the mean code, and gives
what is to be added to the codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unripple.models.e4e import StyleHead
from unripple.models.layers import irse, resnet34
from unripple.models.layers.framing import pooled
from unripple.models.layers.precision import Exact
from unripple.models.layers.synthesis import Synthesis


class _Rows(Exact):
    """Heads on the last map, each a row of w+ relative to that of the first one."""

    styles: nn.ModuleList

    def features(self, pictures: Tensor) -> Tensor:
        """Turn [B, fan_in, H, W] into [B, C, H / 16, W / 16]."""
        raise NotImplementedError

    def forward(self, photo: Tensor, drawn: Tensor) -> Tensor:
        """Look at a photo and at what is drawn of it so far, both [B, 3, H, W] in about [-1, 1].

        Returns:
            What to add to the codes, float32 [B, n_codes, style_dim].
        """
        return self.exactly(self._codes, torch.cat([photo, drawn], dim=1))

    def _codes(self, pair: Tensor) -> Tensor:
        deep = self.features(pair)
        first, *others = (head(deep) for head in self.styles)
        return torch.stack([first, *(first + other for other in others)], dim=1)


def _heads(width: int, style_dim: int, n_codes: int, side: int) -> nn.ModuleList:
    return nn.ModuleList(StyleHead(width, style_dim, side) for _ in range(n_codes))


class RestyleEncoder(_Rows):
    """IR-SE50 on six channels, for faces.

    Args:
        widths, units: see `layers.irse.body`.
        style_dim, n_codes: of the generator.
        side: of the last map, px, a power of 2; 16 for pictures of 256 px (or 192 x 256).
    """

    def __init__(
        self,
        widths: Sequence[int] = irse.WIDTHS_50,
        units: Sequence[int] = irse.UNITS_50,
        style_dim: int = 512,
        n_codes: int = 18,
        side: int = 16,
    ) -> None:
        super().__init__()
        self.input_layer = irse.stem(6, widths[0])
        self.body = irse.body(widths, units)
        self.styles = _heads(widths[-1], style_dim, n_codes, side)

    def features(self, pictures: Tensor) -> Tensor:
        return self.body(self.input_layer(pictures))


class RestyleResNetEncoder(_Rows, resnet34.ResNet34):
    """ResNet-34 on six channels, for what is no face; its arguments are `RestyleEncoder`'s."""

    def __init__(
        self,
        widths: Sequence[int] = resnet34.WIDTHS_34,
        units: Sequence[int] = resnet34.UNITS_34,
        style_dim: int = 512,
        n_codes: int = 18,
        side: int = 16,
    ) -> None:
        resnet34.ResNet34.__init__(self, 6, widths, units)
        self.styles = _heads(widths[-1], style_dim, n_codes, side)

    def features(self, pictures: Tensor) -> Tensor:
        return resnet34.ResNet34.features(self, pictures)


@dataclass(frozen=True)
class Step:
    """What an iteration has come to: codes [B, n_codes, style_dim], and their picture."""

    codes: Tensor
    picture: Tensor


def refined(
    encoder: RestyleEncoder | RestyleResNetEncoder,
    generator: Synthesis,
    photo: Tensor,
    mean: Tensor,
    *,
    iterations: int,
) -> Iterator[Step]:
    """Encode photos, iteration by iteration (5 are published; 2 for domain adaptation).

    Args:
        encoder: the encoder.
        generator: that it was trained with.
        photo: [B, 3, H, W] in [-1, 1], of the shape that the encoder was trained on.
        mean: code or codes to start from, [style_dim] or [n_codes, style_dim].
        iterations: how often to look.

    Yields:
        One step per iteration. The first look is at the picture of the mean code.
    """
    size = (photo.shape[2], photo.shape[3])
    codes = mean.expand(1, generator.n_codes, -1)
    drawn = pooled(generator.synthesize(codes), size).expand(len(photo), -1, -1, -1)
    for _ in range(iterations):
        codes = codes + encoder(photo, drawn)
        picture = generator.synthesize(codes)
        yield Step(codes, picture)
        drawn = pooled(picture, size)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of either encoder from a state dict with its key names."""
    if "input_layer.0.weight" in state:
        widths, units = irse.trunk_sizes(state)
    else:
        _, widths, units = resnet34.trunk_sizes(state)
    convs = sum(1 for k in state if k.startswith("styles.0.convs.") and k.endswith(".weight"))
    return {
        "widths": widths,
        "units": units,
        "style_dim": state["styles.0.linear.weight"].shape[0],
        "n_codes": sum(k.startswith("styles.") and k.endswith(".linear.weight") for k in state),
        "side": 2**convs,
    }
