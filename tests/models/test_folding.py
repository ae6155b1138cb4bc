"""Folding: fewer layers, the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.tiny import REPO
from unripple.models.bisenet import BiSeNet
from unripple.models.graphonomy import Graphonomy
from unripple.models.layers.folding import fold_norms
from unripple.stages.parse import parse
from unripple.zoo import networks
from unripple.zoo.zoo import Zoo, embedded_folder

THIN = (4, 8, 4, 8, 4)
BODY = (4, 8, 12, 16, 24, 32, 40, 36, 48)


def net_of(kind: str) -> nn.Module:
    torch.manual_seed(0)
    net: nn.Module = (
        BiSeNet(19, THIN, stem_stride=2)
        if kind == "bisenet"
        else Graphonomy(BODY, 2, context=20, low_level=6, hidden=10)
    )
    for norm in net.modules():  # as after a training
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.weight, 1, 0.2)
            nn.init.normal_(norm.bias, 0, 0.2)
            nn.init.normal_(norm.running_mean, 0, 0.2)
            nn.init.uniform_(norm.running_var, 0.5, 2)
    return net.eval().requires_grad_(False)


@pytest.mark.parametrize("kind", ["bisenet", "graphonomy"])
def test_a_folded_network_has_no_norms_and_the_same_numbers(kind: str) -> None:
    net, x = net_of(kind), torch.randn(1, 3, 64, 48, generator=torch.Generator().manual_seed(1))
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    before = net(x)
    assert fold_norms(net) == norms > 0
    assert not any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    after = net(x)
    pairs = zip(before, after, strict=True) if isinstance(before, tuple) else [(before, after)]
    for one, other in pairs:
        assert torch.allclose(one, other, atol=1e-5 * float(one.abs().max()), rtol=1e-5)


def test_the_labels_of_the_samples_keep_their_bytes() -> None:
    path = embedded_folder() / "models" / "parser.safetensors"
    plain = networks.load("parser", path, torch.device("cpu"))
    folded = Zoo().load("parser")
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.net.modules())
    for photo in sorted(Path(REPO, "data/photos").glob("portrait-0[1-4].png")):
        pixels = np.asarray(Image.open(photo).convert("RGB"))
        one, other = (
            parse(pixels, model.net, net_size_px=model.size_px) for model in (plain, folded)
        )
        assert np.array_equal(one, other)
