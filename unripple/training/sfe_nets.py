"""The embedded StyleFeatureEditor: its architecture, and how trainings draw through the generator.

The photo is seen whole, 128 px; its features are those of 64 px, half of its side (published: 256
of 1024 px are seen, and the features are a sixteenth of the picture's side). Both mixers begin as
plain arithmetic: the fuser adds what the trunk predicts to what the codes draw, the editor takes
the change away from the features. What they learn is where that is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from unripple.models import sfe
from unripple.models.sfe_flow import FlowMixer
from unripple.models.stylegan2 import Generator
from unripple.training import encoders, start
from unripple.training.encoders import N_CODES
from unripple.training.latents import CHANNELS, STYLE_DIM
from unripple.training.loop import adam, frozen
from unripple.training.ranger import Ranger

SIZE = encoders.SIZE
WIDTHS = (16, 32, 48, 64, 96)
UNITS = (1, 1, 1, 2)
STRIDES = (2, 1, 1, 4)
RANK = 48
FUSER_BLOCKS = 2
EDITOR_BLOCKS = {"plain": 4, "flow": 2}
GRADIENT_NORM = 1.0
PREDICTED = 0.2
"""Gain of the predicted features at the beginning, beside those of the codes."""


def small_inverter() -> sfe.Inverter:
    """The embedded inverter's architecture, untrained: mean codes, and hardly any feature more."""
    net = sfe.Inverter(
        WIDTHS,
        UNITS,
        STYLE_DIM,
        N_CODES,
        CHANNELS[SIZE // 2],
        FUSER_BLOCKS,
        strides=STRIDES,
        rank=RANK,
    )
    net.exact = False
    for head in net.fs_backbone.styles:
        nn.init.zeros_(head.get_parameter("weight"))
        nn.init.zeros_(head.get_parameter("bias"))
    nn.init.constant_(net.fs_backbone.content_layer[-1].get_parameter("weight"), PREDICTED)
    begin_as_sum(net.fuser, 1.0)
    return net


def small_editor(kind: str) -> sfe.FeatureMixer | FlowMixer:
    """The embedded feature editor's architecture, untrained.

    Args:
        kind: `plain`, as published, or `flow`.
    """
    width, blocks = CHANNELS[SIZE // 2], EDITOR_BLOCKS[kind]
    if kind == "plain":
        plain = sfe.FeatureMixer(width, blocks)
        begin_as_sum(plain, -1.0)
        return plain
    net = FlowMixer(width, blocks)
    net.exact = False
    begin_as_sum(net.mixer, 0.0)
    return net


@torch.no_grad()
def begin_as_sum(mixer: sfe.FeatureMixer, sign: float) -> None:
    """Let a mixer give its first input plus `sign` times its second one, its blocks nothing."""
    mixer.exact = False
    width = mixer.conv.weight.shape[0]
    unit = torch.eye(width)
    mixer.conv.weight.copy_(torch.cat((unit, sign * unit), dim=1)[..., None, None])
    nn.init.zeros_(mixer.conv.get_parameter("bias"))
    for block in mixer.body:
        nn.init.zeros_(block.get_submodule("body.5").get_parameter("weight"))


def load_inverter(path: Path, device: str = "cpu") -> sfe.Inverter:
    """A frozen inverter, from a run folder (its average so far) or an exported safetensors file.

    Raises:
        BadCheckpoint: nothing usable lies there.
    """
    net = small_inverter()
    start.load(start.averaged(path, "inverter"), path, net)
    return frozen(net, device)


def lower(generator: Generator, styles: Sequence[Tensor], side_px: int) -> tuple[Tensor, Tensor]:
    """Draw up to the side of the features.

    Returns:
        (features that would enter the next resolution, the picture so far); `upper` goes on.
    """
    kept: list[Tensor] = []

    def keep(features: Tensor) -> Tensor:
        kept.append(features)
        return features

    tap = sfe.entered(side_px) - 1
    picture = generator.render(styles, noise="none", inject={tap: keep}, resolution=side_px)
    return kept[0], picture


def upper(
    generator: Generator, styles: Sequence[Tensor], features: Tensor, picture: Tensor
) -> Tensor:
    """Draw on from features, as `Synthesis.render` does where they enter.

    Args:
        generator: draws without noise.
        styles: [B, channels] each; B is that of the features.
        features: [B, C, h, h], those of `lower` or others in their place.
        picture: `lower`'s, [B, 3, h, h].

    Returns:
        float32 [B, 3, size, size].
    """
    x = features
    for level in range(features.shape[-1].bit_length() - 2, generator.size.bit_length() - 2):
        # Style space: up-convolution, convolution and RGB of each level, after the two at 4 px.
        first = 3 * level - 1
        for convolution, style in ((2 * level - 1, first), (2 * level, first + 1)):
            x = generator.styled(convolution)(x, style=styles[style], noise=None)
        picture = generator.rgb(level)(x, style=styles[first + 2], below=picture)
    return picture.float()


def optimizer(name: str, parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """`ranger`, as published, or `adam`."""
    return Ranger(parameters, lr) if name == "ranger" else adam(parameters, lr)
