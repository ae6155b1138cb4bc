"""Laws of masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unripple.conventions import Floats, Mask, ShapeMismatch
from unripple.ops import masks

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24)
MASKS = hnp.arrays(np.bool_, SHAPES)
RADII = st.floats(0, 8)
laws = settings(deadline=None, max_examples=60)


def disc(size: int, x: float, y: float, radius: float) -> Mask:
    rows, columns = np.mgrid[:size, :size]
    return np.hypot(columns + 0.5 - x, rows + 0.5 - y) <= radius


@laws
@given(MASKS, RADII, RADII)
def test_growth_is_monotone_in_the_radius(mask: Mask, one: float, other: float) -> None:
    small, large = masks.grow(mask, min(one, other)), masks.grow(mask, max(one, other))
    assert (mask <= small).all() and (small <= large).all()


@laws
@given(MASKS, MASKS, RADII)
def test_growth_is_monotone_in_the_mask_and_keeps_unions(
    one: Mask, other: Mask, radius: float
) -> None:
    size = np.minimum(one.shape, other.shape)
    one, other = one[: size[0], : size[1]], other[: size[0], : size[1]]
    united = masks.grow(one | other, radius)
    assert np.array_equal(united, masks.grow(one, radius) | masks.grow(other, radius))


@laws
@given(MASKS, RADII)
def test_shrinking_undoes_no_more_than_growing_did(mask: Mask, radius: float) -> None:
    assert (masks.shrink(mask, radius) <= mask).all()
    assert (mask <= masks.shrink(masks.grow(mask, radius), radius)).all()


@laws
@given(MASKS, RADII)
def test_opening_takes_away_and_is_done_at_once(mask: Mask, radius: float) -> None:
    opened = masks.opened(mask, radius)
    assert (opened <= mask).all()
    assert np.array_equal(masks.opened(opened, radius), opened)


def test_opening_drops_slivers_and_keeps_discs() -> None:
    blob, sliver = disc(40, 14.5, 14.5, 6), np.zeros((40, 40), np.bool_)
    sliver[30:34] = True
    assert np.array_equal(masks.opened(blob | sliver, 3), masks.opened(blob, 3))
    assert masks.opened(blob, 3).sum() > 0.9 * blob.sum()


@laws
@given(MASKS)
def test_less_than_a_pixel_changes_nothing(mask: Mask) -> None:
    assert np.array_equal(masks.grow(mask, 0.99), mask)
    assert np.array_equal(masks.shrink(mask, 0.99), mask)


def test_one_pixel_grows_to_a_disc() -> None:
    point = np.zeros((9, 9), np.bool_)
    point[4, 4] = True
    grown = masks.grow(point, np.sqrt(5))
    rows, columns = np.mgrid[:9, :9] - 4
    assert np.array_equal(grown, rows**2 + columns**2 <= 5)


@laws
@given(MASKS, RADII)
def test_feather_is_zero_outside_and_positive_inside(mask: Mask, width: float) -> None:
    weight = masks.feather(mask, width)
    assert np.array_equal(weight > 0, mask)
    assert weight.max() <= 1
    assert (weight[masks.signed_distance(mask) >= max(width, 0.5)] == 1).all()


def test_feather_is_a_ramp_from_the_border() -> None:
    mask = np.zeros((3, 12), np.bool_)
    mask[:, 4:] = True  # its border is the line x = 4; nothing ends at the picture's own border
    assert (
        masks.feather(mask, 4.0)[1].tolist() == [0, 0, 0, 0, 0.125, 0.375, 0.625, 0.875] + [1] * 4
    )


def test_signed_distance_changes_sign_at_the_border() -> None:
    row = np.array([[False, False, True, True, True]])
    assert masks.signed_distance(row).tolist() == [[-1.5, -0.5, 0.5, 1.5, 2.5]]
    assert masks.signed_distance(np.ones((2, 2), np.bool_)).min() == np.inf
    assert masks.signed_distance(np.zeros((2, 2), np.bool_)).max() == -np.inf


def test_border_band_lies_on_both_sides() -> None:
    row = np.array([[False] * 4 + [True] * 4])
    assert masks.border_band(row, 0, 1.5).tolist() == [[False] * 2 + [True] * 4 + [False] * 2]
    assert masks.border_band(row, 0.5, 0.5).tolist() == [[False] * 3 + [True] * 2 + [False] * 3]
    assert masks.border_band(row, 1.0, 1.5)[0].nonzero()[0].tolist() == [2, 5]
    assert not masks.border_band(np.zeros((4, 4), np.bool_), 0, 9).any()


@laws
@given(MASKS, st.integers(0, 12))
def test_small_parts_go_and_small_holes_close(mask: Mask, area: int) -> None:
    kept, filled = masks.remove_small(mask, area), masks.fill_small(mask, area)
    assert (kept <= mask).all() and (mask <= filled).all()
    assert kept.sum() == 0 or kept.sum() >= area
    assert np.array_equal(masks.remove_small(kept, area), kept)
    assert np.array_equal(masks.fill_small(filled, area), filled)


def test_parts_are_told_apart_by_their_area() -> None:
    mask = disc(40, 12, 12, 8) | disc(40, 32, 32, 3)
    mask[12, 12] = False
    assert np.array_equal(masks.remove_small(mask, 60), disc(40, 12, 12, 8) & mask)
    assert np.array_equal(masks.fill_small(mask, 1), mask | disc(40, 12, 12, 8))
    assert not masks.fill_small(mask, 0)[12, 12]


def test_parts_hang_together_by_corners_and_holes_do_not() -> None:
    """Two pixels that touch at a corner are one part of a mask, and two holes in one."""
    steps, ring = np.eye(6, dtype=np.bool_), ~np.eye(6, dtype=np.bool_)
    ring[[0, -1]] = ring[:, [0, -1]] = True  # four holes of one pixel, corner to corner
    assert np.array_equal(masks.remove_small(steps, 6), steps)
    assert not masks.remove_small(steps, 7).any()
    assert masks.fill_small(ring, 1).all()
    assert np.array_equal(masks.fill_small(ring, 0), ring)


def test_areas_are_counted_to_the_pixel() -> None:
    bar, gap = np.zeros((5, 7), np.bool_), np.ones((5, 7), np.bool_)
    bar[2, 2:5], gap[2, 2:5] = True, False
    assert np.array_equal(masks.remove_small(bar, 3), bar)
    assert not masks.remove_small(bar, 4).any()
    assert masks.fill_small(gap, 3).all()
    assert np.array_equal(masks.fill_small(gap, 2), gap)


def test_sizes_that_differ_are_named() -> None:
    with pytest.raises(ShapeMismatch, match="photo 4 x 5, hole 4 x 6"):
        masks.require_same_size(photo=np.zeros((4, 5, 3)), hole=np.zeros((4, 6)))


def test_a_rounded_border_lies_within_and_has_no_steps() -> None:
    rows, columns = np.mgrid[:64, :64]
    mask = rows > 20 + columns / 4  # a step of a pixel every four columns
    soft, hard = masks.rounded(mask, 1.0), masks.feather(mask, 1.0)
    assert not soft[~mask].any()
    assert soft[50:].min() == pytest.approx(1, abs=1e-3)

    def wobble(share: Floats) -> float:
        """How far the line at half the weight strays from a straight one, px."""
        inner = share[:, 8:56]
        heights = 64 - inner.sum(0)
        line = np.polyval(np.polyfit(np.arange(48), heights, 1), np.arange(48))
        return float(np.abs(heights - line).max())

    assert wobble(soft) < 0.6 * wobble(hard)
