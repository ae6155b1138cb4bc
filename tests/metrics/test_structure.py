"""MS-SSIM as two projects state it, and where they differ from each other and from ours."""

from __future__ import annotations

import math

import numpy as np
import pytest

from unripple.conventions import Photo
from unripple.metrics.fidelity import ms_ssim
from unripple.metrics.structure import (
    hyperstyle_ms_ssim,
    over_channels,
    per_channel,
    scale_terms,
    sfe_ms_ssim,
)


def pair(side: int = 256, seed: int = 0, noise: int = 30) -> tuple[Photo, Photo]:
    rng = np.random.default_rng(seed)
    ramp = np.linspace(40, 200, side)[:, None, None] * np.ones((1, side, 3))
    one = np.clip(ramp + 40 * np.sin(np.arange(side) / 9)[None, :, None], 0, 255)
    other = np.clip(one + rng.integers(-noise, noise + 1, one.shape), 0, 255)
    return one.astype(np.uint8), other.astype(np.uint8)


@pytest.mark.parametrize("measure", [sfe_ms_ssim, hyperstyle_ms_ssim])
def test_a_picture_is_like_itself_and_less_like_its_noise(measure: object) -> None:
    assert callable(measure)
    one, other = pair()
    assert measure(one, one) == pytest.approx(1, abs=1e-12)
    mild, strong = (measure(*pair(noise=noise)) for noise in (5, 60))
    assert 1 > mild > measure(one, other) > strong > 0


def test_where_no_side_is_odd_ours_is_the_published_one() -> None:
    one, other = pair(256)
    assert sfe_ms_ssim(one, other) == pytest.approx(ms_ssim(one, other), abs=1e-12)
    one, other = pair(280)  # 280, 140, 70, 35
    assert sfe_ms_ssim(one, other) != pytest.approx(ms_ssim(one, other), abs=1e-6)


def test_a_dark_result_has_the_peak_of_every_other() -> None:
    """The published code guesses the peak from the data: 1 for a picture without bright pixels."""
    one, other = (photo // 4 + 96 for photo in pair())
    left, right = one / 127.5 - 1, other / 127.5 - 1
    assert left.min() > -0.5  # what makes it guess [0, 1]
    fixed = hyperstyle_ms_ssim(one, other)
    assert fixed == over_channels(scale_terms(left, right, peak=2.0))
    guessed = over_channels(scale_terms(left, right, peak=1.0))
    assert abs(fixed - guessed) > 0.01


def test_a_negative_has_no_value_by_hyperstyle_and_none_to_speak_of_by_sfe() -> None:
    one, _ = pair()
    assert math.isnan(hyperstyle_ms_ssim(255 - one, one))
    assert sfe_ms_ssim(255 - one, one) == 0


def test_an_odd_side_repeats_the_first_line_of_both() -> None:
    one, other = pair(280)
    padded = scale_terms(one / 255.0, other / 255.0, peak=1.0, pad_odd=True)
    cut = scale_terms(one / 255.0, other / 255.0, peak=1.0)
    np.testing.assert_array_equal(padded[:4], cut[:4])
    assert not np.array_equal(padded[4], cut[4])
    assert 0 < per_channel(padded) < 1
