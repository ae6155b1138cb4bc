"""What lies beyond a picture's border is its mirror, however far beyond."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.conventions import BadPhoto
from unripple.ops import geometry

HIGH, WIDE = 31, 23
PICTURE = np.random.default_rng(3).integers(0, 256, (HIGH, WIDE, 3), np.uint8)


def mirrored(index: np.ndarray, count: int) -> np.ndarray:
    """Triangle wave about the outermost pixels: ... 2 1 0 1 2 ... n-2 n-1 n-2 ..."""
    folded = np.mod(index, 2 * (count - 1))
    return np.minimum(folded, 2 * (count - 1) - folded)


@settings(deadline=None, max_examples=60)
@given(st.integers(-70, 90), st.integers(-70, 90), st.integers(1, 6), st.integers(1, 6))
def test_any_window_shows_the_mirrored_picture(left: int, top: int, wide: int, high: int) -> None:
    rows, columns = np.mgrid[top : top + high, left : left + wide]
    found = geometry.sample(PICTURE, np.stack((columns, rows), axis=-1) + 0.5)
    assert np.array_equal(found, PICTURE[mirrored(rows, HIGH), mirrored(columns, WIDE)])


@pytest.mark.parametrize("x", [-9.3, -4.2, WIDE + 4.6, WIDE + 11.1])
def test_between_pixels_beyond_the_border_is_between_their_mirrors(x: float) -> None:
    ramp = np.broadcast_to(np.arange(WIDE, dtype=np.float32)[None, :, None], (HIGH, WIDE, 3))
    within = -(x - 0.5) if x < 0 else 2 * (WIDE - 1) - (x - 0.5)
    found = geometry.sample(ramp, np.array([[[x, 9.5]]]))
    assert found[0, 0] == pytest.approx([within] * 3, abs=0.06)


def test_far_beyond_the_border_is_not_worse_than_the_whole_picture() -> None:
    """As if the whole picture had been looked at: many widths away, too."""
    far = np.array([[[0.5, 0.5], [WIDE - 0.5, HIGH - 0.5]]])
    for place in ([-1000.2, 5.1], [3.3, 5000.4], [-40.7, -333.3], [WIDE + 2.7, HIGH + 3.1]):
        at = np.array([[place]])
        with_all = geometry.sample(PICTURE, np.concatenate((at, far), axis=1))
        assert geometry.sample(PICTURE, at)[0, 0] == pytest.approx(with_all[0, 0], abs=0.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2e6])
def test_a_place_that_nobody_can_mean_is_refused(value: float) -> None:
    """OpenCV folds it back for hours: a network whose weights are NaN asked for such places."""
    places = np.full((4, 4, 2), 3.5)
    places[2, 1, 0] = value
    with pytest.raises(BadPhoto, match="a place to look at"):
        geometry.sample(PICTURE, places)
