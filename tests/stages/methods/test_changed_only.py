"""Edits that know what they changed: compose leaves the rest alone, paste draws their colours."""

from __future__ import annotations

import numpy as np

from unripple.ops.geometry import resample
from unripple.stages.compose import Composed, with_kept
from unripple.stages.paste import Fine, paste

SIZE, TIMES = 32, 3
RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (SIZE * TIMES, SIZE * TIMES, 3), dtype=np.uint8)
TRANSFORM = np.array([[TIMES, 0.0, 0.0], [0.0, TIMES, 0.0]], float)
CROP = resample(PHOTO, TRANSFORM, width=SIZE, height=SIZE)
INSIDE = np.zeros((SIZE, SIZE), np.bool_)
INSIDE[8:24, 8:24] = True


def test_beyond_what_changed_the_photo_stays() -> None:
    other = RNG.integers(0, 256, CROP.shape, dtype=np.uint8)
    composed = with_kept(Composed(other, np.ones_like(INSIDE)), CROP, ~INSIDE)
    assert np.array_equal(composed.picture[~INSIDE], CROP[~INSIDE])
    assert np.array_equal(composed.touched, INSIDE)


def fine(offsets: np.ndarray, **more: np.ndarray) -> Fine:
    share = np.where(INSIDE, 255, 0).astype(np.uint8)
    return Fine(CROP, offsets, share, **more)


def test_a_finer_grid_of_offsets_says_the_same() -> None:
    coarse = np.full((2, SIZE, SIZE), 0.02, np.float16)
    dense = np.full((2, SIZE * 4, SIZE * 4), 0.02, np.float16)
    pictures = [
        paste(PHOTO, CROP, INSIDE, TRANSFORM, fine=fine(offsets)).picture
        for offsets in (coarse, dense)
    ]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1


def test_a_tint_is_drawn_as_finely_as_it_is_known() -> None:
    tint = np.zeros((3, SIZE * TIMES, SIZE * TIMES), np.float16)
    tint[0, 45:48, 45:48] = 40  # smaller than a pixel of the crop can show alone
    still = np.zeros((2, SIZE, SIZE), np.float16)
    added = np.moveaxis(tint, 0, -1).astype(np.float32)
    coloured = CROP + resample(added, TRANSFORM, width=SIZE, height=SIZE)
    picture = np.clip(coloured, 0, 255).astype(np.uint8)
    plain = paste(PHOTO, CROP, INSIDE, TRANSFORM, fine=fine(still)).picture.astype(int)
    made = paste(PHOTO, picture, INSIDE, TRANSFORM, fine=fine(still, tint=tint)).picture
    more = (made - plain)[..., 0]
    free = plain[45:48, 45:48, 0] < 215
    assert more[45:48, 45:48][free].mean() > 30
    assert np.abs(more[54:66, 54:66]).max() <= 1


def test_what_is_laid_over_an_edit_is_drawn_as_finely_as_it_is_known() -> None:
    laid = np.zeros((4, SIZE * TIMES, SIZE * TIMES), np.float16)
    laid[0], laid[3, 45:47, 45:47] = 200, 1.0  # smaller than a pixel of the crop can show
    still = np.zeros((2, SIZE, SIZE), np.float16)
    plain = paste(PHOTO, CROP, INSIDE, TRANSFORM, fine=fine(still)).picture
    made = paste(PHOTO, CROP, INSIDE, TRANSFORM, fine=fine(still, laid=laid)).picture
    assert np.abs(made[45:47, 45:47].astype(int) - (200, 0, 0)).max() <= 1
    elsewhere = laid[3] == 0
    assert np.array_equal(made[elsewhere], plain[elsewhere])
