"""LPIPS by its published formula, on filled weights; ViTs_face and DeltaEdit's mapper."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor

from tests.models.test_batch_invariance import require_same, stirred
from unripple.models import delta_mapper, id_vit, lpips

SLIM = (4, 6, 8, 8, 10)
TRUNKS: dict[str, Any] = {"alexnet": lpips.AlexNet, "vgg16": lpips.VGG16}
TAPS = {"alexnet": (1, 4, 7, 9, 11), "vgg16": (3, 8, 15, 22, 29)}


def made(kind: str) -> lpips.LPIPS:
    torch.manual_seed(0)
    trunk, weights = stirred(TRUNKS[kind](SLIM)), lpips.Weights(SLIM)
    for parameter in weights.parameters():
        torch.nn.init.uniform_(parameter)
    return lpips.LPIPS(trunk, weights).eval().requires_grad_(False)


@pytest.mark.parametrize("kind", TRUNKS)
def test_sizes_are_read_from_the_weights(kind: str) -> None:
    net = made(kind)
    assert lpips.sizes_from_state(net.trunk.state_dict()) == {"widths": SLIM}
    assert lpips.sizes_from_state(net.weights.state_dict()) == {"widths": SLIM}


@pytest.mark.parametrize("kind", TRUNKS)
def test_the_trunk_is_torchvisions(kind: str) -> None:
    """Keys, sizes and numbers of its file without the classifier."""
    torch.manual_seed(1)
    theirs = getattr(torchvision.models, kind)(weights=None).features.eval()
    state = {f"features.{key}": value for key, value in theirs.state_dict().items()}
    ours = TRUNKS[kind]()
    assert lpips.sizes_from_state(state) == lpips.sizes_from_state(ours.state_dict())
    ours.load_state_dict(state, strict=True)
    picture = torch.randn(1, 3, 64, 72)
    with torch.no_grad():
        found = ours.eval()(picture)
        for tap, number in zip(found, TAPS[kind], strict=True):
            torch.testing.assert_close(tap, theirs[: number + 1](picture))


@torch.no_grad()
@pytest.mark.parametrize("kind", TRUNKS)
def test_the_distance_is_the_published_formula(kind: str) -> None:
    net = made(kind)
    one, other = torch.rand(2, 3, 64, 72) * 2 - 1, torch.rand(2, 3, 64, 72) * 2 - 1
    wanted = torch.zeros(2)
    mean, std = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    stacks = [one, other]
    stacks = [(x - mean.view(3, 1, 1)) / std.view(3, 1, 1) for x in stacks]
    for number, layer in enumerate(net.trunk.features):
        stacks = [layer(x) for x in stacks]
        if number in TAPS[kind]:
            a, b = (x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10) for x in stacks)
            level = TAPS[kind].index(number)
            wanted += F.conv2d((a - b) ** 2, net.weights.level(level)).mean((1, 2, 3))
    torch.testing.assert_close(net(one, other), wanted)
    assert not net(one, one).any()


@pytest.mark.parametrize("kind", TRUNKS)
def test_every_pair_has_its_own_distance(kind: str) -> None:
    net = made(kind)
    require_same(net, torch.rand(3, 3, 64, 64), torch.rand(3, 3, 64, 64))


def test_a_black_picture_has_no_direction_and_a_distance() -> None:
    net = made("alexnet")
    for parameter in net.trunk.parameters():
        parameter.zero_()
    assert torch.equal(net(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)), torch.zeros(1))


# ViTs_face

VIT = {"width": 32, "depth": 2, "hidden": 24, "grid": 3}


def vit() -> id_vit.IdViT:
    torch.manual_seed(2)
    net: id_vit.IdViT = stirred(id_vit.IdViT(**VIT, head_width=8))
    return net


@torch.no_grad()
def test_the_vit_takes_any_size_and_batch() -> None:
    net = vit()
    assert id_vit.sizes_from_state(net.state_dict()) == VIT
    assert net(torch.rand(2, 3, 60, 41)).shape == (2, 32)
    require_same(net, torch.rand(3, 3, 50, 50))


@torch.no_grad()
def test_attention_is_scaled_by_the_width_of_all_heads() -> None:
    attention = id_vit.Attention(32, 4, 8).eval()
    x = torch.randn(1, 5, 32)
    q, k, v = attention.to_qkv(x).view(5, 3, 4, 8).permute(1, 2, 0, 3)  # each [4, 5, 8]
    seen: Tensor = torch.softmax(q @ k.transpose(1, 2) * 32**-0.5, dim=-1) @ v
    wanted = attention.to_out(seen.transpose(0, 1).reshape(1, 5, 32))
    torch.testing.assert_close(attention(x), wanted)


# DeltaEdit


def test_delta_mapper_takes_any_batch() -> None:
    torch.manual_seed(3)
    net = delta_mapper.DeltaMapper(8, 20, 10).eval().requires_grad_(False)
    sizes = {"width": 8, "fine": 20, "condition": 10}
    assert delta_mapper.sizes_from_state(net.state_dict()) == sizes
    require_same(net, torch.randn(3, 7 * 8 + 20), torch.randn(3, 10))
