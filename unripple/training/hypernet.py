"""The hypernetworks that HyperStyle's training makes, and how a new one begins: with small offsets,
and with another network's first layers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unripple.conventions import BadCheckpoint, BadConfig
from unripple.models.bisenet import IMAGENET_MEAN, IMAGENET_STD
from unripple.models.hyperstyle import Hypernet
from unripple.models.stylegan2 import Generator
from unripple.zoo.containers import read_container
from unripple.zoo.weights import read_state

TUNED = (0, 2, 3, 8, 9, 11, 12, 14, 15)
"""Convolutions of the embedded generator, in the order of styles. Those at 16 px have half of all
pairs of channels; photos gained least by them: training/README.md."""
SMALL: dict[str, Any] = {
    "widths": (24, 32, 64, 96, 128),
    "units": (2, 2, 2, 2),
    "code": 32,
    "shared_inner": 32,
    "inner": 48,
}
FIRST_OFFSETS = (
    0.1  # of what PyTorch's initial weights would give: begin near the encoder's picture
)
NORM_MOMENTUM = 0.02  # of batch norms' statistics: a batch is small
FIRST_OFFSETS = 0.1  # of what unit weights would give: begin near the first picture
NORM_MOMENTUM = 0.02  # of batch norms' statistics: a batch is small
DRAWN = 0.1  # of the stem's spread, for the weights that see the drawing
PARSER = "cp.resnet."


def sizes_for(chosen: argparse.Namespace, generator: Generator) -> dict[str, Any]:
    """The arguments of `Hypernet` for a generator.

    Raises:
        BadConfig: layers that it has not.
    """
    count = 3 * (generator.n_codes // 2) - 1
    every = [number for number in range(count) if number % 3 != 1]
    asked = chosen.layers or (every if chosen.published_size else [n for n in TUNED if n < count])
    if odd := sorted(n for n in asked if not 0 <= n < count):
        raise BadConfig(f"--layers {odd[0]}: this generator has layers 0 to {count - 1}")
    size = min(256, generator.size)
    return {
        "layers": tuple(asked),
        "channels": channels_of(generator),
        "separable": chosen.separable,
        "halvings": size.bit_length() - 5,  # of features at a sixteenth of the side
        **({} if chosen.published_size else SMALL),
    }


def channels_of(generator: Generator) -> dict[int, int]:
    """Side -> channels."""
    return {
        4 << level: generator.rgb(level).modulated.weight.shape[2]
        for level in range(generator.n_codes // 2)
    }


def begin_small(net: Hypernet) -> None:
    """Let a new hypernetwork change little at first, but tell photos apart from the first step.

    With PyTorch's initial weights a code hardly depends on the photo after the convolutions of its
    block. Then the biases learn first, what is best for all photos, and the features die out.
    """
    with torch.no_grad():
        for block in net.refinement_blocks.values():
            for conv in block.get_submodule("convs").children():
                if isinstance(conv, nn.Conv2d):
                    nn.init.kaiming_normal_(conv.weight, a=0.01)
                    if conv.bias is not None:
                        nn.init.zeros_(conv.bias)
        for name, weight in net.named_parameters():
            if ".output." in name:
                weight.mul_(FIRST_OFFSETS)
        if net.shared:
            shared = net.shared_weight_hypernet
            nn.init.normal_(shared.w2, std=shared.code**-0.5)
            nn.init.normal_(shared.w1, std=FIRST_OFFSETS * shared.code**-0.5)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = NORM_MOMENTUM


def take_trunk(net: Hypernet, path: Path) -> None:
    """Start the trunk from a ResNet that looks at one picture, as the published training does.

    The weights that see the drawing begin small and random.

    Args:
        net: a new one.
        path: a parser's safetensors, or torchvision's resnet34 as a file.

    Raises:
        BadCheckpoint: the file holds no trunk of these sizes.
    """
    state = one_picture_trunk(path)
    stem = state.pop("conv1.weight", None)
    own = net.state_dict()
    odd = [key for key, value in state.items() if key not in own or own[key].shape != value.shape]
    wanted = {key for key in own if key.startswith(("body.", "bn1."))}
    odd += sorted(wanted - set(state))
    if stem is None or len(stem) != len(own["conv1.weight"]) or odd:
        raise BadCheckpoint(
            f"--trunk {path}: no trunk of these sizes, or none at all; differs in "
            f"{', '.join(odd[:2]) or 'conv1.weight'}"
        )
    own |= state
    # A photo comes in [-1, 1] here and normalised there; the norm behind the stem takes the shift.
    std, mean = torch.tensor(IMAGENET_STD), torch.tensor(IMAGENET_MEAN)
    shift = (stem.sum((2, 3)) * (0.5 - mean) / std).sum(1)
    own["bn1.running_mean"] = own["bn1.running_mean"] - shift
    stem = stem * (0.5 / std)[:, None, None]
    weight = own["conv1.weight"]
    weight.normal_(0, DRAWN * float(stem.std()))
    weight[:, :3] = 0
    first = (weight.shape[-1] - stem.shape[-1]) // 2  # a smaller kernel lies in the middle
    inside = slice(first, first + stem.shape[-1])
    weight[:, :3, inside, inside] = stem
    own["relu.weight"] = torch.zeros_like(own["relu.weight"])  # there an ordinary ReLU
    net.load_state_dict(own)


def one_picture_trunk(path: Path) -> dict[str, Tensor]:
    """A ResNet's layers by the names that `ResNet34` gives them; `conv1` for one picture."""
    if path.suffix == ".safetensors":
        stored = read_state(path)
        prefix = PARSER
    else:
        stored, prefix = read_container(path), ""
    layers = {
        key.removeprefix(prefix): value.float() if value.is_floating_point() else value
        for key, value in stored.items()
        if key.startswith(prefix) and isinstance(value, Tensor)
    }
    state = {key: value for key, value in layers.items() if key.startswith(("conv1.", "bn1."))}
    # Blocks are numbered within their group there, and in one row here.
    names = [key.split(".", 2) for key in layers if key.startswith("layer")]
    row = sorted({(group, int(block)) for group, block, _ in names})
    for group, block, rest in names:
        number = row.index((group, int(block)))
        state[f"body.{number}.{rest}"] = layers[f"{group}.{block}.{rest}"]
    return state
