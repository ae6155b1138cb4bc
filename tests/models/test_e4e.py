"""The encoder's laws: sizes, head by head unlocking, errors."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unripple.models.e4e import Encoder, sizes_from_state

SLIM = {"size": 32, "widths": (8, 8, 16, 24, 32), "units": (2, 1, 2, 1), "style_dim": 20,
        "n_codes": 9}  # fmt: skip


@pytest.fixture
def net() -> Encoder:
    torch.manual_seed(0)
    return Encoder(**SLIM).eval()


@pytest.fixture
def picture() -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_sizes_are_read_from_the_weights(net: Encoder) -> None:
    sizes = sizes_from_state(net.state_dict())
    assert sizes == SLIM
    Encoder(**sizes).load_state_dict(net.state_dict(), strict=True)


def test_embedded_size_builds_and_learns() -> None:
    torch.manual_seed(2)
    net = Encoder(
        size=128, widths=(32, 32, 64, 96, 128), units=(2, 2, 4, 2), style_dim=256, n_codes=12
    )
    codes = net(torch.randn(2, 3, 128, 128))
    assert codes.shape == (2, 12, 256)
    codes.square().mean().backward()
    idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_heads_read_the_published_levels(net: Encoder) -> None:
    sides = [32 // 16] * 3 + [32 // 8] * 4 + [32 // 4] * 2
    depths = [sum(isinstance(m, torch.nn.Conv2d) for m in head.convs) for head in net.styles]
    assert [2**depth for depth in depths] == sides


@torch.no_grad()
def test_deltas_are_unlocked_one_by_one(net: Encoder, picture: Tensor) -> None:
    full = net(picture)
    flat = net(picture, delta_codes=0)
    assert torch.equal(flat, flat[:, :1].expand_as(flat)), "one code in every row"
    assert torch.equal(full[:, 0], flat[:, 0])
    for k in range(1, 9):
        some = net(picture, delta_codes=k)
        assert torch.equal(some[:, : k + 1], full[:, : k + 1])
        assert torch.equal(some[:, k + 1 :], flat[:, k + 1 :])
        assert not torch.equal(some[:, k], flat[:, k])
    assert torch.equal(net(picture, delta_codes=8), full)


def test_locked_heads_get_no_gradient(net: Encoder, picture: Tensor) -> None:
    net(picture, delta_codes=4).square().mean().backward()
    learning = [head.linear.weight.grad is not None for head in net.styles]
    assert learning == [True] * 5 + [False] * 4


@torch.no_grad()
def test_batch_gives_the_codes_of_its_members(net: Encoder, picture: Tensor) -> None:
    alone = torch.cat([net(one[None]) for one in picture])
    torch.testing.assert_close(net(picture), alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_bfloat16_codes_are_float32_and_close(net: Encoder, picture: Tensor) -> None:
    exact = net(picture)
    net.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        fast = net(picture)
    assert fast.dtype == torch.float32
    assert float((fast - exact).std() / exact.std()) < 0.05


def test_errors_say_what_was_wanted(net: Encoder, picture: Tensor) -> None:
    with pytest.raises(ValueError, match=r"picture: got \(1, 3, 64, 64\), wanted \[B, 3, 32, 32\]"):
        net(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ValueError, match="delta_codes: got 9, wanted 0 to 8"):
        net(picture, delta_codes=9)
    with pytest.raises(ValueError, match="size: got 100"):
        Encoder(size=100)
    with pytest.raises(ValueError, match="units: got 3 groups"):
        Encoder(size=32, widths=(8, 8, 16, 24), units=(1, 1, 1))
    with pytest.raises(ValueError, match="neighbouring groups must differ"):
        Encoder(size=32, widths=(8, 8, 16, 16, 32), units=(1, 1, 1, 1))
    with pytest.raises(ValueError, match="one number more"):
        Encoder(size=32, widths=(8, 16, 24, 32), units=(1, 1, 1, 1))
