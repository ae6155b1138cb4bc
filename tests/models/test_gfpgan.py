"""The restorer's laws: the published layout, any batch, layers equal to the plain formulas."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.gfpgan import CHANNELS_512, DEAD_KEYS, GFPGAN, sizes_from_state
from unripple.models.layers.clean import CleanStyledConv
from unripple.models.layers.modulated import ModulatedConv2d

SLIM = {"size": 32, "style_dim": 12, "n_mlp": 2, "channels": {4: 16, 8: 16, 16: 12, 32: 8}}


@pytest.fixture
def net() -> GFPGAN:
    torch.manual_seed(0)
    net = GFPGAN(**SLIM)
    decoder = net.stylegan_decoder
    for layer in (decoder.style_conv1, *decoder.style_convs):
        torch.nn.init.constant_(layer.weight, 0.3)
        torch.nn.init.normal_(layer.bias, std=0.2)
    return net


@pytest.fixture
def pictures() -> Tensor:
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def relative(got: Tensor, wanted: Tensor) -> float:
    return float((got - wanted).abs().max() / wanted.abs().max())


def test_sizes_are_read_from_the_weights(net: GFPGAN) -> None:
    sizes = sizes_from_state(net.state_dict())
    assert sizes == SLIM
    GFPGAN(**sizes).load_state_dict(net.state_dict(), strict=True)


def test_published_layout_is_the_default() -> None:
    with torch.device("meta"):
        state = GFPGAN().state_dict()
    assert len(state) == 285
    assert sizes_from_state(state) == {
        "size": 512,
        "style_dim": 512,
        "n_mlp": 8,
        "channels": CHANNELS_512,
    }
    assert sum(key.startswith(DEAD_KEYS) for key in state) == 16


def per_sample(conv: ModulatedConv2d, x: Tensor, style: Tensor) -> Tensor:
    """The published way: the input is enlarged, then a weight per sample."""
    if conv.enlarge:
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    out = []
    for features, scale in zip(x, style, strict=True):
        weight = conv.weight[0] * scale[None, :, None, None]
        if conv.demodulate:
            weight = weight / torch.sqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        out.append(F.conv2d(features[None], weight, padding=conv.padding))
    return torch.cat(out)


@pytest.mark.parametrize(
    "kind", [{}, {"upsample": True}, {"kernel": 1, "demodulate": False}], ids=str
)
def test_clean_convolution_equals_a_weight_per_sample(kind: dict[str, bool]) -> None:
    torch.manual_seed(2)
    conv = ModulatedConv2d(10, 7, 5, clean=True, **kind)
    x, code = torch.randn(4, 10, 9, 9), torch.randn(4, 5)
    style = F.linear(code, conv.modulation.weight, conv.modulation.bias)
    torch.testing.assert_close(conv.modulation(code), style)
    torch.testing.assert_close(conv(x, style), per_sample(conv, x, style), atol=2e-5, rtol=1e-5)


def test_styled_convolution_gains_before_noise_and_bias() -> None:
    torch.manual_seed(3)
    layer = CleanStyledConv(6, 5, 4)
    torch.nn.init.normal_(layer.weight)
    torch.nn.init.normal_(layer.bias)
    x, style, noise = torch.randn(2, 6, 8, 8), torch.rand(2, 6), torch.randn(1, 1, 8, 8)
    before = per_sample(layer.modulated_conv, x, style) * 2**0.5 + layer.weight * noise + layer.bias
    wanted = torch.where(before > 0, before, 0.2 * before)
    torch.testing.assert_close(layer(x, style, noise), wanted, atol=2e-5, rtol=1e-5)


@torch.no_grad()
def test_batch_gives_the_pictures_of_its_members(net: GFPGAN, pictures: Tensor) -> None:
    together = net(pictures)
    assert together.shape == pictures.shape
    alone = torch.cat([net(picture[None]) for picture in pictures])
    assert relative(together, alone) < 1e-5


@torch.no_grad()
def test_stored_noise_repeats_and_random_noise_follows_its_stream(
    net: GFPGAN, pictures: Tensor
) -> None:
    assert torch.equal(net(pictures), net(pictures))

    def random(seed: int) -> Tensor:
        return net(pictures, noise="random", rng=torch.Generator().manual_seed(seed))

    assert torch.equal(random(1), random(1))
    assert not torch.equal(random(1), random(2))
    assert not torch.equal(random(1), net(pictures))


@torch.no_grad()
def test_watch_sees_the_auxiliary_pictures_and_changes_nothing(
    net: GFPGAN, pictures: Tensor
) -> None:
    seen: dict[int, Tensor] = {}
    restored = net(pictures, on_resolution=seen.__setitem__)
    assert {side: tuple(p.shape) for side, p in seen.items()} == {
        side: (3, 3, side, side) for side in (8, 16, 32)
    }
    assert torch.equal(restored, net(pictures))


@torch.no_grad()
def test_conditions_move_half_of_the_features(net: GFPGAN, pictures: Tensor) -> None:
    seen: list[Tensor] = []
    following = net.stylegan_decoder.style_convs[1]
    following.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    net(pictures)
    torch.nn.init.zeros_(net.condition_scale[0][2].weight)
    torch.nn.init.zeros_(net.condition_scale[0][2].bias)
    torch.nn.init.zeros_(net.condition_shift[0][2].weight)
    torch.nn.init.constant_(net.condition_shift[0][2].bias, 5.0)
    net(pictures)
    assert torch.equal(seen[0][:, :8], seen[1][:, :8])
    assert torch.equal(seen[1][:, 8:], torch.full_like(seen[1][:, 8:], 5.0))


@torch.no_grad()
def test_bfloat16_channels_last_stays_close(net: GFPGAN, pictures: Tensor) -> None:
    exact = net(pictures)
    net.to(memory_format=torch.channels_last)
    assert relative(net(pictures), exact) < 1e-5
    with torch.autocast("cpu", torch.bfloat16):
        fast = net(pictures)
    assert fast.dtype == torch.float32
    assert float((fast - exact).std() / exact.std()) < 0.03


def test_every_weight_but_the_dead_ones_learns(net: GFPGAN, pictures: Tensor) -> None:
    auxiliary: list[Tensor] = []
    restored = net(pictures, on_resolution=lambda _, picture: auxiliary.append(picture))
    sum(p.square().mean() for p in (restored, *auxiliary)).backward()
    idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == [name for name, _ in net.named_parameters() if name.startswith(DEAD_KEYS)]


def test_errors_say_what_was_wanted(net: GFPGAN) -> None:
    with pytest.raises(ValueError, match=r"got \(1, 3, 64, 64\), wanted \[B, 3, 32, 32\]"):
        net(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ValueError, match="noise: got 'loud'"):
        net(torch.zeros(1, 3, 32, 32), noise="loud")
    with pytest.raises(ValueError, match="size: got 96"):
        GFPGAN(size=96)
    with pytest.raises(ValueError, match=r"nothing for resolutions \[64\]"):
        GFPGAN(size=64, channels=SLIM["channels"])
