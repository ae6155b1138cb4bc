"""Laws of the inpainter and of its Fourier convolution that hold for any weights."""

from __future__ import annotations

import pytest
import torch

from unripple.models.lama import Lama, sizes_from_state
from unripple.models.layers.ffc import FourierUnit, from_real_spectrum, real_spectrum


def slim(**sizes: float) -> Lama:
    torch.manual_seed(0)
    return Lama(**{"ngf": 8, "n_downsampling": 2, "n_blocks": 2, **sizes})


def pictures_with_holes(size: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    hole = torch.zeros(2, 1, size, size)
    hole[:, :, 8:20, 4:16] = 1
    return torch.rand(2, 3, size, size) * (1 - hole), hole


@pytest.mark.parametrize("size", [(8, 8), (7, 10), (5, 9), (1, 1)])
def test_the_spectrum_and_its_inverse_undo_each_other(size: tuple[int, int]) -> None:
    maps = torch.randn(2, 3, *size)
    spectrum = real_spectrum(maps)
    assert spectrum.shape == (2, 6, size[0], size[1] // 2 + 1)
    torch.testing.assert_close(from_real_spectrum(spectrum, maps.shape[2:]), maps)


def test_the_spectrum_interleaves_real_and_imaginary_parts() -> None:
    maps = torch.randn(1, 2, 4, 6)
    spectrum, bins = real_spectrum(maps), torch.fft.rfft2(maps, norm="ortho")
    torch.testing.assert_close(spectrum[:, 2], bins[:, 1].real)
    torch.testing.assert_close(spectrum[:, 3], bins[:, 1].imag)


def test_a_fourier_unit_sees_the_whole_picture_at_once() -> None:
    torch.manual_seed(0)
    unit = FourierUnit(4).eval()
    maps = torch.randn(1, 4, 16, 16)
    poked = maps.clone()
    poked[0, 0, 0, 0] += 10
    changed = (unit(poked) - unit(maps)).abs().amax(1)
    assert (changed > 1e-5).float().mean() > 0.99


def test_the_picture_comes_back_at_its_size_and_in_range() -> None:
    masked, hole = pictures_with_holes()
    picture = slim().eval()(masked, hole)
    assert picture.shape == masked.shape
    assert 0 <= picture.min() < picture.max() <= 1


def test_bf16_autocast_runs_the_fft_in_float32() -> None:
    net = slim().eval()
    masked, hole = pictures_with_holes()
    exact = net(masked, hole)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = net(masked, hole)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.02, rtol=0)


@pytest.mark.parametrize("global_ratio", [0.75, 0.5, 0.0])
def test_all_weights_learn(global_ratio: float) -> None:
    net = slim(global_ratio=global_ratio)
    net(*pictures_with_holes()).square().mean().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"ngf": 12, "n_downsampling": 3, "n_blocks": 1},
        {"n_downsampling": 1},
        {"n_downsampling": 4, "max_features": 32},
        {"ngf": 10, "global_ratio": 0.6},
        {"global_ratio": 0.0},
    ],
)
def test_sizes_are_read_from_the_state(sizes: dict[str, float]) -> None:
    net = slim(**sizes).eval()
    twin = Lama(**sizes_from_state(net.state_dict())).eval()
    twin.load_state_dict(net.state_dict(), strict=True)
    inputs = pictures_with_holes()
    assert torch.equal(twin(*inputs), net(*inputs))


def test_the_defaults_are_the_published_sizes() -> None:
    with torch.device("meta"):
        sizes = sizes_from_state(Lama().state_dict())
    assert sizes == {
        "ngf": 64,
        "n_downsampling": 3,
        "n_blocks": 18,
        "global_ratio": 0.75,
        "max_features": 512,
    }


def test_an_impossible_ratio_is_named() -> None:
    with pytest.raises(ValueError, match="global_ratio"):
        slim(global_ratio=1.0)


def test_its_bytes_do_not_depend_on_threads() -> None:
    before = torch.get_num_threads()
    torch.manual_seed(0)
    net = Lama(n_blocks=2).eval()  # as wide as published
    masked, hole = (values[:1] for values in pictures_with_holes(96))
    painted = []
    try:
        for threads in (1, 2, 3, 4):
            torch.set_num_threads(threads)
            with torch.inference_mode():
                painted.append(net(masked, hole))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(other, painted[0]) for other in painted[1:])
