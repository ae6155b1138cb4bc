"""Pictures seen through maps: their local contrast, and blurs that cost nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from unripple.ops.homography import normalised, wide_blur

NOISE = np.random.default_rng(0).normal(100, 30, (200, 240)).astype(np.float32)


@pytest.mark.parametrize("sigma_px", [2.0, 7.9, 8.0, 13.3, 25.6])
def test_a_wide_blur_is_nearly_gaussian(sigma_px: float) -> None:
    dot = np.zeros((241, 241), np.float32)
    dot[120, 120] = 1
    bell, true = wide_blur(dot, sigma_px), cv2.GaussianBlur(dot, (0, 0), sigma_px)
    assert bell.sum() == pytest.approx(1, abs=1e-3)
    across = np.arange(-120, 121)
    assert np.sqrt((bell * across**2).sum()) == pytest.approx(sigma_px, rel=0.03)
    assert np.abs(bell - true).max() < 0.12 * true.max()  # a tenth at the top


@pytest.mark.parametrize("sigma_px", [4.0, 12.0])
def test_local_contrast_knows_neither_brightness_nor_gain(sigma_px: float) -> None:
    found, brighter = normalised(NOISE, sigma_px), normalised(2 * NOISE + 20, sigma_px)
    assert np.abs(found - brighter).max() < 0.3
    assert abs(found.mean()) < 0.05 and found.std() == pytest.approx(0.9, abs=0.1)
