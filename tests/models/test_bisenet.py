"""Laws of the face parser that hold for any weights."""

from __future__ import annotations

import pytest
import torch

from unripple.models.bisenet import BiSeNet, normalised, sizes_from_state

SLIM = (8, 8, 16, 24, 32)


def slim(stem_stride: int = 2) -> BiSeNet:
    torch.manual_seed(0)
    return BiSeNet(19, SLIM, stem_stride=stem_stride)


@pytest.mark.parametrize(("stem_stride", "finest"), [(4, 8), (2, 16), (1, 32)])
def test_the_stem_sets_the_finest_map(stem_stride: int, finest: int) -> None:
    net = slim(stem_stride).eval()
    detail, context8, context16 = net.cp(torch.randn(1, 3, 64, 64))
    assert detail.shape[2:] == context8.shape[2:] == (finest, finest)
    assert context16.shape[2:] == (finest // 2, finest // 2)


@pytest.mark.parametrize("size", [(64, 64), (50, 75)])
def test_every_pixel_gets_a_logit_from_every_head(size: tuple[int, int]) -> None:
    heads = slim().eval()(torch.randn(2, 3, *size))
    assert [head.shape for head in heads] == [(2, 19, *size)] * 3


def test_a_batch_is_parsed_as_its_pictures_alone() -> None:
    net = slim().eval()
    pictures = torch.randn(3, 3, 64, 64)
    together = net(pictures)[0]
    alone = torch.cat([net(picture[None])[0] for picture in pictures])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_bf16_autocast_gives_float32_logits_near_the_exact_ones() -> None:
    net = slim().eval()
    pictures = torch.randn(2, 3, 64, 64)
    exact = net(pictures)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = net(pictures)[0]
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.05 * exact.detach().abs().max().item(), rtol=0)


def test_all_weights_learn() -> None:
    net = slim()
    sum(head.square().mean() for head in net(torch.randn(2, 3, 64, 64))).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("stem_stride", [1, 2, 4])
def test_sizes_are_read_from_the_state(stem_stride: int) -> None:
    state = slim(stem_stride).state_dict()
    sizes = sizes_from_state(state)
    assert sizes == {"n_classes": 19, "widths": SLIM, "stem_stride": stem_stride}
    BiSeNet(**sizes).load_state_dict(state, strict=True)


def test_normalised_is_imagenets() -> None:
    white = normalised(torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, torch.tensor([2.2489, 2.4286, 2.6400]), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("widths", "stem_stride"), [((8, 8, 8), 4), (SLIM, 3)])
def test_impossible_sizes_are_named(widths: tuple[int, ...], stem_stride: int) -> None:
    with pytest.raises(ValueError, match="wanted"):
        BiSeNet(19, widths, stem_stride=stem_stride)
