"""compose: what is not touched is the photo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unripple.conventions import Face, Mask, ShapeMismatch
from unripple.ops.masks import signed_distance
from unripple.stages.compose import (
    compose_direct,
    compose_mixed,
    compose_or,
    compose_plate,
    ease_head,
    fine_share,
)
from unripple.stages.inpaint import inpaint_plate

PHOTO, EDITED, FILL = np.random.default_rng(0).integers(0, 256, (3, 16, 20, 3), dtype=np.uint8)
MASKS = hnp.arrays(np.bool_, (16, 20))
laws = settings(deadline=None, max_examples=60)


def plate_of(before: Mask, after: Mask, grow_px: float = 2.0):
    return inpaint_plate(PHOTO, before, after, fill=lambda photo, hole: FILL, grow_px=grow_px)


@laws
@given(MASKS, MASKS, st.floats(0, 4), st.floats(0, 4))
def test_outside_touched_every_byte_is_the_photos(
    before: Mask, after: Mask, grow_px: float, feather_px: float
) -> None:
    painted = plate_of(before, after, grow_px)
    composed = compose_plate(
        PHOTO, EDITED, painted.plate, painted.vacated, after, feather_px=feather_px
    )
    assert np.array_equal(composed.picture[~composed.touched], PHOTO[~composed.touched])
    assert np.array_equal(composed.touched, painted.vacated | after)
    joined = compose_or(EDITED, painted.plate, painted.hole, after)
    assert np.array_equal(joined.picture[~joined.touched], PHOTO[~joined.touched])
    assert np.array_equal(joined.touched, painted.hole | after)


@laws
@given(MASKS, st.floats(0, 4))
def test_who_does_not_move_changes_no_byte_outside(person: Mask, feather_px: float) -> None:
    painted = plate_of(person, person)
    composed = compose_plate(
        PHOTO, EDITED, painted.plate, painted.vacated, person, feather_px=feather_px
    )
    assert np.array_equal(composed.picture[~person], PHOTO[~person])


def blocks() -> tuple[Mask, Mask]:
    before, after = np.zeros((2, 16, 20), np.bool_)
    before[4:12, 4:12] = after[4:12, 7:15] = True
    return before, after


def test_deep_inside_the_new_person_is_the_edit_and_deep_inside_the_vacated_the_plate() -> None:
    before, after = blocks()
    painted = plate_of(before, after, 3)
    composed = compose_plate(PHOTO, EDITED, painted.plate, painted.vacated, after, feather_px=1.0)
    inner = signed_distance(after) >= 1
    assert np.array_equal(composed.picture[inner], EDITED[inner])
    left = before & ~after  # the vacated place reaches two pixels further, so no ramp falls here
    assert np.array_equal(composed.picture[left], FILL[left])


def test_the_soft_border_mixes_edit_and_background() -> None:
    before, after = blocks()
    painted = plate_of(before, after)
    composed = compose_plate(PHOTO, EDITED, painted.plate, painted.vacated, after, feather_px=1.0)
    ring = composed.picture[7, 14].astype(float)  # the new person's outermost column: half and half
    assert ring == pytest.approx((PHOTO[7, 14].astype(float) + EDITED[7, 14]) / 2, abs=0.5)


def test_no_feather_is_a_hard_choice() -> None:
    before, after = blocks()
    painted = plate_of(before, after)
    composed = compose_plate(PHOTO, EDITED, painted.plate, painted.vacated, after, feather_px=0.0)
    layers = np.where(painted.vacated[..., None], painted.plate, PHOTO)
    assert np.array_equal(composed.picture, np.where(after[..., None], EDITED, layers))


def test_the_or_composite_has_no_third_colour() -> None:
    before, after = blocks()
    painted = plate_of(before, after)
    joined = compose_or(EDITED, painted.plate, painted.hole, after)
    assert np.array_equal(joined.picture, np.where(after[..., None], EDITED, painted.plate))


def test_directly_nothing_of_the_photo_is_promised() -> None:
    composed = compose_direct(EDITED)
    assert np.array_equal(composed.picture, EDITED)
    assert composed.touched.all() and composed.touched.dtype == np.bool_
    assert composed.touched.shape == EDITED.shape[:2]


def test_sizes_must_agree() -> None:
    mask = np.zeros((16, 20), np.bool_)
    with pytest.raises(ShapeMismatch, match="after 4 x 4"):
        compose_plate(PHOTO, EDITED, FILL, mask, np.zeros((4, 4), np.bool_))
    with pytest.raises(ShapeMismatch, match="photo 16 x 20, mixed 8 x 20"):
        compose_mixed(PHOTO, EDITED[:8])
    with pytest.raises(ShapeMismatch, match="foreground 4 x 4"):
        compose_or(EDITED, FILL, mask, np.zeros((4, 4), np.bool_))
    labels = np.zeros((16, 16), np.uint8)
    with pytest.raises(ShapeMismatch, match="person 16 x 20, labels 16 x 16"):
        fine_share(np.ones((8, 8)), mask, labels, detail=1.0)
    with pytest.raises(ShapeMismatch, match="plain 8 x 20"):
        ease_head(EDITED, EDITED[:8], np.zeros((16, 20), np.uint8), detail=1.0)


def test_easing_the_head_keeps_the_clothes_and_a_share_of_the_head() -> None:
    edited = np.full((40, 40, 3), 200, np.uint8)
    plain = np.full((40, 40, 3), 100, np.uint8)
    labels = np.full((40, 40), Face.SKIN, np.uint8)
    labels[30:] = Face.CLOTH
    eased = ease_head(edited, plain, labels, detail=0.25)
    assert (eased[30:] == 200).all()
    assert (eased[:20] == 125).all()
    assert np.array_equal(ease_head(edited, plain, labels, detail=1.0), edited)
    column = eased[:, 20, 0].astype(int)
    assert (np.diff(column) >= 0).all(), "the border fades, it does not step back"


def test_a_mixed_picture_is_taken_and_what_differs_is_touched() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    mixed = photo.copy()
    mixed[2, 3, 1] += 1
    composed = compose_mixed(photo, mixed)
    assert np.array_equal(composed.picture, mixed)
    assert np.argwhere(composed.touched).tolist() == [[2, 3]]


def test_the_finest_details_are_the_persons_and_go_with_the_heads() -> None:
    labels = np.full((16, 16), Face.BACKGROUND, np.uint8)
    labels[:, 4:] = Face.SKIN
    labels[8:, 4:] = Face.CLOTH
    person = labels != Face.BACKGROUND
    seen = np.full((8, 8), 0.5, np.float16)  # told at half of the size
    whole = fine_share(seen, person, labels, detail=1.0)
    assert whole.dtype == np.uint8 and not whole[~person].any()
    assert (whole[person] == 128).all()
    half = fine_share(seen, person, labels, detail=0.5, feather_px=1.0)
    assert (half[:7, 6:] == 64).all() and (half[10:, 4:] == 128).all()
    for all_seen in (np.ones((16, 16)), np.ones((8, 8), np.float16)):
        assert (fine_share(all_seen, person, labels, detail=1.0)[person] == 255).all()
    assert not fine_share(seen, person, labels, detail=0.0, feather_px=1.0)[:7, 6:].any()
