"""StyleFeatureEditor's edits in style space: single channels, and a global direction."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from unripple.models import sfe, stylegan2

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, running  # noqa: TID252
from .hfgi import network

OP = "sfe.style_edit"
CHANNEL_STEP, GLOBAL_STEP = 3.0, 1 / 1.5
SIDE_PX = 64
SIZES = (*[512] * 15, *[256] * 3, *[128] * 3, *[64] * 3, *[32] * 2)
"""Of the 26 styles of a 1024 px generator, which the global direction joins."""


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Styles, changes of the features, features and pictures, [B, degrees, ...]."""
    inputs = golden.on(device)
    editor = network(sfe, "FeatureMixer", part(golden.state, "encoder."), device)
    generator = network(stylegan2, "Generator", part(golden.state, "decoder."), device)
    assert isinstance(generator, stylegan2.Generator)
    fused = inputs["fused_feat"]
    with running(device, dtype):
        styles, guide = (generator.styles(inputs[name]) for name in ("w", "w_e4e"))
        whole = list(inputs["direction"].split(SIZES))[: len(styles)]
        moves = {
            "channels_0": channel_move(styles, inputs["channels_0"]),
            "channels_1_masked": channel_move(styles, inputs["channels_1"]),
            "global": [GLOBAL_STEP * part for part in whole],
        }
        computed: dict[str, list[Tensor]] = {}
        for name, move in moves.items():
            mask = inputs["mask"][:, :1] if name.endswith("masked") else None
            for degree in inputs["degrees"]:
                new, new_guide = (moved(old, move, degree) for old in (styles, guide))
                delta = sfe.change(generator, guide, new_guide, SIDE_PX, background=mask)
                features = editor(fused, delta)
                for word, value in (
                    ("styles", torch.cat(in_two_lists(new), dim=1)),
                    ("delta", delta),
                    ("feature", features),
                    ("image", sfe.rendered(generator, new, features)),
                ):
                    computed.setdefault(f"{word}_{name}", []).append(value)
    return {name: torch.stack(values, dim=1) for name, values in computed.items()}


def channel_move(styles: Sequence[Tensor], channels: Tensor) -> list[Tensor]:
    """Single channels (layer, channel) of style space by one degree."""
    move = [torch.zeros_like(style[0]) for style in styles]
    for layer, channel in channels.tolist():
        move[layer][channel] += CHANNEL_STEP
    return move


def moved(styles: Sequence[Tensor], move: Sequence[Tensor], degree: Tensor) -> list[Tensor]:
    return [style + degree * step for style, step in zip(styles, move, strict=True)]


def in_two_lists(styles: Sequence[Tensor]) -> list[Tensor]:
    """Styles of convolutions, then those of RGB layers, as the published code keeps them."""
    rgb = [n % 3 == 1 for n in range(len(styles))]
    return [style for last in (False, True) for style, is_rgb in zip(styles, rgb, strict=True)
            if is_rgb is last]  # fmt: skip
