"""A plate at a photograph's resolution: what goes on into the hole, and what does not."""

from __future__ import annotations

import numpy as np

from unripple.ops.plates import fine_plate, mirrored

SIZE = 64
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE] + 0.5
PERSON = np.hypot(COLUMNS - 32, ROWS - 32) < 14
WALL = np.repeat((60 + COLUMNS).astype(np.uint8)[..., None], 3, axis=2)
PICTURE = np.where(PERSON[..., None], np.uint8(220), WALL).astype(np.uint8)
ALPHA = (255 * PERSON).astype(np.uint8)


def test_a_plate_joins_without_a_step() -> None:
    darker = (WALL - 30).astype(np.uint8)
    plate = fine_plate(PICTURE, darker, ALPHA)
    assert np.abs(plate.astype(int) - WALL).max() <= 2


def test_a_background_goes_on_with_its_own_grain() -> None:
    grain = np.random.default_rng(0).integers(0, 40, WALL.shape, dtype=np.uint8)
    rough = np.where(PERSON[..., None], np.uint8(220), WALL + grain).astype(np.uint8)
    plate = fine_plate(rough, WALL + 20, ALPHA).astype(float)
    ring = PERSON & (np.hypot(COLUMNS - 32, ROWS - 32) > 9)
    assert np.std((plate - WALL)[ring]) > 0.6 * np.std(grain)
    assert np.abs((plate - WALL)[ring].mean() - grain.mean()) < 4


def test_a_line_beside_the_person_is_not_bent_around_it() -> None:
    rows, columns = np.mgrid[:256, :256] + 0.5
    away = np.hypot(columns - 128, rows - 128)
    grain = np.random.default_rng(0).integers(0, 6, (256, 256, 3))
    wall = (100 + grain).astype(np.uint8)
    wall[np.abs(columns - 58) < 1] = 255
    found = mirrored(wall, away > 60, np.full((256, 256, 3), 102, np.float32))
    assert found[away < 60].max() < 150  # 268 where it is bent
    assert np.std(found[(away < 60) & (away > 56)]) > 0.35 * np.std(grain)


def test_a_stripe_that_a_head_hid_goes_straight_on() -> None:
    rows, columns = np.mgrid[:256, :256] + 0.5
    away = np.hypot(columns - 128, rows - 128)
    flag = np.repeat(np.where(np.abs(rows - 128) < 15, 200, 60)[..., None], 3, 2).astype(np.uint8)
    grey = np.full((256, 256, 3), 110, np.float32)
    found = mirrored(flag, away > 60, grey)
    beside = (away < 58) & (away > 45)  # a turned head uncovers no more
    assert found[beside & (np.abs(rows - 128) < 10)].min() > 180
    assert found[beside & (np.abs(rows - 128) > 25)].max() < 75


def test_what_stands_beyond_a_head_throws_no_halo() -> None:
    rows, columns = np.mgrid[:256, :256] + 0.5
    away = np.hypot(columns - 128, rows - 128)
    wall = np.repeat(np.where(columns < 128, 40, 200)[..., None], 3, 2).astype(np.uint8)
    found = mirrored(wall, away > 60, np.full((256, 256, 3), 120, np.float32))
    right = (away < 60) & (away > 42) & (columns > 160)
    assert np.abs(found[right] - 200).max() < 8  # 45 of a membrane


def test_no_image_of_what_is_no_background() -> None:
    known = COLUMNS < 6  # a strip along the border: what lies beyond it is not the wall
    painted = np.full((SIZE, SIZE, 3), 90, np.float32)
    found = mirrored(PICTURE, known, painted)
    assert np.abs(found[:, 40:] - 90).max() < 1
    assert np.array_equal(mirrored(PICTURE, np.zeros_like(known), painted), painted)
