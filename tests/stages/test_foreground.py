"""foreground: the nearer cluster, in both pictures."""

from __future__ import annotations

import numpy as np

from unripple.stages.foreground import foreground


def depths(left: int, near: float, far: float) -> np.ndarray:
    person = np.full((20, 30), far, np.float32)
    person[5:15, left : left + 10] = near
    return person


def test_the_nearer_cluster_is_the_foreground_on_either_side_of_zero() -> None:
    found = foreground(depths(5, 2.0, 1.0), depths(9, -1.0, -2.0))
    assert np.array_equal(found.before, depths(5, 1, 0) > 0)
    assert np.array_equal(found.after, depths(9, 1, 0) > 0)


def test_a_flat_map_shows_nobody() -> None:
    found = foreground(depths(5, 1.0, 1.0), depths(9, 2.0, 1.0), min_area_px=4)
    assert not found.before.any()
    assert np.array_equal(found.after, depths(9, 1, 0) > 0)


def test_specks_go_and_pinpricks_close() -> None:
    speckled = depths(5, 2.0, 1.0)
    speckled[0, 0], speckled[10, 10] = 2.0, 1.0
    found = foreground(speckled, speckled, min_area_px=2)
    assert np.array_equal(found.before, depths(5, 1, 0) > 0)


def test_a_part_or_gap_of_as_many_pixels_as_the_limit_stays() -> None:
    for pixels, counted in ((2, False), (3, True)):
        speckled = depths(5, 2.0, 1.0)
        speckled[0, :pixels], speckled[10, 6 : 6 + pixels] = 2.0, 1.0
        found = foreground(speckled, speckled, min_area_px=3)
        for mask in found:
            assert mask[0, :pixels].all() == mask[0, :pixels].any() == counted
            assert mask[5:15, 5:15].sum() == 100 - pixels * counted


def test_the_core_of_the_foreground_is_what_is_nearer_than_its_mean() -> None:
    before = depths(5, 2.0, 1.0)
    before[5:10, 5:15] = 3.0  # the nearer half of the person
    found = foreground(before, depths(5, 1.0, 1.0), cut="core")
    assert np.array_equal(found.before, before == 3)
    assert found.after.all()  # nothing lies behind in a flat map
