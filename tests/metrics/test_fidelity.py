"""The published measures of closeness."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from unripple.metrics import fidelity, structure

from .scenes import texture, to_bytes

PHOTO = to_bytes(texture(192, 4, mean=120))


def test_equal_pictures() -> None:
    assert fidelity.l2(PHOTO, PHOTO) == 0
    assert fidelity.psnr(PHOTO, PHOTO) == math.inf
    assert fidelity.ssim(PHOTO, PHOTO) == pytest.approx(1)
    assert fidelity.ms_ssim(PHOTO, PHOTO) == pytest.approx(1)


def test_a_known_difference() -> None:
    one, other = np.full((20, 20, 3), 100, np.uint8), np.full((20, 20, 3), 110, np.uint8)
    assert fidelity.l2(one, other) == pytest.approx((10 / 127.5) ** 2)
    assert fidelity.psnr(one, other) == pytest.approx(10 * math.log10(255**2 / 100))
    # No structure in either: only the luminance term is left.
    c1 = 0.01**2 * 255**2
    expected = (2 * 100 * 110 + c1) / (100**2 + 110**2 + c1)
    assert fidelity.ssim(one, other) == pytest.approx(expected, rel=1e-6)


def test_psnr_looks_only_at_its_region() -> None:
    other = PHOTO.copy()
    other[:50] = 0
    region = np.zeros(PHOTO.shape[:2], np.bool_)
    region[50:] = True
    assert fidelity.psnr(PHOTO, other, region) == math.inf
    assert fidelity.psnr(PHOTO, other) < 20
    assert math.isnan(fidelity.psnr(PHOTO, other, np.zeros_like(region)))
    few = np.zeros_like(region)
    few[100, :24] = True
    assert fidelity.psnr(PHOTO, other, few) == math.inf
    few[100, 0] = False
    assert math.isnan(fidelity.psnr(PHOTO, other, few))


def test_structure_measures_fall_with_noise_and_are_symmetric() -> None:
    rng = np.random.default_rng(0)
    noisy = [to_bytes(PHOTO + rng.normal(0, sigma, PHOTO.shape)) for sigma in (5, 20, 60)]
    for measure in (fidelity.ssim, fidelity.ms_ssim):
        values = [measure(PHOTO, other) for other in noisy]
        assert 1 > values[0] > values[1] > values[2] > 0
        assert measure(noisy[2], PHOTO) == pytest.approx(values[2])


def test_one_scale_of_ms_ssim_is_ssim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its windows are those of scikit-image, less the ones that hang over the border."""
    monkeypatch.setattr(structure, "SCALE_WEIGHTS", (1.0,))
    blurry = cv2.GaussianBlur(PHOTO, (0, 0), 1.0)
    assert fidelity.ms_ssim(PHOTO, blurry) == pytest.approx(fidelity.ssim(PHOTO, blurry), abs=1e-6)


def test_coarse_scales_forgive_fine_noise() -> None:
    noisy = to_bytes(PHOTO + np.random.default_rng(1).normal(0, 40, PHOTO.shape))
    assert fidelity.ms_ssim(PHOTO, noisy) > fidelity.ssim(PHOTO, noisy)


def test_pictures_too_small_are_undefined() -> None:
    small = PHOTO[:175, :175]
    assert math.isnan(fidelity.ms_ssim(small, small))
    assert math.isnan(fidelity.ssim(small[:10], small[:10]))
    assert fidelity.ms_ssim(PHOTO[:176, :176], PHOTO[:176, :176]) == pytest.approx(1)


def test_brightness_counts_at_the_coarsest_of_five_scales_alone() -> None:
    one, other = np.full((176, 190, 3), 100, np.uint8), np.full((176, 190, 3), 110, np.uint8)
    c1 = 0.01**2 * 255**2
    luminance = (2 * 100 * 110 + c1) / (100**2 + 110**2 + c1)
    assert fidelity.ms_ssim(one, other) == pytest.approx(luminance**0.1333, rel=1e-9)


@pytest.mark.parametrize("size", [(11, 11), (37, 64), (128, 128)])
def test_ssim_is_scikit_images(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    other = np.clip(one + rng.integers(-20, 20, one.shape), 0, 255).astype(np.uint8)
    theirs = structural_similarity(
        one,
        other,
        data_range=255.0,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert fidelity.ssim(one, other) == pytest.approx(float(theirs), abs=1e-12)
