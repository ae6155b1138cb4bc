"""ripple: what the person left behind, and the faults of the source kept out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unripple.conventions import FACE_COLOURS, Face, Mask, ShapeMismatch
from unripple.stages.ripple import person, ripple, ripple_mask

MASKS = hnp.arrays(np.bool_, (14, 17))
laws = settings(deadline=None, max_examples=60)


def square(left: int) -> Mask:
    mask = np.zeros((20, 30), np.bool_)
    mask[5:15, left : left + 10] = True
    return mask


@laws
@given(MASKS, MASKS, st.floats(0, 5), st.floats(0, 5))
def test_the_ripple_grows_with_its_radius_and_spares_the_new_person(
    before: Mask, after: Mask, one: float, other: float
) -> None:
    small = ripple_mask(before, after, grow_px=min(one, other))
    large = ripple_mask(before, after, grow_px=max(one, other))
    assert (small <= large).all()
    assert not (large & after).any()
    assert ((before & ~after) <= small).all()


@laws
@given(MASKS, st.floats(0, 5))
def test_who_does_not_move_leaves_no_ripple(mask: Mask, grow_px: float) -> None:
    assert not ripple_mask(mask, mask, grow_px=grow_px).any()


def test_a_move_to_the_right_uncovers_the_left() -> None:
    before, after = square(5), square(9)
    assert np.array_equal(ripple_mask(before, after, grow_px=0), before & ~after)
    grown = ripple_mask(before, after, grow_px=2)
    assert grown[10, 3] and not grown[10, 2]
    assert not grown[5:15, 9:].any() and not grown[:, 11:].any()


def test_the_smear_is_a_band_outside_the_new_person() -> None:
    mask = square(8)
    smeared = ripple_mask(mask, mask, grow_px=3, smear_px=2)
    rows, columns = np.nonzero(smeared)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 16, 6, 19)
    assert not (smeared & mask).any()


def test_specks_are_slips_of_the_parser() -> None:
    before, after = square(5), square(5)
    before[0, 0] = True
    assert ripple_mask(before, after, grow_px=1).any()
    assert not ripple_mask(before, after, grow_px=1, min_area_px=2).any()


def test_a_person_is_every_part_but_the_background() -> None:
    labels = np.arange(19, dtype=np.uint8).reshape(1, 19)
    assert person(labels).tolist() == [[False] + [True] * 18]
    bare = person(labels, background=(Face.BACKGROUND, Face.CLOTH, Face.HAT))
    assert np.flatnonzero(~bare).tolist() == [Face.BACKGROUND, Face.CLOTH, Face.HAT]


def test_a_persons_specks_go_and_its_pinpricks_close() -> None:
    labels = np.where(square(5), np.uint8(Face.SKIN), np.uint8(0))
    labels[10, 10] = Face.BACKGROUND
    labels[0, 29] = Face.HAIR
    assert np.array_equal(person(labels, min_area_px=2), square(5))


@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 5])
def test_a_part_or_gap_of_as_many_pixels_as_the_limit_stays(pixels: int) -> None:
    labels = np.where(square(5), np.uint8(Face.SKIN), np.uint8(0))
    labels[10, 6 : 6 + pixels] = Face.BACKGROUND
    labels[0, 20 : 20 + pixels] = Face.HAIR
    counted = pixels >= 3
    found = person(labels, min_area_px=3)
    assert (not found[10, 6 : 6 + pixels].any()) == counted
    assert found[0, 20 : 20 + pixels].all() == counted
    assert found[5:15, 5:15].sum() == 100 - pixels * counted


@pytest.mark.parametrize("part", [part for part in Face if part])
def test_changes_of_part_inside_the_person_are_no_ripple(part: Face) -> None:
    """The source compared colours, bit by bit: two parts could cancel to background or not."""
    before = np.full((6, 6), Face.SKIN, np.uint8)
    after = np.full((6, 6), part, np.uint8)
    found = ripple(before, after, grow_px=2)
    assert not found.ripple.any()
    assert found.before.all() and found.after.all()
    hidden = FACE_COLOURS[Face.SKIN] & ~FACE_COLOURS[part]
    assert part == Face.SKIN or hidden.any()  # bitwise on colours would have marked a ripple


def test_labels_become_masks() -> None:
    before, after = (np.where(square(left), np.uint8(Face.HAIR), np.uint8(0)) for left in (5, 9))
    found = ripple(before, after, grow_px=1, min_area_px=4)
    assert np.array_equal(found.before, square(5))
    assert np.array_equal(found.after, square(9))
    assert np.array_equal(found.ripple, ripple_mask(square(5), square(9), grow_px=1))


def test_what_counts_as_background_and_as_a_speck_counts_in_both_pictures() -> None:
    before, after = (np.where(square(left), np.uint8(Face.HAIR), np.uint8(0)) for left in (5, 6))
    before[0:4, 0:4] = after[16:, 0:4] = Face.CLOTH
    bare = ripple(before, after, grow_px=0, background=(Face.BACKGROUND, Face.CLOTH))
    assert np.array_equal(bare.before, square(5)) and np.array_equal(bare.after, square(6))
    assert bare.ripple.sum() == 10
    # What the move uncovers is itself a speck: 10 pixels, while both persons have 100.
    assert ripple(before, after, grow_px=0, min_area_px=10).ripple[5:15, 5].all()
    assert not ripple(before, after, grow_px=0, min_area_px=11).ripple[5:15].any()


def test_no_speck_is_too_small_unless_told() -> None:
    labels = np.zeros((9, 9), np.uint8)
    labels[4, 4] = Face.HAIR
    assert ripple(labels, np.zeros_like(labels), grow_px=0).ripple.sum() == 1


def test_sizes_must_agree() -> None:
    with pytest.raises(ShapeMismatch, match="before 4 x 4, after 4 x 5"):
        ripple_mask(np.zeros((4, 4), np.bool_), np.zeros((4, 5), np.bool_), grow_px=1)
    with pytest.raises(ShapeMismatch, match="labels_after"):
        ripple(np.zeros((4, 4), np.uint8), np.zeros((5, 4), np.uint8), grow_px=1)
