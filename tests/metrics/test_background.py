"""Background that was kept, or was not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from unripple.metrics.background import (
    background_identical,
    background_psnr,
    background_worst_tile_psnr,
)
from unripple.metrics.regions import kept

from .scenes import scene


def test_the_true_edit_keeps_every_byte() -> None:
    world = scene()
    arguments = (world.counterfactual, world.photo, world.before, world.after)
    assert background_identical(*arguments) == 1
    assert background_psnr(*arguments) == math.inf
    assert background_worst_tile_psnr(*arguments) == math.inf


def test_one_changed_byte_counts_as_one() -> None:
    world = scene()
    region = kept(world.before, world.after)
    result = world.counterfactual.copy()
    row, column = np.argwhere(region)[0]
    result[row, column, 1] ^= 1
    share = background_identical(result, world.photo, world.before, world.after)
    assert share == pytest.approx(1 - 1 / (3 * region.sum()), abs=1e-12)


def test_a_stain_shows_in_its_tile() -> None:
    world = scene(256)
    result = world.counterfactual.copy()
    result[4:12, 4:12] = 255 - world.photo[4:12, 4:12]
    arguments = (result, world.photo, world.before, world.after)
    tile = np.s_[:32, :32]
    region = kept(world.before, world.after)[tile]
    difference = result[tile].astype(float) - world.photo[tile]
    error = np.square(difference)[region].mean()
    worst = background_worst_tile_psnr(*arguments)
    assert worst == pytest.approx(10 * math.log10(255**2 / error))
    assert background_psnr(*arguments) > worst + 6


def test_a_changed_person_is_no_changed_background() -> None:
    world = scene()
    result = np.where(world.after[..., None], np.uint8(0), world.counterfactual)
    assert background_identical(result, world.photo, world.before, world.after) == 1


def test_without_background_the_figures_are_undefined() -> None:
    world = scene()
    everywhere = np.ones_like(world.before)
    arguments = (world.photo, world.photo, everywhere, everywhere)
    assert math.isnan(background_identical(*arguments))
    assert math.isnan(background_psnr(*arguments))
    assert math.isnan(background_worst_tile_psnr(*arguments))


@pytest.mark.parametrize("corner", [(0, 0), (0, 224), (224, 0), (224, 224)])
def test_the_worst_tile_is_found_in_every_row_and_column(corner: tuple[int, int]) -> None:
    photo = np.full((256, 256, 3), 100, np.uint8)
    nobody = np.zeros((256, 256), np.bool_)
    result = photo.copy()
    top, left = corner
    result[top : top + 32, left : left + 32] += np.uint8(10)
    found = background_worst_tile_psnr(result, photo, nobody, nobody)
    assert found == pytest.approx(20 * np.log10(25.5))
