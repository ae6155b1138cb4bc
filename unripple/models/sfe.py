"""StyleFeatureEditor (SFE): a photo becomes codes and 64x64 features, and edits move both.

Source: Bobkov et al. 2024; layout and key names of AIRI-Institute/StyleFeatureEditor (MIT). Its
`sfe_editor_light.pt` loads strictly into `Inverter()` (prefix `inverter.`) and `FeatureMixer()`
(prefix `encoder.`), `sfe_inverter_light.pt` into `Inverter()` alone (prefix `encoder.`, which means
the inverter there).

The inverter encodes a photo twice: as codes, and as features of the generator's maps. Fused with
the features that the codes draw by themselves, those replace what enters the generator's next
styled convolution (`Synthesis.synthesize`, `enter`). An edit is led by a second encoder, e4e: the
change of the features between its codes and its edited codes is what the feature editor applies.

Two differences from the published code, both meant by it: the nets stay in evaluation mode (there,
the frozen ones drift in the editor's training), and any batch gives what its photos give alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.iresnet import UNITS_50, stage
from unripple.models.layers.precision import Exact
from unripple.models.layers.synthesis import Synthesis

WIDTHS_50 = (64, 64, 128, 256, 512)
STRIDES = (2, 2, 1, 2)
"""Of the four stages. The third one keeps its side, so that its maps are a quarter of the photo's
side, which the features of the generator are. The embedded net, which sees its whole photo, has
other ones and says so in its file."""

POOLED = 3
"""Side to which every stage is pooled before the heads."""


class Trunk(nn.Module):
    """IResNet with heads: a photo to one code per row, and to features.

    Args:
        widths, units: channels of stem and stages, and units per stage.
        style_dim, n_codes: length of a code, and codes of w+.
        features: channels of the predicted features.
        strides: of the stages; the features have the side of the third one.
        rank: numbers to which a layer that all heads share reduces what they read, which most
            weights of a small net would go into otherwise; None, as published, is no such layer.
    """

    def __init__(
        self,
        widths: Sequence[int],
        units: Sequence[int],
        style_dim: int,
        n_codes: int,
        features: int,
        strides: Sequence[int] = STRIDES,
        rank: int | None = None,
    ) -> None:
        super().__init__()
        if len(widths) != 5 or len(units) != 4 or len(strides) != 4:
            given = f"widths {widths}, units {units} and strides {strides}"
            raise ValueError(f"got {given}, wanted 5, 4 and 4 numbers")
        self.conv = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.PReLU(widths[0]),
        )
        for n in range(4):
            made = stage(widths[n], widths[n + 1], units[n], stride=strides[n])
            self.add_module(f"block_{n + 1}", made)
        read = sum(widths[1:]) * POOLED**2
        self.narrow = nn.Identity() if rank is None else nn.Linear(read, rank)
        self.styles = nn.ModuleList(nn.Linear(rank or read, style_dim) for _ in range(n_codes))
        self.content_layer = _unit(widths[3], features)

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """Encode photos [B, 3, S, S].

        Returns:
            codes [B, n_codes, style_dim] and features, as published [B, features, S / 4, S / 4].
        """
        levels = [self.conv(photo)]
        for n in range(4):
            levels.append(self.get_submodule(f"block_{n + 1}")(levels[-1]))
        pooled = [F.adaptive_avg_pool2d(level, POOLED) for level in levels[1:]]
        read = torch.cat(pooled, dim=1).flatten(1)  # [B, sum of widths * 9], channels outermost
        read = self.narrow(read)
        codes = torch.stack([head(read) for head in self.styles], dim=1)
        return codes, self.content_layer(levels[3])


class Residual(nn.Module):
    """What it is given, plus norm, 3x3 convolution, norm, PReLU, 3x3 convolution, norm of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = _unit(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _unit(fan_in: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(fan_in),
        nn.Conv2d(fan_in, width, 3, 1, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.PReLU(width),
        nn.Conv2d(width, width, 3, 1, 1, bias=False),
        nn.BatchNorm2d(width),
    )


class FeatureMixer(Exact):
    """Two features of one size to one: the inverter's fuser, and the feature editor.

    Args:
        width: channels of either input and of the output.
        blocks: residual units.
    """

    def __init__(self, width: int = 512, blocks: int = 5) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * width, width, 1)
        self.body = nn.Sequential(*(Residual(width) for _ in range(blocks)))

    def forward(self, features: Tensor, other: Tensor) -> Tensor:
        """Mix features with others.

        Args:
            features: fuser: the predicted ones; editor: the fused ones. [B, width, h, w].
            other: fuser: what the codes draw; editor: original minus edited, 0 for an inversion.

        Returns:
            [B, width, h, w].
        """
        pair = torch.cat([features, other], dim=1)
        return self.exactly(lambda x: self.body(self.conv(x)), pair)


class Inverter(Exact):
    """The inverter: trunk and fuser.

    Args:
        widths, units: see `Trunk`.
        style_dim, n_codes: of the generator.
        features: channels of the generator where the features enter.
        blocks: residual units of the fuser.
        strides, rank: see `Trunk`.
    """

    def __init__(
        self,
        widths: Sequence[int] = WIDTHS_50,
        units: Sequence[int] = UNITS_50,
        style_dim: int = 512,
        n_codes: int = 18,
        features: int = 512,
        blocks: int = 5,
        strides: Sequence[int] = STRIDES,
        rank: int | None = None,
    ) -> None:
        super().__init__()
        self.fs_backbone = Trunk(widths, units, style_dim, n_codes, features, strides, rank)
        self.fuser = FeatureMixer(features, blocks)

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """Encode photos.

        Args:
            photo: [B, 3, 256, 256] in [-1, 1], see `seen`; other sides give features of a quarter
                of them (with the strides of the published net).

        Returns:
            float32 codes [B, n_codes, style_dim], relative to the generator's mean w; and the
            predicted features [B, features, 64, 64], which `fuser` takes beside the drawn ones.
        """
        codes, features = self.exactly(self.fs_backbone, photo)
        return codes.float(), features


def seen(photo: Tensor, size_px: int = 256) -> Tensor:
    """What both encoders see of a photo [B, 3, S, S]: bilinear, without antialias, as published."""
    return F.interpolate(photo, size=(size_px, size_px), mode="bilinear", align_corners=False)


def entered(side_px: int) -> int:
    """The styled convolution that features of a side enter: 9 for the published 64 px.

    It is the doubling one, so what enters it is what the second convolution of that side gives.
    """
    return 2 * (side_px.bit_length() - 2) - 1


def drawn(generator: Synthesis, styles: Sequence[Tensor], side_px: int) -> Tensor:
    """The features that styles draw by themselves at a side: what would enter the next resolution.

    Args:
        generator: of the codes.
        styles: `generator.styles(w_plus)`, edited or not.
        side_px: of the features.

    Returns:
        [B, C, side_px, side_px], float32 or, under autocast, what the generator computes in.
    """
    kept: list[Tensor] = []

    def keep(features: Tensor) -> Tensor:
        kept.append(features)
        return features

    tap = entered(side_px) - 1
    generator.render(styles, inject={tap: keep}, resolution=side_px)
    return kept[0]


def fused(inverter: Inverter, generator: Synthesis, w_plus: Tensor, predicted: Tensor) -> Tensor:
    """The features of a photo: the predicted ones with those that its codes draw.

    Args:
        inverter: that predicted them.
        generator: of the codes.
        w_plus: codes of the photo, mean added, [B, n_codes, style_dim].
        predicted: features of the photo, [B, C, h, h].

    Returns:
        [B, C, h, h]; all that edits need besides the codes.
    """
    own = drawn(generator, generator.styles(w_plus), predicted.shape[-1])
    return inverter.fuser(predicted, own)


def change(
    generator: Synthesis,
    guide: Sequence[Tensor],
    edited_guide: Sequence[Tensor],
    side_px: int,
    *,
    background: Tensor | None = None,
) -> Tensor:
    """How an edit changes the features of the guide (e4e's codes): original minus edited.

    Args:
        generator: of the codes.
        guide, edited_guide: styles of the guide before and after the edit.
        side_px: of the features.
        background: how sure a pixel is background, [B or 1, 1, H, W] in [0, 1], of any size: the
            change is damped there. It acts on these features alone; the edited codes still change
            the finer layers everywhere.

    Returns:
        [B, C, side_px, side_px].
    """
    difference = drawn(generator, guide, side_px) - drawn(generator, edited_guide, side_px)
    if background is None:
        return difference
    size = (side_px, side_px)
    kept = F.interpolate(background.float(), size=size, mode="bilinear", align_corners=False)
    return difference * (1 - kept)


def rendered(generator: Synthesis, styles: Sequence[Tensor], features: Tensor) -> Tensor:
    """Draw styles with features in place of their own: [B, 3, size, size], about [-1, 1].

    The picture up to the features' side is that of the styles alone.
    """
    return generator.render(styles, enter={entered(features.shape[-1]): features})


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Inverter` or `FeatureMixer` from a state dict of that one."""
    if "conv.weight" in state:
        return {"width": state["conv.weight"].shape[0], "blocks": _count(state, "body.")}
    trunk = "fs_backbone."
    stages = [f"{trunk}block_{n}." for n in (1, 2, 3, 4)]
    widths = [state[f"{trunk}conv.0.weight"].shape[0]]
    widths += [state[f"{name}0.conv1.weight"].shape[0] for name in stages]
    style_dim, read = state[f"{trunk}styles.0.weight"].shape
    shared = state.get(f"{trunk}narrow.weight")
    rank = {} if shared is None else {"rank": read}
    read = read if shared is None else shared.shape[1]
    if math.isqrt(read // sum(widths[1:])) != POOLED:
        raise ValueError(f"heads read {read} numbers, wanted {sum(widths[1:])} x {POOLED**2}")
    return {
        "widths": tuple(widths),
        "units": tuple(_count(state, name) for name in stages),
        "style_dim": style_dim,
        "n_codes": _count(state, f"{trunk}styles."),
        "features": state["fuser.conv.weight"].shape[0],
        "blocks": _count(state, "fuser.body."),
        **rank,
    }


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    """How many numbers follow a prefix."""
    return len({key[len(prefix) :].split(".")[0] for key in state if key.startswith(prefix)})
