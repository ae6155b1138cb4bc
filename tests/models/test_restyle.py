"""ReStyle's encoders and loop, and pSp beside e4e."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.test_batch_invariance import generator, require_same, stirred
from unripple.models import e4e, psp, restyle
from unripple.models.layers.framing import pooled

SLIM: dict[str, Any] = {
    "widths": (8, 8, 16, 24, 32),
    "units": (2, 1, 2, 1),
    "style_dim": 16,
    "n_codes": 10,
    "side": 4,
}
KINDS = [restyle.RestyleEncoder, restyle.RestyleResNetEncoder]


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_are_read_from_the_weights(kind: Any) -> None:
    net = kind(**SLIM)
    assert restyle.sizes_from_state(net.state_dict()) == SLIM


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_look_is_at_the_mean_and_the_rest_at_what_was_drawn(kind: Any) -> None:
    torch.manual_seed(0)
    net, draw = stirred(kind(**SLIM)), stirred(generator())
    photo, mean = torch.randn(1, 3, 64, 64), torch.randn(10, 16)
    first, second = restyle.refined(net, draw, photo, mean, iterations=2)
    codes = mean + net(photo, pooled(draw.synthesize(mean[None]), (64, 64)))
    torch.testing.assert_close(first.codes, codes)
    codes = codes + net(photo, pooled(draw.synthesize(codes), (64, 64)))
    torch.testing.assert_close(second.codes, codes)
    torch.testing.assert_close(second.picture, draw.synthesize(codes))


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_its_photos(kind: Any) -> None:
    torch.manual_seed(1)
    net, draw = stirred(kind(**SLIM)), stirred(generator())
    mean = torch.randn(16)

    def encoded(photo: Tensor) -> Tensor:
        return list(restyle.refined(net, draw, photo, mean, iterations=2))[-1].codes

    require_same(encoded, torch.rand(3, 3, 64, 64))


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_cars_are_wider_than_high(kind: Any) -> None:
    torch.manual_seed(2)
    net, draw = stirred(kind(**SLIM)), stirred(generator())
    (step,) = restyle.refined(net, draw, torch.rand(2, 3, 48, 64), torch.randn(16), iterations=1)
    assert step.codes.shape == (2, 10, 16) and step.picture.shape == (2, 3, 64, 64)


@torch.no_grad()
def test_rows_of_psp_do_not_build_on_row_0() -> None:
    torch.manual_seed(3)
    sizes = {"size": 64, "widths": (8, 8, 16, 24, 32), "units": (2, 1, 2, 1), "style_dim": 12}
    elder, younger = psp.PSPEncoder(**sizes, n_codes=9), e4e.Encoder(**sizes, n_codes=9)
    younger.load_state_dict(stirred(elder).state_dict())
    photo = torch.rand(3, 3, 64, 64)
    rows, relative = elder(photo), younger.eval()(photo)
    torch.testing.assert_close(relative[:, 0], rows[:, 0])
    torch.testing.assert_close(relative[:, 1:], rows[:, 1:] + rows[:, :1], atol=1e-5, rtol=1e-5)
    require_same(elder, photo)
    with pytest.raises(ValueError, match="do not build on each other"):
        elder(photo, delta_codes=3)
