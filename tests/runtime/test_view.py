"""Parts as pictures for people."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.conventions import FACE_COLOURS, Face, UnknownName
from unripple.runtime.view import as_picture, side_by_side, thumbnail


def test_labels_are_coloured_and_other_bytes_are_grey() -> None:
    labels = np.array([[Face.HAIR, Face.SKIN]], np.uint8)
    assert np.array_equal(as_picture("labels", labels)[0], FACE_COLOURS[[Face.HAIR, Face.SKIN]])
    assert as_picture("alpha", labels)[0, 0].tolist() == [17, 17, 17]


def test_masks_are_black_and_white() -> None:
    assert as_picture("ripple", np.array([[True, False]]))[0, :, 0].tolist() == [255, 0]


def test_pictures_stay_as_they_are() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert np.array_equal(as_picture("picture", picture), picture)


def test_depth_is_stretched_and_flat_depth_is_black() -> None:
    depth = np.array([[1, 2, 3]] * 3, np.float32)
    assert as_picture("inverse_depth", depth)[0, :, 0].tolist() == [0, 128, 255]
    assert not as_picture("inverse_depth", np.ones((3, 3), np.float32)).any()


def test_a_residual_of_nothing_is_grey() -> None:
    assert (as_picture("residual", np.zeros((3, 2, 2), np.float32)) == 128).all()


def test_codes_become_rows_that_can_be_seen() -> None:
    assert as_picture("w_plus", np.zeros((12, 256), np.float32)).shape == (120, 256, 3)


@pytest.mark.parametrize("part", [{"seam": 1.0}, np.zeros((2, 3))])
def test_numbers_are_no_picture(part: object) -> None:
    with pytest.raises(UnknownName, match="no picture"):
        as_picture("transform", part)  # type: ignore[arg-type]


def test_thumbnails_shrink_and_never_grow() -> None:
    picture = np.zeros((40, 20, 3), np.uint8)
    assert thumbnail(picture, 10).shape == (10, 5, 3)
    assert thumbnail(picture, 99) is picture


def test_pictures_in_a_row_have_one_height() -> None:
    row = side_by_side([np.zeros((40, 20, 3), np.uint8), np.zeros((10, 10, 3), np.uint8)])
    assert row.shape == (10, 5 + 4 + 10, 3)
    assert (row[:, 5:9] == 255).all()
