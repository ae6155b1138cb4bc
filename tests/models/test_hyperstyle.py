"""HyperStyle: codes of layers, offsets of weights, and what must be kept of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.test_batch_invariance import generator, require_same, stirred
from unripple.models import hyperstyle, w_encoder
from unripple.models.hyperstyle import Hypernet
from unripple.models.layers.framing import pooled
from unripple.models.layers.refinement import (
    Layer,
    SeparableKernel,
    SharedHypernetwork,
    layer,
    side_of,
)
from unripple.models.stylegan2 import CHANNELS_1024

CHANNELS = {4: 8, 8: 8, 16: 8, 32: 8, 64: 6}
ALL = (0, 2, 3, 5, 6, 8, 9, 11, 12)
SLIM: dict[str, Any] = {
    "channels": CHANNELS,
    "widths": (4, 4, 6, 8, 10),
    "units": (2, 1, 1, 1),
    "code": 12,
    "shared_inner": 5,
    "inner": 7,
    "halvings": 2,
}


def hypernet(layers: tuple[int, ...] = ALL, *, separable: bool = False) -> Hypernet:
    torch.manual_seed(0)
    made: Hypernet = stirred(Hypernet(layers, separable=separable, **SLIM))
    for parameter in made.parameters():  # of the size that keeps offsets below one
        parameter.mul_(0.4)
    return made


def drawing() -> Any:
    torch.manual_seed(1)
    return stirred(generator())


def pictures(batch: int = 2, seed: int = 2) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return (
        torch.rand(batch, 3, 64, 64, generator=rng) * 2 - 1,
        torch.randn(batch, 10, 16, generator=rng),
    )


# Sizes


@pytest.mark.parametrize("separable", [False, True])
@pytest.mark.parametrize("layers", [ALL, (0, 1, 2, 4, 12, 13), (11, 12), (3,), tuple(range(14))])
def test_sizes_are_read_from_the_weights(layers: tuple[int, ...], separable: bool) -> None:
    net = hypernet(layers, separable=separable)
    sizes = hyperstyle.sizes_from_state(net.state_dict())
    assert sizes["layers"] == net.layers
    Hypernet(**sizes).load_state_dict(net.state_dict(), strict=True)


@pytest.mark.parametrize(("size", "last"), [(1024, 26), (512, 23), (256, 20)])
def test_the_published_layers_of_every_generator(size: int, last: int) -> None:
    tuned = [number for number in hyperstyle.TUNED if number < last]
    with torch.device("meta"):
        net = Hypernet(tuned)
    assert sorted(net.shared) == [0, 2, 3, 5, 6, 8, 9, 11, 12]
    assert {side_of(number) for number in net.layers} == {
        side for side in CHANNELS_1024 if side <= size
    }
    state = net.state_dict()
    assert state["refinement_blocks.14.output.1.weight"].shape == (512 * 256, 512, 1, 1)
    assert state["refinement_blocks.0.convs.8.weight"].shape == (512, 128, 3, 3)
    assert hyperstyle.sizes_from_state(state)["layers"] == tuple(tuned)


def test_layers_are_numbered_as_styles() -> None:
    assert layer(0, CHANNELS_1024) == Layer(512, 512, 3)
    assert layer(1, CHANNELS_1024) == Layer(3, 512, 1)
    assert layer(14, CHANNELS_1024) == Layer(256, 512, 3)
    assert layer(23, CHANNELS_1024) == Layer(32, 64, 3)
    assert layer(25, CHANNELS_1024) == Layer(3, 32, 1)


# Offsets


@torch.no_grad()
@pytest.mark.parametrize("separable", [False, True])
def test_what_is_kept_gives_the_offsets_that_add_up(separable: bool) -> None:
    net, draw = hypernet(separable=separable), drawing()
    photo, w_plus = pictures()
    steps = list(hyperstyle.refined(net, draw, photo, w_plus, iterations=5))
    added: dict[int, Tensor] = {}
    for n in range(5):
        own = net.offsets(steps[-1].codes[:, n : n + 1], 1)
        added = {number: added[number] + new if added else new for number, new in own.items()}
    kept = net.summary(steps[-1].codes)
    assert kept.shape[1] == (5 if separable else 1)
    offsets = net.offsets(kept, 5)
    for number, total in added.items():
        torch.testing.assert_close(offsets[number], total, atol=1e-4, rtol=1e-4)
    picture = draw.synthesize(w_plus, weight_offsets=offsets)
    directly = draw.synthesize(w_plus, weight_offsets=added)
    assert (picture - directly).abs().max() < 1e-4
    assert torch.equal(picture, steps[-1].picture)
    assert (steps[-1].picture - draw.synthesize(w_plus)).abs().max() > 0.01


def test_an_artifact_is_small() -> None:
    """The published file of one photo is 94.3 MB, and numpy refuses to write it."""
    with torch.device("meta"):
        net = Hypernet()
        kept = net.summary(torch.empty(1, 5, len(net.layers), 512))
    assert kept.numel() * 4 == 34_816
    numbers = [layer(n, CHANNELS_1024) for n in net.layers]
    assert sum(one.out * one.fan_in * 9 for one in numbers) * 4 == pytest.approx(94.3e6, rel=1e-3)


@torch.no_grad()
def test_the_row_of_the_shared_product_is_the_channel_out() -> None:
    shared = SharedHypernetwork(Layer(4, 3, 3), 5)
    for parameter in shared.parameters():
        torch.nn.init.normal_(parameter)
    z = torch.randn(1, 5)
    rows = (z @ shared.w2 + shared.b2).view(4, 5)
    offsets = shared(z, 1)
    for out in range(4):
        wanted = (rows[out] @ shared.w1 + shared.b1).view(3, 3, 3)
        torch.testing.assert_close(offsets[0, out], wanted)


@torch.no_grad()
def test_a_separable_kernel_is_an_outer_product_mixed_along_either_side() -> None:
    torch.manual_seed(3)
    kernel = SeparableKernel(Layer(4, 6, 3), 5)
    code = torch.randn(2, 5)
    read = kernel.make_kernel_in(code).view(2, 3, 3, 6)
    write = kernel.make_kernel_out(code).view(2, 3, 3, 4)
    wanted = torch.einsum("byxo,byxi->boiyx", write, read)
    wanted = torch.einsum("boiyx,ji->bojyx", wanted, kernel.kernel_linear_in.weight)
    wanted = wanted + kernel.kernel_linear_in.bias[:, None, None]
    wanted = torch.einsum("boiyx,po->bpiyx", wanted, kernel.kernel_linear_out.weight)
    wanted = wanted + kernel.kernel_linear_out.bias[:, None, None, None]
    torch.testing.assert_close(kernel(code), wanted)


@pytest.mark.parametrize(
    ("separable", "shape", "said"),
    [
        (False, (1, 3, 9, 12), r"wanted \[B, 1 or 5, 9, code\] for 5 iterations"),
        (True, (1, 1, 9, 12), r"wanted \[B, 5, 9, code\]"),
        (False, (1, 5, 8, 12), r"got \(1, 5, 8, 12\)"),
    ],
)
def test_codes_that_tell_too_little_are_refused(
    separable: bool, shape: tuple[int, ...], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        hypernet(separable=separable).offsets(torch.zeros(shape), 5)


# Batches, shapes


@pytest.mark.parametrize("separable", [False, True])
def test_an_inversion_takes_any_batch(separable: bool) -> None:
    net, draw = hypernet((0, 1, 5, 11, 12), separable=separable), drawing()

    def inverted(photo: Tensor, w_plus: Tensor) -> Tensor:
        return list(hyperstyle.refined(net, draw, photo, w_plus, iterations=2))[-1].picture

    require_same(inverted, *pictures(3))


@torch.no_grad()
def test_cars_are_wider_than_high() -> None:
    net, draw = hypernet(), drawing()
    torch.manual_seed(4)
    net = stirred(Hypernet(ALL, **{**SLIM, "halvings": 2}))
    photo = torch.rand(1, 3, 48, 64)
    (step,) = hyperstyle.refined(net, draw, photo, torch.randn(1, 10, 16), iterations=1)
    assert step.picture.shape == (1, 3, 64, 64)
    rows = torch.arange(512.0)[:, None].expand(1, 3, 512, 512)
    seen = pooled(rows, (192, 256))
    assert seen.shape == (1, 3, 192, 256)
    assert seen[0, 0, 0, 0] == 64.5 and seen[0, 0, -1, 0] == 446.5
    assert torch.equal(pooled(rows[..., :256, :256], (256, 256)), rows[..., :256, :256])


@torch.no_grad()
def test_the_w_encoder_gives_one_code_for_all_rows() -> None:
    torch.manual_seed(5)
    sizes = {"widths": (8, 8, 16, 24, 32), "units": (2, 1, 2, 1), "style_dim": 12}
    net = stirred(w_encoder.WEncoder(**sizes))
    assert w_encoder.sizes_from_state(net.state_dict()) == sizes
    photo = torch.rand(3, 3, 48, 64)
    assert net(photo).shape == (3, 1, 12)
    assert (net(photo) + torch.zeros(9, 12)).shape == (3, 9, 12)
    require_same(net, photo)
