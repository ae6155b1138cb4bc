"""edit: the photo's residual meets the edited picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch

from unripple.conventions import ShapeMismatch
from unripple.ops.tensors import to_tensor
from unripple.stages.edit import STAGE, edit, edit_plainly
from unripple.stages.invert import Consultant, invert

from .toys import L, S, ToyAligner, ToyGenerator, ToyMotion, ToyResidualEncoder, W

PHOTO = np.random.default_rng(0).integers(40, 200, (S, S, 3), dtype=np.uint8)
CODES = np.full((L, W), 0.2, np.float32)
EDITED = CODES + np.float32(0.3)


def consultant() -> Consultant:
    return Consultant(ToyAligner(), ToyResidualEncoder(), 2, S)


def test_plainly_the_generator_alone_speaks() -> None:
    assert (edit_plainly(EDITED, ToyGenerator(2 * S), size_px=S) == 191).all()


def test_the_aligner_sees_the_edited_picture_and_the_photos_residual() -> None:
    experts = consultant()
    inverted = invert(PHOTO, CODES, ToyGenerator(), experts)
    edit(PHOTO, EDITED, inverted.residual, ToyGenerator(), experts, size_px=S)
    residual, picture = experts.aligner.saw[-1]
    assert torch.equal(residual[0], torch.from_numpy(inverted.residual))
    assert picture == pytest.approx(torch.full((1, 3, S, S), 0.5))


def test_codes_that_did_not_move_give_the_inversion() -> None:
    inverted = invert(PHOTO, CODES, ToyGenerator(), consultant())
    same = edit(PHOTO, CODES, inverted.residual, ToyGenerator(), consultant(), size_px=S)
    assert np.array_equal(same.picture, inverted.picture)


def test_the_codes_alone_are_given_beside_it() -> None:
    residual = np.full((3, S, S), 0.4, np.float32)
    edited = edit(PHOTO, EDITED, residual, ToyGenerator(), consultant(), size_px=S)
    assert np.array_equal(edited.plain, edit_plainly(EDITED, ToyGenerator(), size_px=S))
    assert not np.array_equal(edited.plain, edited.picture)


def test_strength_scales_the_aligned_residual() -> None:
    residual = np.full((3, S, S), 0.4, np.float32)
    for strength, level in ((0.0, 0.5), (0.5, 0.7), (1.0, 0.9)):
        edited = edit(
            PHOTO, EDITED, residual, ToyGenerator(), consultant(), size_px=S, strength=strength
        )
        assert (edited.picture == round((level + 1) * 127.5)).all()


@pytest.mark.parametrize("shape", [(S, S, 3), (3, S, S + 1), (1, 3, S, S)])
def test_a_residual_has_its_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match=r"\[3, S, S\]"):
        edit(PHOTO, EDITED, np.zeros(shape, np.float32), ToyGenerator(), consultant(), size_px=S)


def test_a_motion_net_sees_photo_redrawing_and_edit() -> None:
    experts = consultant()._replace(motion=ToyMotion())
    inverted = invert(PHOTO, CODES, ToyGenerator(), experts)
    assert np.array_equal(inverted.picture, PHOTO)
    edit(PHOTO, EDITED, inverted.residual, ToyGenerator(), experts, size_px=S)
    (photo, before, after), mirrored = experts.motion.saw[-2:]
    assert torch.allclose(photo, to_tensor(PHOTO), atol=1e-6)
    assert all(
        torch.equal(one, other.flip(3))
        for one, other in zip(mirrored, (photo, before, after), strict=True)
    )
    assert torch.allclose(before, torch.full_like(before, 0.2), atol=1e-6)
    assert torch.allclose(after, torch.full_like(after, 0.5), atol=1e-6)


def test_details_come_from_where_the_motion_net_says() -> None:
    experts = consultant()._replace(motion=ToyMotion(px=2))
    inverted = invert(PHOTO, CODES, ToyGenerator(), consultant())
    edited = edit(PHOTO, EDITED, inverted.residual, ToyGenerator(), experts, size_px=S)
    moved = np.roll(PHOTO, -2, axis=1)[:, :-2].astype(float) + 0.3 * 127.5
    assert np.abs(edited.picture[:, :-2] - np.clip(moved, 0, 255)).max() <= 1
    assert edited.motion.dtype == np.float16 and edited.motion.shape == (3, S, S)
    assert (edited.motion[0] == 2 / S).all() and not edited.motion[1].any()


def test_what_an_edit_changes_stays_changed_unless_it_is_a_turn() -> None:
    """A motion net that calls every difference between the two drawings a fault of the drawing."""
    experts = consultant()._replace(motion=ToyMotion(same=1.0))
    inverted = invert(PHOTO, CODES, ToyGenerator(), experts)
    how = (PHOTO, EDITED, inverted.residual, ToyGenerator(), experts)
    turned = edit(*how, size_px=S, turn=True)
    assert np.array_equal(turned.picture, PHOTO)
    other = edit(*how, size_px=S, turn=False)
    brighter = np.clip(PHOTO.astype(float) + 0.3 * 127.5, 0, 255)
    assert np.abs(other.picture - brighter).max() <= 1


def test_of_an_edit_that_is_no_turn_the_generator_hears_all_details() -> None:
    for turn, share in ((True, 0.25), (False, 1.0)):
        experts = consultant()._replace(motion=ToyMotion(seen=0.25))
        residual = np.full((3, S, S), 0.4, np.float32)
        edit(PHOTO, EDITED, residual, ToyGenerator(), experts, size_px=S, turn=turn)
        heard, _ = experts.aligner.saw[-1]
        assert torch.allclose(heard, torch.full_like(heard, share * 0.4), atol=1e-5)


@pytest.mark.parametrize(("strength", "told"), [(0.5, 0.4), (2.0, 0.8)])
def test_what_is_told_of_the_details_goes_with_the_strength(strength: float, told: float) -> None:
    experts = consultant()._replace(motion=ToyMotion(seen=0.8))
    residual = np.full((3, S, S), 0.4, np.float32)
    how = {"size_px": S, "strength": strength}
    edited = edit(PHOTO, EDITED, residual, ToyGenerator(), experts, **how)
    assert edited.motion[2] == pytest.approx(told, abs=1e-3)
    assert edit(PHOTO, EDITED, residual, ToyGenerator(), consultant(), **how).motion is None


def test_what_the_codes_draw_beyond_white_or_black_is_cut_before_it_is_looked_at() -> None:
    for level, seen in ((1.7, 1.0), (-1.7, -1.0)):
        experts, generator = consultant(), ToyGenerator()
        codes = np.full((L, W), level, np.float32)
        edit(PHOTO, codes, np.zeros((3, S, S), np.float32), generator, experts, size_px=S)
        _, looked = experts.aligner.saw[-1]
        assert (looked == seen).all()
        assert {noise for noise, _ in generator.calls} == {"stored"}


def test_landmarks_that_were_marked_by_hand_are_told_of() -> None:
    class Photo(NamedTuple):
        points: object
        photo: str = "one"
        align: str = ""

    turned = {"turn_deg": -20.0, "turn": "geometry"}
    assert STAGE.own(turned, Photo([[0, 0]] * 5)) == {"by_hand": True}
    assert STAGE.own(turned, Photo(None)) == {}
    assert STAGE.own({}, Photo([[0, 0]] * 5)) == {}
