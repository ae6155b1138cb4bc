"""inpaint: outside the hole every byte stays."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from unripple.conventions import BadPhoto, Mask, Photo, ShapeMismatch
from unripple.ops.inpainting import telea
from unripple.ops.masks import grow
from unripple.stages.inpaint import (
    Inpainted,
    borrow_fill,
    checked,
    inpaint,
    inpaint_edited,
    inpaint_plate,
    lama_fill,
    traces,
    tried_fill,
)

PHOTO = np.random.default_rng(0).integers(0, 256, (13, 18, 3), dtype=np.uint8)
MASKS = hnp.arrays(np.bool_, (13, 18))
laws = settings(deadline=None, max_examples=40)


def grey(photo: Photo, hole: Mask) -> Photo:
    """Paints everything, the known pixels too."""
    return np.full_like(photo, 128)


def never(photo: Photo, hole: Mask) -> Photo:
    raise AssertionError("nothing to paint")


class Lama(torch.nn.Module):
    """Paints the level given; remembers what it saw."""

    def __init__(self, level: float = 0.5) -> None:
        super().__init__()
        self.level = level

    def forward(self, masked: Tensor, hole: Tensor) -> Tensor:
        self.masked, self.hole = masked, hole
        return torch.full_like(masked, self.level)


@laws
@given(MASKS)
def test_outside_the_hole_every_byte_stays(hole: Mask) -> None:
    for fill in (grey, lama_fill(Lama())):
        painted = inpaint(PHOTO, hole, fill)
        assert np.array_equal(painted[~hole], PHOTO[~hole])
        assert np.isin(painted[hole], (127, 128)).all()


def test_an_empty_hole_is_identity_and_asks_nobody() -> None:
    assert np.array_equal(inpaint(PHOTO, np.zeros((13, 18), np.bool_), never), PHOTO)


def test_lama_sees_a_blackened_hole_mirrored_to_a_multiple_of_eight() -> None:
    hole = np.zeros((13, 18), np.bool_)
    hole[10:, 4:9] = True
    network = Lama()
    inpaint(PHOTO, hole, lama_fill(network))
    assert network.masked.shape == (1, 3, 16, 24) and network.hole.shape == (1, 1, 16, 24)
    padding = ((0, 3), (0, 6))
    mirrored = np.pad(hole, padding, mode="symmetric")
    assert np.array_equal(network.hole[0, 0].numpy(), mirrored)
    shown = np.pad(PHOTO, (*padding, (0, 0)), mode="symmetric") * ~mirrored[..., None]
    assert network.masked[0].permute(1, 2, 0).numpy() == pytest.approx(shown / 255, abs=1e-6)


def test_lama_never_sees_what_the_hole_hides() -> None:
    hole = np.zeros((13, 18), np.bool_)
    hole[3:9, 4:9] = True
    one, other = Lama(), Lama()
    inpaint(PHOTO, hole, lama_fill(one))
    inpaint(np.where(hole[..., None], 255 - PHOTO, PHOTO), hole, lama_fill(other))
    assert torch.equal(one.masked, other.masked)


@pytest.mark.parametrize(("level", "byte"), [(0.999, 254), (1.5, 255), (-0.2, 0), (0.5, 127)])
def test_levels_are_truncated_as_published(level: float, byte: int) -> None:
    hole = np.ones((13, 18), np.bool_)
    assert (inpaint(PHOTO, hole, lama_fill(Lama(level))) == byte).all()


@laws
@given(MASKS, MASKS, st.floats(0, 4))
def test_the_plate_covers_the_old_person_and_what_it_left(
    before: Mask, after: Mask, grow_px: float
) -> None:
    found = inpaint_plate(PHOTO, before, after, fill=grey, grow_px=grow_px)
    assert (before <= found.hole).all()
    assert ((before & ~after) <= found.vacated).all()
    assert (found.vacated <= found.hole).all()
    assert np.array_equal(found.plate[~found.hole], PHOTO[~found.hole])


@laws
@given(MASKS)
def test_who_does_not_move_vacates_nothing(mask: Mask) -> None:
    assert not inpaint_plate(PHOTO, mask, mask, fill=grey, grow_px=3).vacated.any()


def test_depth_joins_the_parser_in_a_true_union() -> None:
    """The source clipped a sum of masks at 1, so that the background was never restored."""
    before, after, near, far = np.zeros((4, 13, 18), np.bool_)
    before[4:8, 4:8] = after[4:8, 6:10] = True
    near[4:8, 3:8] = far[4:8, 6:10] = True  # depth sees one more column, left of the parsed person
    alone = inpaint_plate(PHOTO, before, after, fill=grey, grow_px=0)
    joined = inpaint_plate(
        PHOTO, before, after, fill=grey, grow_px=0, depth_before=near, depth_after=far
    )
    assert np.array_equal(alone.hole, before)
    assert np.array_equal(joined.hole, before | near)
    assert np.array_equal(joined.vacated, near & ~after)
    assert not joined.hole.all()


def test_where_two_depths_disagree_on_a_border_nothing_has_left() -> None:
    person, near = np.zeros((2, 40, 40), np.bool_)
    person[20:, 10:30] = True
    near[17:, 7:33] = True  # the photo's depth reaches 3 px further than that of the edit
    near[1:15, 1:15] = True  # and it sees something that the parser does not know
    found = inpaint_plate(
        np.zeros((40, 40, 3), np.uint8), person, person,
        fill=grey, grow_px=3, depth_before=near, depth_after=person,
    )  # fmt: skip
    assert (near <= found.hole).all()
    assert found.vacated[4:12, 4:12].all() and not found.vacated[17:].any()


def test_the_outer_part_of_the_hole_is_not_shown() -> None:
    before, after = np.zeros((2, 21, 21), np.bool_)
    before[10, 10] = True
    found = inpaint_plate(np.zeros((21, 21, 3), np.uint8), before, after, fill=grey, grow_px=6)
    assert np.array_equal(found.hole, grow(before, 6))
    assert np.array_equal(found.vacated, grow(before, 4))


def test_specks_are_painted_but_not_shown() -> None:
    before, after = np.zeros((2, 13, 18), np.bool_)
    before[2, 2] = True
    found = inpaint_plate(PHOTO, before, after, fill=grey, grow_px=1, min_area_px=2)
    assert found.hole.any() and not found.vacated.any()


def test_the_edited_picture_may_be_painted_itself() -> None:
    ripple = np.zeros((13, 18), np.bool_)
    ripple[5:9, 5:9] = True
    found = inpaint_edited(PHOTO, ripple, fill=partial(telea, radius_px=2))
    assert np.array_equal(found.plate, telea(PHOTO, ripple, radius_px=2))
    assert found.hole is ripple and found.vacated is ripple


def test_sizes_must_agree() -> None:
    with pytest.raises(ShapeMismatch, match="hole 3 x 3"):
        inpaint(PHOTO, np.ones((3, 3), np.bool_), grey)


def test_borrowing_fills_the_hole_with_texture_and_keeps_the_rest() -> None:
    rows = (np.arange(64) // 4 % 2 * 120 + 60).astype(np.uint8)
    photo = np.repeat(np.repeat(rows[:, None], 64, 1)[..., None], 3, 2)
    hole = np.zeros((64, 64), np.bool_)
    hole[20:44, 24:40] = True
    filled = inpaint(photo, hole, borrow_fill())
    assert np.array_equal(filled[~hole], photo[~hole])
    inside = filled[20:44, 24:40].astype(float)
    assert np.abs(inside - photo[20:44, 24:40]).mean() < 20
    assert inside.std() > 40


def test_a_painter_that_sees_nothing_is_not_asked_to_show_something() -> None:
    whole, none = np.ones((13, 18), np.bool_), np.zeros((13, 18), np.bool_)
    assert not checked(Inpainted(PHOTO, whole, none)).vacated.any()
    assert checked(Inpainted(PHOTO, ~np.eye(13, 18, dtype=np.bool_), whole)).hole.any()
    with pytest.raises(BadPhoto, match=r"make inpaint\.grow_px"):
        checked(Inpainted(PHOTO, whole, whole))


def test_a_person_who_fills_the_picture_has_no_plate() -> None:
    before = np.ones((13, 18), np.bool_)
    after = before.copy()
    after[:, :3] = False
    painted = inpaint_plate(PHOTO, before, after, fill=telea, grow_px=2)
    assert np.array_equal(painted.plate, PHOTO)


def test_what_little_background_there_is_is_not_grown_over() -> None:
    before = np.ones((13, 18), np.bool_)
    before[0, 0] = False
    after = before.copy()
    after[:, :3] = False
    painted = inpaint_plate(PHOTO, before, after, fill=telea, grow_px=2)
    assert np.array_equal(painted.hole, before)
    assert not (painted.vacated & ~painted.hole).any()
    assert painted.vacated[5, 1]
    assert (painted.plate[0, 0] == PHOTO[0, 0]).all()


def test_a_plain_wall_is_not_left_to_a_painter_of_patterns() -> None:
    hole = np.zeros((40, 40), np.bool_)
    hole[14:26, 14:26] = True
    wall = np.full((40, 40, 3), 90, np.uint8)
    stripes = np.where(np.arange(40)[:, None, None] % 4 < 2, np.uint8(60), np.uint8(120))
    stripes = np.broadcast_to(stripes, wall.shape).copy()

    def striped(photo: Photo, hole: Mask) -> Photo:
        return stripes

    assert (tried_fill(striped)(wall, hole)[hole] == 90).all()
    assert np.array_equal(tried_fill(striped)(stripes, hole)[hole], stripes[hole])


def test_nobody_is_tried_where_no_background_is_left() -> None:
    hole = np.ones((20, 20), np.bool_)
    hole[0] = False
    assert (tried_fill(grey)(PHOTO[:1, :1].repeat(20, 0).repeat(20, 1), hole)[hole] == 128).all()


def test_traces_of_a_soft_cut_are_kept_however_small() -> None:
    alpha = np.zeros((64, 64), np.uint8)
    alpha[33, 10] = 40
    found = traces(alpha, 16)
    assert found.sum() == 1 and found[8, 2]
    assert not traces(None, 16).any()
