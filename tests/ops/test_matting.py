"""Soft cuts: what the share and the colours of a person are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from unripple.conventions import ShapeMismatch
from unripple.ops.matting import cut, foreground_colours, guided, matte

SIZE = 96
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE] + 0.5
DISC = (np.hypot(COLUMNS - 48, ROWS - 48) < 25).astype(np.float32)
SOFT = cv2.GaussianBlur(DISC, (0, 0), 1.5)
NEAR, FAR = np.array([0.8, 0.3, 0.2], np.float32), np.array([0.1, 0.2, 0.5], np.float32)
PICTURE = np.rint(255 * (SOFT[..., None] * NEAR + (1 - SOFT[..., None]) * FAR)).astype(np.uint8)
TEXTURE = np.random.default_rng(0).integers(0, 8, PICTURE.shape, dtype=np.uint8)


def test_a_coarse_share_finds_the_soft_border() -> None:
    coarse = (np.hypot(COLUMNS - 50, ROWS - 47) < 24).astype(np.float32)
    found = matte(PICTURE + TEXTURE, coarse, doubt=0.06)
    assert np.abs(found.alpha - SOFT).mean() < 0.015
    assert np.abs(coarse - SOFT).mean() > 0.02
    assert not found.alpha[:10].any()
    assert (found.alpha[44:52, 44:52] == 1).all()


def test_the_colours_are_without_the_background() -> None:
    colours = foreground_colours(PICTURE.astype(np.float32) / 255, SOFT)
    fringe = (SOFT > 0.3) & (SOFT < 0.7)
    assert np.abs(colours - NEAR)[fringe].mean() < 0.06
    assert np.abs(PICTURE / 255 - NEAR)[fringe].mean() > 0.15
    inside = SOFT >= 1
    assert np.allclose(colours[inside], PICTURE[inside] / 255)


def test_a_share_that_the_colours_tell_comes_back_from_them() -> None:
    guide = PICTURE.astype(np.float32) / 255
    slope, level = guided(guide, SOFT, 4)
    assert np.abs((slope * guide).sum(-1) + level - SOFT).max() < 0.06


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nobody_and_somebody_everywhere_are_not_cut(share: float) -> None:
    everywhere = np.full((SIZE, SIZE), share, np.float32)
    assert np.array_equal(cut(PICTURE, everywhere, doubt=0.03), everywhere)


def test_the_same_picture_is_cut_the_same_twice() -> None:
    first, second = (cut(PICTURE + TEXTURE, DISC, doubt=0.06) for _ in range(2))
    assert np.array_equal(first, second)


def test_sizes_must_agree() -> None:
    with pytest.raises(ShapeMismatch):
        matte(PICTURE, SOFT[:50], doubt=0.03)


def test_colours_of_the_background_make_no_holes_deep_inside() -> None:
    picture = PICTURE.copy()
    picture[44:52, 44:52] = PICTURE[2, 2]
    found = matte(picture + TEXTURE, DISC, doubt=0.06)
    assert (found.alpha[44:52, 44:52] == 1).all()
    sure = np.hypot(COLUMNS - 48, ROWS - 48) < 20
    picture[sure] = PICTURE[2, 2]
    assert matte(picture, DISC, doubt=0.06, sure=sure).alpha[sure].min() > 0.9
