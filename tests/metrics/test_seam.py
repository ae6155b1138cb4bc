"""Borders that show and borders that do not."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from unripple.metrics.regions import distance_to
from unripple.metrics.seam import border_gradient, seam

from .scenes import scene, to_bytes

SIZES = pytest.mark.parametrize("size", [128, 256, 512])


@SIZES
def test_the_truth_has_no_seam(size: int) -> None:
    world = scene(size)
    assert seam(world.counterfactual, world.before, world.after) == pytest.approx(1, abs=0.12)


@SIZES
def test_a_step_in_brightness_is_a_seam(size: int) -> None:
    world = scene(size)
    place = (world.before & ~world.after)[..., None]
    brighter = to_bytes(world.counterfactual.astype(float) + 60)
    cut = np.where(place, brighter, world.counterfactual)
    assert seam(cut, world.before, world.after) > 1.4


def test_a_smeared_border_reads_below_one() -> None:
    world = scene(256)
    ring = cv2.dilate(world.before.astype(np.uint8), np.ones((9, 9))) != cv2.erode(
        world.before.astype(np.uint8), np.ones((9, 9))
    )
    blurry = cv2.GaussianBlur(world.counterfactual, (0, 0), 3)
    smeared = np.where((ring & ~world.after)[..., None], blurry, world.counterfactual)
    assert seam(smeared, world.before, world.after) < 0.8


def test_without_a_filled_place_there_is_no_seam() -> None:
    world = scene(after=0.42)
    assert math.isnan(seam(world.photo, world.before, world.after))


def test_gradient_of_a_ramp() -> None:
    ramp = np.arange(0, 80, 4, dtype=np.uint8)[None, :, None].repeat(9, 0).repeat(3, 2)
    assert border_gradient(ramp) == pytest.approx(4)


def test_the_reference_lies_4_to_9_px_beside_the_border_and_nowhere_else() -> None:
    before, after = np.zeros((2, 256, 256), np.bool_)  # px as they are stated
    before[96:160, 96:160] = True
    away = np.where(before, distance_to(~before), distance_to(before)) - 0.5
    stripes = (np.arange(256) // 4 % 2 * 40).astype(np.uint8)
    picture = np.broadcast_to((100 + stripes)[None, :, None], (256, 256, 3)).copy()
    wanted = seam(picture, before, after)
    assert wanted > 0
    picture[away > 12] = 0  # far off and in the middle: a cliff that is no matter of the seam's
    assert seam(picture, before, after) == pytest.approx(wanted)
