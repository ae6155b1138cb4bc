"""Details come back where both show the same, also where it moved, and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.ops.disturbed import about_middle, textured
from unripple.conventions import ShapeMismatch
from unripple.ops.homography import look
from unripple.ops.returning import origins, returned

SIZE = 160
PHOTO = textured(8, SIZE, SIZE)
SOFT = cv2.GaussianBlur(PHOTO.astype(np.float32), (0, 0), 1.5)
INNER = np.s_[20:-20, 20:-20]


def error(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(np.float32) - other)[INNER].mean())


def test_what_redrawing_took_comes_back() -> None:
    found = returned(PHOTO, SOFT, SOFT, origins(SOFT, SOFT))
    assert error(found, PHOTO) < 0.2 * error(SOFT, PHOTO)


def test_details_follow_what_moved() -> None:
    places = about_middle(SIZE, SIZE, zoom=1, shift=(-3, 2), turn_deg=0)
    moved = look(PHOTO, places, SIZE, SIZE)
    soft = cv2.GaussianBlur(moved, (0, 0), 1.5)
    where = origins(SOFT, soft)
    assert np.abs(np.median(where.offsets[:, 20:-20, 20:-20], (1, 2)) - (-3, 2)).max() < 0.3
    assert error(returned(PHOTO, SOFT, soft, where), moved) < 0.5 * error(soft, moved)


def test_another_picture_gets_none() -> None:
    other = cv2.GaussianBlur(textured(9, SIZE, SIZE).astype(np.float32), (0, 0), 1.5)
    where = origins(SOFT, other)
    assert where.share[INNER].mean() < 0.1
    assert error(returned(PHOTO, SOFT, other, where), other) < 0.1 * error(SOFT, PHOTO)


def test_sizes_must_agree() -> None:
    with pytest.raises(ShapeMismatch):
        origins(SOFT, SOFT[:-1])
