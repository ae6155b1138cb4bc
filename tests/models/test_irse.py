"""The identity net: unit vectors, its crop, its sizes; and the residual unit both nets use."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.irse import Backbone, crop_for_identity, sizes_from_state
from unripple.models.layers.irse import ResidualUnit, SqueezeExcite, body, group_ends

SLIM = {"input_size": 64, "widths": (8, 8, 16, 24, 32), "units": (1, 2, 2, 1), "embedding": 48}


@pytest.fixture
def net() -> Backbone:
    torch.manual_seed(0)
    return Backbone(**SLIM).eval()


def test_sizes_are_read_from_the_weights(net: Backbone) -> None:
    sizes = sizes_from_state(net.state_dict())
    assert sizes == SLIM
    Backbone(**sizes).load_state_dict(net.state_dict(), strict=True)


@torch.no_grad()
def test_embeddings_have_unit_length(net: Backbone) -> None:
    faces = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    vectors = net(faces)
    assert vectors.shape == (3, 48)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    with torch.autocast("cpu", torch.bfloat16):
        assert net(faces).dtype == torch.float32


def test_slim_net_at_the_published_input_size_learns() -> None:
    torch.manual_seed(3)
    net = Backbone(input_size=112, widths=(8, 8, 16, 24, 32), units=(1, 1, 1, 1), embedding=32)
    vectors = net(torch.randn(4, 3, 112, 112))
    (vectors[0] @ vectors[1]).backward()
    idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    # A batch norm takes away what the bias in front of it adds.
    assert set(idle) <= {"output_layer.3.bias"}


def test_wrong_crop_size_is_an_error(net: Backbone) -> None:
    with pytest.raises(ValueError, match=r"face: got \(1, 3, 112, 112\), wanted \[B, 3, 64, 64\]"):
        net(torch.zeros(1, 3, 112, 112))
    with pytest.raises(ValueError, match="input_size: got 100"):
        Backbone(input_size=100)


def test_crop_averages_the_published_window() -> None:
    picture = torch.randn(2, 3, 256, 256, generator=torch.Generator().manual_seed(2))
    window = picture[:, :, 35:223, 32:220]
    crop = crop_for_identity(picture)
    assert crop.shape == (2, 3, 112, 112)
    # Bin i covers floor(i * 188 / 112) up to ceil((i + 1) * 188 / 112): bin 5 is 8 to 10.
    torch.testing.assert_close(crop[:, :, 5, 5], window[:, :, 8:11, 8:11].mean((2, 3)))
    torch.testing.assert_close(crop_for_identity(picture, 94), F.avg_pool2d(window, 2))


@pytest.mark.parametrize("side", [64, 128, 512, 1024])
def test_crop_shows_the_same_window_at_every_picture_size(side: int) -> None:
    """A picture that holds its own coordinates gives about the same coordinates back."""

    def coordinates(n: int) -> Tensor:
        line = (torch.arange(n) + 0.5) / n
        y, x = torch.meshgrid(line, line, indexing="ij")
        return torch.stack([y, x, x])[None]

    wanted = crop_for_identity(coordinates(256), 64)
    assert (
        float((crop_for_identity(coordinates(side), 64) - wanted).abs().max()) < 0.5 / side + 1e-3
    )


@pytest.mark.parametrize("stride", [1, 2])
@torch.no_grad()
def test_equal_width_shortcut_is_the_subsampled_input(stride: int) -> None:
    unit = ResidualUnit(4, 4, stride=stride).eval()
    torch.nn.init.zeros_(unit.res_layer[3].weight)
    x = torch.randn(1, 4, 7, 7)
    assert unit.shortcut_layer is None
    torch.testing.assert_close(unit(x), F.max_pool2d(x, 1, stride))


@torch.no_grad()
def test_squeeze_excite_weighs_whole_channels() -> None:
    gate = SqueezeExcite(16)
    x = torch.rand(2, 16, 5, 5) + 0.5
    ratio = gate(x) / x
    torch.testing.assert_close(ratio, ratio[:, :, :1, :1].expand_as(ratio))
    assert float(ratio.min()) > 0 and float(ratio.max()) < 1


def test_groups_halve_the_sides_once_each() -> None:
    trunk = body((8, 8, 16, 24, 32), (3, 4, 14, 3))
    assert [i for i, unit in enumerate(trunk) if unit.stride == 2] == [0, 3, 7, 21]
    assert group_ends((3, 4, 14, 3)) == [2, 6, 20, 23]


def test_a_narrow_shortcut_is_subsampled_before_it_learns() -> None:
    unit = ResidualUnit(4, 6, stride=2, squeeze=False).eval()
    x = torch.randn(2, 4, 16, 16)
    conv, norm = unit.shortcut_layer or ()
    strides: list[tuple[int, ...]] = []
    conv.register_forward_hook(lambda *_: strides.append(conv.stride))
    wanted = norm(conv(x))
    strides.clear()
    assert torch.allclose(unit._shortcut(x), wanted, atol=1e-6)
    assert not strides, "the strided convolution's own gradient may write beyond its memory"
    with torch.no_grad():
        assert torch.equal(unit._shortcut(x), wanted)
    assert strides == [(2, 2)]
