"""Several faces of one photo in one picture: who decides, and how much."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.conventions import Mask, Photo
from unripple.ops.composite import Changed, join

SIDE = 200


def face(level: int, centre: tuple[float, float], reach: float, margin: int = 0) -> Changed:
    touched: Mask = np.zeros((SIDE, SIDE), bool)
    touched[margin : SIDE - margin, margin : SIDE - margin] = True
    picture: Photo = np.full((SIDE, SIDE, 3), level, np.uint8)
    return Changed(lambda: (picture, touched), np.array(centre), reach)


def test_sides_of_ones_own_crop_are_what_nearness_counts_in() -> None:
    """0.3 and 0.4 sides away, the nearer one has 0.89 of the colour, be its crop large or small."""
    for reach in (60.0, 90.0):
        one, other = (100.5 - 0.3 * reach, 100.5), (100.5, 100.5 + 0.4 * 45)
        joint, touched = join([face(0, one, reach), face(200, other, 45.0)])
        deep = min(99.5, reach), min(99.5, 45.0)
        shares = [d * np.exp(-30 * a**2) for d, a in zip(deep, (0.3, 0.4), strict=True)]
        wanted = 200 * shares[1] / sum(shares)
        assert joint[100, 100] == pytest.approx([wanted] * 3, abs=2)
        assert touched.all()
    alike = join([face(0, (100.5 - 18, 100.5), 60.0), face(200, (100.5, 124.5), 60.0)])[0]
    assert alike[100, 100] == pytest.approx([200 * 0.11] * 3, abs=2)


def test_the_order_does_not_matter_and_what_is_far_from_both_is_shared() -> None:
    one, other = face(40, (60.0, 60.0), 30.0), face(160, (140.0, 140.0), 30.0)
    there, back = join([one, other])[0], join([other, one])[0]
    assert np.array_equal(there, back)
    # Two sides away and more nobody is the nearer one.
    assert there[10, 190] == pytest.approx([100] * 3, abs=1)
    assert (there[60, 60] <= 41).all() and (there[140, 140] >= 159).all()


def test_a_face_fades_to_where_its_own_change_ends() -> None:
    middle = (100.0, 100.0)
    joint = join([face(0, middle, 80.0), face(200, middle, 80.0, margin=40)])[0][100, :, 0]
    assert joint[39] == 0 and (joint[41] < 10) and joint[100] == pytest.approx(85, abs=5)
    assert (np.diff(joint[40:100].astype(int)) >= 0).all()
