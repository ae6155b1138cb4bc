"""Layers on a photograph: what is painted, what moves, and which bytes stay."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from unripple.ops.inpainting import misfit, smooth_fill
from unripple.ops.layers import Layers, crisp, lay, lay_small, plate_share
from unripple.ops.membrane import membrane
from unripple.ops.plates import fine_plate

SIZE = 64
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE] + 0.5
PERSON = np.hypot(COLUMNS - 32, ROWS - 32) < 14
WALL = np.repeat((60 + COLUMNS).astype(np.uint8)[..., None], 3, axis=2)
PICTURE = np.where(PERSON[..., None], np.uint8(220), WALL).astype(np.uint8)
AS_IT_IS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
FULL = np.full((SIZE, SIZE), 255, np.uint8)


def layers(shift_px: float = 6.0, moving: np.ndarray = FULL) -> Layers:
    motion = np.zeros((2, SIZE, SIZE), np.float32)
    motion[0] = -shift_px / SIZE
    alpha = (255 * PERSON).astype(np.uint8)
    return Layers(PICTURE, PICTURE, alpha, FULL, moving, motion)


def test_the_person_moves_and_leaves_the_plate_behind() -> None:
    plate = fine_plate(PICTURE, WALL, layers().alpha)
    picture, touched = lay(PICTURE, AS_IT_IS, layers(), plate, (0, SIZE, 0, SIZE))
    assert (picture[32, 26:51] == 220).all()
    assert np.abs(picture[32, 18:23].astype(int) - WALL[32, 18:23]).max() <= 2
    assert np.array_equal(picture[~touched], PICTURE[~touched])
    assert not touched[:, :14].any() and not touched[:12].any()


def test_where_nothing_takes_part_every_byte_stays() -> None:
    picture, touched = lay(
        PICTURE, AS_IT_IS, layers(moving=0 * FULL), 0 * PICTURE, (0, SIZE, 0, SIZE)
    )
    assert np.array_equal(picture, PICTURE) and not touched.any()


def test_a_photograph_of_any_size_shows_the_same_turn() -> None:
    large = PICTURE.repeat(3, 0).repeat(3, 1)
    threefold = np.array([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    plate = fine_plate(PICTURE, WALL, layers().alpha)
    small, _ = lay(PICTURE, AS_IT_IS, layers(), plate, (0, SIZE, 0, SIZE))
    found, _ = lay(large, threefold, layers(), plate, (30, 150, 9, 180))
    shrunk = found.reshape(40, 3, 57, 3, 3).mean((1, 3))
    assert np.median(np.abs(shrunk - small[10:50, 3:60])) <= 1
    assert np.abs(shrunk - small[10:50, 3:60]).mean() < 4  # borders are sharper in the large one


def test_a_smaller_crop_takes_over_what_changes_alone() -> None:
    half = PICTURE[::2, ::2].copy()
    plate = fine_plate(PICTURE, WALL, layers().alpha)
    picture, touched = lay_small(half, layers(), plate)
    assert np.array_equal(picture[~touched], half[~touched])
    assert touched.any() and (picture[16, 14:24] == 220).all()


def test_the_rim_is_painted_where_the_person_left_alone() -> None:
    before, after = PERSON.astype(float), np.roll(PERSON, 8, axis=1).astype(float)
    share = plate_share(before, after)
    assert share[32, 17] > 0.2  # one px beside the left border of the old outline
    assert share[32, 46] == 0  # beside the right one, where the new outline covers it
    assert (share[PERSON] == 1).all()
    assert not plate_share(0 * before, after).any()


def test_a_membrane_keeps_what_is_known_and_continues_slopes() -> None:
    known = ~PERSON
    filled = membrane(COLUMNS.astype(np.float32), known)
    assert np.array_equal(filled[known], COLUMNS.astype(np.float32)[known])
    assert np.abs(filled - COLUMNS).max() < 1.5
    assert not membrane(np.ones((8, 8), np.float32), np.zeros((8, 8), bool)).any()


@pytest.mark.parametrize("pattern", [True, False])
def test_a_painting_is_judged_by_colour_and_by_structure(pattern: bool) -> None:
    stripes = ((ROWS // 2) % 2 * 60).astype(np.uint8)[..., None]
    photo = WALL + stripes if pattern else WALL
    striped, smooth = WALL + stripes, smooth_fill(photo, PERSON)
    better = misfit(striped, photo, PERSON) < misfit(smooth, photo, PERSON)
    assert better == pattern


def test_what_takes_no_part_in_a_turn_has_not_left() -> None:
    still = FULL * (ROWS < 32).astype(np.uint8)
    made = layers(moving=still)
    assert np.array_equal(made.alpha_after[40:], made.alpha[40:])
    assert not np.array_equal(made.alpha_after[:24], made.alpha[:24])


def test_a_magnified_outline_is_as_soft_as_before() -> None:
    soft = np.clip((COLUMNS - 20) / 6, 0, 1) * np.clip((44 - COLUMNS) / 6, 0, 1)
    motion = np.zeros((2, SIZE, SIZE), np.float32)
    motion[0] = (32 - COLUMNS) / 2 / SIZE  # everything twice as wide
    wide = layers()._replace(alpha=np.rint(255 * soft).astype(np.uint8), motion=motion)
    assert wide.magnified == pytest.approx(2, abs=0.05)
    assert layers(0).magnified == pytest.approx(1)
    border = (wide.alpha_after > 12) & (wide.alpha_after < 243)
    assert border[32].sum() <= ((soft > 0.05) & (soft < 0.95))[32].sum() + 2
    assert crisp(np.array([0.0, 0.4, 0.5, 1.0]), np.array(3.0)) == pytest.approx([0, 0.2, 0.5, 1])


def test_no_ring_of_the_old_outline_stays_in_the_crop() -> None:
    """The crop was shrunk in another way than the layers are."""
    large = PICTURE.repeat(2, 0).repeat(2, 1)
    person = PERSON.repeat(2, 0).repeat(2, 1)
    motion = np.zeros((2, SIZE, SIZE), np.float32)
    motion[0] = -8 / SIZE
    full, alpha = np.full(person.shape, 255, np.uint8), (255 * person).astype(np.uint8)
    laid = Layers(large, large, alpha, full, full, motion)
    sharper = np.clip(PICTURE + 0.4 * (PICTURE.astype(float) - blurred(PICTURE)), 0, 255)
    plate = fine_plate(large, WALL, alpha)
    picture, _ = lay_small(sharper.astype(np.uint8), laid, plate)
    gone = PERSON & ~np.roll(PERSON, 8, axis=1)
    left = np.roll(gone, -1, axis=1) & (COLUMNS < 24)
    assert np.abs(picture.astype(int) - WALL)[gone | left].max() <= 6


def blurred(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 1.5)
