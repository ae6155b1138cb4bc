"""What the restorer sees: stretched bytes, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.conventions import ShapeMismatch
from unripple.ops.restoring import restorer_input
from unripple.ops.tensors import to_photo


def test_a_photo_of_the_right_side_comes_back_byte_for_byte() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    seen = restorer_input(photo, 16)
    assert seen.shape == (1, 3, 16, 16)
    assert np.array_equal(to_photo(seen), photo)


def test_stretching_samples_between_pixel_centres_without_antialias() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (8, 16, 3), dtype=np.uint8)
    small = to_photo(restorer_input(photo, 4)).astype(int)
    # Rows halve: the mean of rows 2i and 2i + 1. Columns quarter: that of the two in the middle.
    middle = photo.astype(float).reshape(4, 2, 4, 4, 3)[:, :, :, 1:3].mean((1, 3))
    assert np.abs(small - middle).max() <= 0.5


def test_what_is_no_photo_is_refused() -> None:
    with pytest.raises(ShapeMismatch):
        restorer_input(np.zeros((8, 8), np.uint8), 16)
    with pytest.raises(ShapeMismatch):
        restorer_input(np.zeros((8, 8, 3), np.float32), 16)
