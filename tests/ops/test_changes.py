"""What was edited is told from what redrawing did, and details come back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.disturb import autoencoded, recompressed
from tests.ops.disturbed import textured
from unripple.conventions import ShapeMismatch
from unripple.ops.changes import changed, expected, filled_within
from unripple.ops.returning import origins, returned

PHOTO = textured(4, 192, 192)
EVERYWHERE = np.ones((192, 192), bool)


def redrawn(seed: int = 0) -> np.ndarray:
    soft = autoencoded(PHOTO, np.random.default_rng(seed))
    return recompressed(soft, "JPEG", 85).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_an_unedited_photo_has_no_changes(seed: int) -> None:
    seen = redrawn(seed)
    marked = changed(PHOTO, seen, expected(PHOTO, seen, EVERYWHERE), grow_px=1)
    assert marked.mean() < 0.002


def test_an_edit_is_marked_and_little_else() -> None:
    seen = redrawn()
    seen[60:120, 70:130] = 255 - seen[60:120, 70:130]
    edit = np.zeros((192, 192), bool)
    edit[60:120, 70:130] = True
    marked = changed(PHOTO, seen, expected(PHOTO, seen, ~edit), grow_px=2)
    other = edit & (np.abs(seen - PHOTO).max(2) > 20)  # a middle grey is its own negative
    assert marked[other].mean() > 0.9 and marked[~edit].mean() < 0.03


def test_a_background_that_was_blurred_is_no_edit() -> None:
    """More so than the rest, which says how noisy redrawing is."""
    seen = redrawn()
    seen[:, :96] = cv2.GaussianBlur(PHOTO, (0, 0), 4)[:, :96]
    what = expected(PHOTO, seen, EVERYWHERE)
    marked = changed(PHOTO, seen, what, grow_px=0)
    assert marked[:, :80].mean() < 0.05 and what.noise < 6


def test_holes_inside_the_person_are_closed_and_others_are_not() -> None:
    inside, marked = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    inside[8:56, 8:56] = True
    marked[16:48, 16:48] = True
    marked[28:34, 28:34] = False
    filled = filled_within(marked, inside, reach_px=2)
    assert filled[16:48, 16:48].all() and not filled[~inside].any()
    assert filled.sum() < 1.1 * 32**2
    nothing = np.zeros_like(marked)
    assert not filled_within(nothing, inside, reach_px=2).any()
    assert np.array_equal(filled_within(marked, nothing, reach_px=2), marked)


def test_details_come_back_where_nothing_moved_and_where_it_did() -> None:
    soft = cv2.GaussianBlur(PHOTO, (0, 0), 1.2).astype(np.float32)
    for shift in (0, 5):
        edited = np.roll(soft, shift, axis=1)
        truth = np.roll(PHOTO, shift, axis=1).astype(np.float32)
        back = returned(PHOTO, soft, edited, origins(soft, edited))
        inner = np.s_[24:-24, 24:-24]
        before, after = (np.abs(one - truth)[inner].mean() for one in (edited, back))
        assert after < 0.5 * before


def test_pictures_must_agree_in_size() -> None:
    seen = redrawn()
    with pytest.raises(ShapeMismatch):
        expected(PHOTO[:-1], seen, EVERYWHERE)
    with pytest.raises(ShapeMismatch):
        filled_within(EVERYWHERE, EVERYWHERE[1:], reach_px=2)
