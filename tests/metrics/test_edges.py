"""Figures at the edges of what they are asked: least regions, halves of what is given."""

from __future__ import annotations

import math

import numpy as np
import pytest

from unripple.metrics.fidelity import ssim
from unripple.metrics.figures import edit_figures
from unripple.metrics.ghost import MIN_PIXELS, shares, texture_energy
from unripple.metrics.regions import rms

RNG = np.random.default_rng(0)
SIDE = 64
OLD, TRUE = (RNG.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in range(2))


def region_of(pixels: int) -> np.ndarray:
    found = np.zeros(SIDE * SIDE, bool)
    found[1000 : 1000 + pixels] = True
    return found.reshape(SIDE, SIDE)


def test_as_many_pixels_as_are_asked_for_are_enough() -> None:
    assert shares(TRUE, OLD, TRUE, region_of(MIN_PIXELS)) == pytest.approx((0, 1), abs=1e-9)
    assert all(math.isnan(x) for x in shares(TRUE, OLD, TRUE, region_of(MIN_PIXELS - 1)))


def test_a_mean_square_of_many_small_values_is_exact() -> None:
    values = np.full(10_000_019, 0.1, np.float16)
    assert rms(values) == pytest.approx(float(values[0]), rel=1e-9)


def test_an_embedding_alone_tells_nothing_of_identity() -> None:
    before, after = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    before[20:40, 20:40] = after[20:40, 24:44] = True
    one = np.ones(4, np.float32)
    for given in ({"photo_embedding": one}, {"result_embedding": one}, {}):
        assert "identity_cosine" not in edit_figures(TRUE, OLD, before, after, **given)
    both = edit_figures(TRUE, OLD, before, after, photo_embedding=one, result_embedding=one)
    assert both["identity_cosine"] == pytest.approx(1)


def test_the_energy_is_that_of_the_plate_where_there_is_one() -> None:
    """The wall beside has twice the contrast: who asks for the place's own gets another figure."""
    before, after = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    before[24:40, 10:40] = after[24:40, 26:56] = True
    faint = np.full((SIDE, SIDE, 3), 100, np.uint8) + RNG.integers(0, 40, (SIDE, SIDE, 1), np.uint8)
    strong = OLD
    told = texture_energy(faint, strong, faint, before, after)
    assert told == pytest.approx(1)
    assert texture_energy(faint, strong, None, before, after) < 0.5


def test_alike_up_to_a_mirror_is_not_alike() -> None:
    assert ssim(OLD, OLD[:, ::-1]) < 0.5 < ssim(OLD, OLD)
