"""Features that enter a styled convolution in place of what came before it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.models.test_batch_invariance import generator, require_same, stirred
from unripple.models.stylegan2 import Generator


@pytest.fixture
def net() -> Generator:
    torch.manual_seed(0)
    made: Generator = stirred(generator())
    return made


def codes(net: Generator, batch: int = 2) -> Tensor:
    return torch.randn(
        batch, net.n_codes, net.style_dim, generator=torch.Generator().manual_seed(1)
    )


@torch.no_grad()
@pytest.mark.parametrize("i", [1, 2, 5, 8])
def test_what_would_enter_anyway_changes_nothing(net: Generator, i: int) -> None:
    kept: dict[int, Tensor] = {}
    w_plus = codes(net)
    plain = net.synthesize(w_plus, inject={i - 1: lambda x: kept.setdefault(i, x)})
    assert torch.equal(net.synthesize(w_plus, enter=kept), plain)


@torch.no_grad()
def test_the_picture_below_is_that_of_the_codes(net: Generator) -> None:
    """Entering is not injecting: the RGB layer of the side below sees what was there before."""
    w_plus, features = codes(net), torch.randn(2, 8, 32, 32)
    plain: dict[int, Tensor] = {}
    entered: dict[int, Tensor] = {}
    injected: dict[int, Tensor] = {}
    net.synthesize(w_plus, on_resolution=plain.__setitem__)
    net.synthesize(w_plus, enter={7: features}, on_resolution=entered.__setitem__)
    net.synthesize(w_plus, inject={6: lambda _: features}, on_resolution=injected.__setitem__)
    assert all(torch.equal(entered[side], plain[side]) for side in (4, 8, 16, 32))
    assert not torch.equal(injected[32], plain[32])
    assert not torch.equal(entered[64], plain[64])
    # What follows the features is the same either way.
    rest = net.to_rgbs[-1].upsample
    torch.testing.assert_close(
        entered[64] - rest(entered[32]), injected[64] - rest(injected[32]), atol=1e-5, rtol=1e-5
    )


def test_one_set_of_features_serves_a_batch_and_each_sample_has_its_own(net: Generator) -> None:
    w_plus, features = codes(net, 3), torch.randn(3, 8, 32, 32)
    require_same(lambda w, f: net.synthesize(w, enter={7: f}), w_plus, features)
    require_same(lambda w: net.synthesize(w, enter={7: features[:1]}), w_plus)


@torch.no_grad()
def test_batches_are_the_same_where_samples_are_drawn_apart(net: Generator) -> None:
    net.apart_px = 16
    w_plus, features = codes(net, 3), torch.randn(3, 8, 32, 32)
    apart = net.synthesize(w_plus, enter={7: features})
    net.apart_px = 128
    together = net.synthesize(w_plus, enter={7: features})
    torch.testing.assert_close(apart, together, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("enter", "said"),
    [
        ({9: torch.zeros(1, 6, 64, 64)}, "no styled convolution 9, wanted 0 to 8"),
        ({7: torch.zeros(1, 8, 16, 16)}, r"enter\[7\]: got \(1, 8, 16, 16\), wanted \(2, 8, 32"),
        ({7: torch.zeros(3, 8, 32, 32)}, r"wanted \(2, 8, 32, 32\)"),
        ({7: torch.zeros(1, 6, 32, 32)}, r"wanted \(2, 8, 32, 32\)"),
    ],
)
def test_features_that_cannot_enter_are_refused(
    net: Generator, enter: dict[int, Tensor], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        net.synthesize(codes(net), enter=enter)
