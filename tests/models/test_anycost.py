"""Anycost: the encoder's laws, the channel tables, the projection's objective and its gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unripple.models.anycost import (
    EVOLVED,
    AnycostEncoder,
    adaptive_resize,
    objective,
    objective_gradient,
    sizes_from_state,
    uniform,
)
from unripple.models.stylegan2 import CHANNELS_1024, Generator

SLIM = {"n_codes": 6, "style_dim": 10, "widths": (8, 16, 24, 32, 40), "units": (1, 2, 2, 1)}


@pytest.fixture
def net() -> AnycostEncoder:
    torch.manual_seed(0)
    net = AnycostEncoder(**SLIM, size=64)
    net(torch.randn(8, 3, 64, 64))  # the batch norms see something once
    torch.nn.init.normal_(net.mean_latent)
    return net.eval()


def test_sizes_are_read_from_the_weights(net: AnycostEncoder) -> None:
    sizes = sizes_from_state(net.state_dict())
    assert sizes == SLIM
    AnycostEncoder(**sizes).load_state_dict(net.state_dict(), strict=True)


def test_published_sizes_are_the_defaults() -> None:
    with torch.device("meta"):
        state = AnycostEncoder().state_dict()
    assert sizes_from_state(state) == {
        "n_codes": 18,
        "style_dim": 512,
        "widths": (64, 256, 512, 1024, 2048),
        "units": (3, 4, 6, 3),
    }
    assert state["fc.weight"].shape == (18 * 512, 2048)
    assert sum(key.endswith("downsample.0.weight") for key in state) == 4


@torch.no_grad()
def test_batch_gives_the_codes_of_its_members(net: AnycostEncoder) -> None:
    pictures = torch.rand(3, 3, 64, 64) * 2 - 1
    together = net(pictures)
    assert together.shape == (3, 6, 10)
    alone = torch.cat([net(picture[None]) for picture in pictures])
    assert float((together - alone).abs().max() / alone.abs().max()) < 1e-5
    with torch.autocast("cpu", torch.bfloat16):
        fast = net(pictures)
    assert fast.dtype == torch.float32
    assert float((fast - together).std() / together.std()) < 0.05


@torch.no_grad()
def test_mean_code_is_added_to_every_row(net: AnycostEncoder) -> None:
    picture = torch.rand(1, 3, 64, 64)
    before = net(picture)
    net.mean_latent += 1.0
    torch.testing.assert_close(net(picture), before + 1.0)


def test_adaptive_resize_keeps_corners_and_fitting_pictures() -> None:
    picture = torch.rand(2, 3, 30, 30)
    assert adaptive_resize(picture, 30) is picture
    small = adaptive_resize(picture, 12)
    assert small.shape == (2, 3, 12, 12)
    for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        torch.testing.assert_close(small[..., row, column], picture[..., row, column])


def test_uniform_tables_cap_after_the_ratio() -> None:
    half = uniform(0.5)
    assert half.resolution == 1024
    assert half.widths[::2] == (512, 512, 512, 512, 256, 128, 64, 32, 16)
    assert half.widths[::2] == half.widths[1::2]
    assert uniform(0.25, 128).widths[::2] == (512, 512, 512, 256, 128, 64)
    assert uniform(1.0).widths[::2] == tuple(CHANNELS_1024.values())
    assert uniform(0.5, 16, multiplier=1, most=100).widths == (100,) * 4 + (100,) * 2


@torch.no_grad()
def test_tables_run_on_a_generator() -> None:
    net = Generator(size=256, style_dim=8, n_mlp=0)
    for cut in (uniform(0.1, 256), uniform(0.75, 32), EVOLVED["36G"]):
        picture = net.synthesize(torch.zeros(1, net.n_codes, 8), **cut._asdict())
        assert picture.shape == (1, 3, cut.resolution, cut.resolution)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(1)
    net = Generator(size=16, style_dim=10, n_mlp=1, channels={4: 8, 8: 8, 16: 6})
    return net.requires_grad_(False)


def test_objective_sums_over_the_batch() -> None:
    torch.manual_seed(2)
    picture, target = torch.randn(3, 3, 16, 16), torch.randn(3, 3, 20, 20)
    codes, encoded = torch.randn(3, 6, 10), torch.randn(3, 6, 10)
    how = {
        "mse_weight": 2.0,
        "codes_weight": 0.5,
        "perceptual": lambda a, b: (a - b).abs().mean((1, 2, 3)),
        "compare_px": 8,
    }
    whole = objective(picture, target, codes, encoded, **how)
    rows = [
        objective(*(x[i, None] for x in (picture, target, codes, encoded)), **how) for i in range(3)
    ]
    for name, term in whole._asdict().items():
        torch.testing.assert_close(term, torch.stack([getattr(r, name) for r in rows]).sum())
    torch.testing.assert_close(whole.total, 2.0 * whole.mse + 0.5 * whole.codes + whole.perceptual)
    torch.testing.assert_close(whole.codes, (codes - encoded).square().mean() * 3)


def test_codes_are_free_unless_they_weigh() -> None:
    picture = torch.randn(2, 3, 8, 8)
    found = objective(picture, torch.zeros(2, 3, 8, 8))
    torch.testing.assert_close(found.total, picture.square().mean() * 2)
    assert float(found.codes) == float(found.perceptual) == 0.0
    with pytest.raises(ValueError, match="wanted both codes and encoded"):
        objective(picture, picture, codes=torch.zeros(2, 6, 10), codes_weight=0.5)
    with pytest.raises(ValueError, match=r"\(2, 3, 8, 8\) and \(1, 3, 8, 8\), wanted the same"):
        objective(picture, picture[:1])


@torch.no_grad()
def test_gradient_is_the_slope_of_the_objective(generator: Generator) -> None:
    torch.manual_seed(3)
    codes, encoded = torch.randn(2, 6, 10), torch.randn(2, 6, 10)
    target = torch.rand(2, 3, 16, 16) * 2 - 1
    found, gradient = objective_gradient(generator, codes, target, encoded, codes_weight=0.5)
    assert not found.total.requires_grad
    assert gradient.shape == codes.shape

    def total(at: Tensor) -> Tensor:
        picture = generator.synthesize(at).clamp(-1, 1)
        return objective(picture, target, at, encoded, codes_weight=0.5).total

    torch.testing.assert_close(found.total.sum(), total(codes))
    step = 0.01 * gradient / gradient.norm()
    slope = (total(codes + step) - total(codes - step)) / 2
    torch.testing.assert_close((gradient * step).sum(), slope, rtol=1e-2, atol=0.0)


@torch.no_grad()
def test_clamping_stops_the_gradient_of_what_is_out_of_range(generator: Generator) -> None:
    generator.to_rgbs[-1].bias += 1000.0
    codes, target = torch.randn(1, 6, 10), torch.zeros(1, 3, 16, 16)
    _, clamped = objective_gradient(generator, codes, target)
    _, free = objective_gradient(generator, codes, target, clamp=False)
    assert not clamped.any()
    assert free.any()


def test_errors_say_what_was_wanted(net: AnycostEncoder) -> None:
    with pytest.raises(ValueError, match=r"got \(1, 3, 32, 32\), wanted \[B, 3, 64, 64\]"):
        net(torch.zeros(1, 3, 32, 32))
    with pytest.raises(ValueError, match="wanted a square one"):
        adaptive_resize(torch.zeros(1, 3, 8, 9), 8)
    with pytest.raises(ValueError, match="wanted 5 and 4 numbers"):
        AnycostEncoder(widths=(8, 16))
