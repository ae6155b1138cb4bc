"""Figures of what other programs do beside an edit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.disturbed import about_middle, textured
from unripple.conventions import Photo
from unripple.ops.homography import look
from unripple.stages.drifting import drifted, drifted_before, person_after
from unripple.stages.measure import decide, roles
from unripple.stages.register import register

SIZE = 128
PHOTO = textured(4, SIZE, SIZE)
PERSON = np.zeros((SIZE, SIZE), bool)
PERSON[40:90, 40:90] = True
WHOLE = np.array(((1.0, 0, 0), (0, 1.0, 0)))


def distance(one: Photo, other: Photo) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_the_photo_has_no_drift() -> None:
    told = drifted(PHOTO, PHOTO, PERSON, PERSON, 2.0, distance)
    assert told["bytes_kept"] == told["sharpness"] == 1
    rest = [told[name] for name in told if name not in ("bytes_kept", "sharpness")]
    assert rest == pytest.approx([0] * len(rest), abs=0.02)


def test_what_is_inside_the_edit_is_no_distance_outside() -> None:
    edited = PHOTO.copy()
    edited[45:85, 45:85] = 0
    told = drifted(PHOTO, edited, PERSON, PERSON, 1.0, distance)
    assert told["lpips_outside"] == 0 and told["bytes_kept"] < 1
    edited[:10] = 0
    assert drifted(PHOTO, edited, PERSON, PERSON, 1.0, distance)["lpips_outside"] > 0


def test_a_shift_is_told_in_pixels_of_the_photograph() -> None:
    shifted = look(PHOTO, about_middle(SIZE, SIZE, zoom=1, shift=(-3, 0), turn_deg=0), SIZE, SIZE)
    picture = np.rint(np.clip(shifted, 0, 255)).astype(np.uint8)
    assert drifted(PHOTO, picture, PERSON, PERSON, 2.0)["drift_shift"] == pytest.approx(6, abs=0.2)
    came = drifted_before(PHOTO, register(PHOTO, picture, PHOTO, WHOLE), PERSON, PERSON)
    assert came["drift_shift_of_edit"] == pytest.approx(3, abs=0.1)
    assert came["bytes_kept_of_edit"] < 0.2 and "lpips_outside_of_edit" not in came


def test_nobody_left_where_nothing_changed() -> None:
    after = PERSON.copy()
    after[40:90, 40:44] = False
    nothing = np.zeros_like(PERSON)
    assert np.array_equal(person_after(PERSON, after, nothing), PERSON)
    assert np.array_equal(person_after(PERSON, after, PERSON & ~after), after)
    grown = after | ~PERSON
    assert np.array_equal(person_after(PERSON, grown, ~nothing), grown)


class _Plan:
    beyond_generator = ()
    edit = None

    def __init__(self, *models: str) -> None:
        self.models, self.turn, self.moves = models, {}, {}

    def has_model(self, role: str) -> bool:
        return role in self.models

    def asked_turn_deg(self, moves: object) -> None:
        return None


def test_lpips_is_asked_of_other_programs_edits_where_it_is_at_hand() -> None:
    both, given = _Plan("lpips_trunk", "lpips_head"), {"pose": False, "identity": False}
    assert roles(decide({**given, "asked": False}, both)) == ("lpips_trunk", "lpips_head")  # type: ignore[arg-type]
    assert roles(decide({**given, "asked": False}, _Plan())) == ()  # type: ignore[arg-type]
    assert roles(decide({**given, "asked": True}, both)) == ()  # type: ignore[arg-type]
