"""The consultation's laws: a new one changes nothing, sizes follow the picture, any batch."""

from __future__ import annotations

import pytest
import torch

from unripple.models.hfgi import CONSULTED, Aligner, ResidualEncoder, fuse, sizes_from_state
from unripple.models.stylegan2 import Generator


@torch.no_grad()
def test_fuse_scales_and_shifts() -> None:
    x = torch.full((1, 2, 3, 3), 4.0)
    assert torch.equal(fuse(x, torch.full_like(x, 0.5), torch.full_like(x, -1.0)), x * 1.5 - 1)
    assert torch.equal(fuse(x, torch.zeros_like(x), torch.zeros_like(x)), x)
    assert fuse(x.bfloat16(), torch.zeros_like(x), torch.zeros_like(x)).dtype == torch.bfloat16


@torch.no_grad()
def test_a_new_residual_encoder_changes_no_picture() -> None:
    torch.manual_seed(0)
    generator = Generator(64, 16, 2, {4: 8, 8: 8, 16: 8, 32: 8, 64: 6})
    residual_encoder = ResidualEncoder((4, 6, 8), out_channels=6, strides=(1, 1)).eval()
    w_plus = torch.randn(2, generator.n_codes, 16)
    scale, shift = residual_encoder(torch.randn(2, 3, 64, 64))
    consulted = generator.synthesize(w_plus, inject={CONSULTED: lambda x: fuse(x, scale, shift)})
    left_alone = generator.synthesize(w_plus, inject={CONSULTED: lambda x: x})
    assert torch.equal(consulted, left_alone)


def test_a_new_residual_encoder_learns() -> None:
    torch.manual_seed(1)
    net = ResidualEncoder((4, 6, 8), out_channels=5)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    residual = torch.randn(2, 3, 16, 16)
    for _ in range(2):
        optimizer.zero_grad()
        scale, shift = net(residual)
        ((scale - 1).square().mean() + (shift + 1).square().mean()).backward()
        optimizer.step()
    idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == [], "the first step frees the last layers, the second one reaches all"


@pytest.mark.parametrize(
    ("strides", "side"), [((2, 2), 8), ((2, 1), 16), ((1, 2), 16), ((1, 1), 32)]
)
def test_strides_set_the_side_and_survive_the_weights(strides: tuple[int, int], side: int) -> None:
    net = ResidualEncoder((4, 6, 8), out_channels=5, strides=strides).eval()
    state = net.state_dict()
    assert ("strides" in state) == (strides != (2, 2))
    sizes = {"strides": (2, 2), **sizes_from_state(state)}
    assert sizes == {"widths": (4, 6, 8), "out_channels": 5, "strides": strides}
    twin = ResidualEncoder(**sizes).eval()
    twin.load_state_dict(state, strict=True)
    residual = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        assert [part.shape for part in twin(residual)] == [(1, 5, side, side)] * 2
        assert all(torch.equal(a, b) for a, b in zip(net(residual), twin(residual), strict=True))


def test_aligner_sizes_are_read_from_the_weights() -> None:
    net = Aligner((4, 6, 8, 10))
    sizes = sizes_from_state(net.state_dict())
    assert sizes == {"widths": (4, 6, 8, 10)}
    Aligner(**sizes).load_state_dict(net.state_dict(), strict=True)


@pytest.mark.parametrize("size", [(32, 32), (40, 56), (30, 31)])
@torch.no_grad()
def test_aligner_keeps_the_size_of_any_picture(size: tuple[int, int]) -> None:
    net = Aligner((4, 6, 8, 10)).eval()
    residual, picture = torch.randn(2, 3, *size), torch.randn(2, 3, *size)
    assert net(residual, picture).shape == (2, 3, *size)


@torch.no_grad()
def test_any_batch_gives_the_same_pictures() -> None:
    torch.manual_seed(2)
    aligner, encoder = Aligner((4, 6, 8, 10)).eval(), ResidualEncoder((4, 6, 8), 5).eval()
    for part in (encoder.condition_scale3, encoder.condition_shift3):
        torch.nn.init.normal_(part[2].weight)
    residual, picture = torch.randn(3, 3, 32, 32), torch.randn(3, 3, 32, 32)
    together = encoder(aligner(residual, picture))
    for i in range(3):
        alone = encoder(aligner(residual[i : i + 1], picture[i : i + 1]))
        for part, whole in zip(alone, together, strict=True):
            assert part.any()
            torch.testing.assert_close(part[0], whole[i], atol=1e-4, rtol=1e-4)


def test_aligner_learns() -> None:
    torch.manual_seed(3)
    net = Aligner((4, 6, 8, 10))
    net(torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32)).square().mean().backward()
    idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []
