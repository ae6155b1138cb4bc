"""register and what compose keeps: laws on pictures without a network."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.disturb import autoencoded, recompressed, warp
from tests.ops.disturbed import about_middle, textured
from unripple.conventions import CutOff, Face, TooSmall
from unripple.ops.geometry import resample
from unripple.stages.composers.kept import allowed, in_meant_tone, meant
from unripple.stages.register import register

SIZE = 160
PHOTO = textured(2, SIZE, SIZE)
WHOLE = np.array(((1.0, 0, 0), (0, 1.0, 0)))
STILL = np.zeros((3, SIZE, SIZE), np.float16)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_the_photo_itself_has_no_changes() -> None:
    found = register(PHOTO, PHOTO, PHOTO, WHOLE)
    assert not found.differing.any()
    assert np.abs(found.picture.astype(int) - PHOTO).max() <= 1
    assert found.drift["zoom_percent"] == pytest.approx(0, abs=0.01)
    assert np.array_equal(found.given, PHOTO)


def test_drift_is_undone_and_details_come_back() -> None:
    true = about_middle(SIZE, SIZE, zoom=1.02, shift=(3, -2), turn_deg=0.5)
    soft = autoencoded(warp(PHOTO, true, SIZE, SIZE), np.random.default_rng(0))
    found = register(PHOTO, recompressed(soft, "WEBP", 85), PHOTO, WHOLE)
    inner = np.s_[16:-16, 16:-16]
    error = np.abs(found.picture.astype(int) - PHOTO)[inner].mean()
    plain = register(PHOTO, recompressed(soft, "WEBP", 85), PHOTO, WHOLE, details=0)
    assert error < 0.6 * np.abs(plain.picture.astype(int) - PHOTO)[inner].mean()
    assert found.differing.mean() < 0.005
    assert found.drift["zoom_percent"] == pytest.approx(2, abs=0.1)


def test_what_the_editor_does_not_show_is_the_photo() -> None:
    found = register(PHOTO, PHOTO[: SIZE - 20].copy(), PHOTO, WHOLE)
    assert np.array_equal(found.picture[SIZE - 18 :], PHOTO[SIZE - 18 :])
    assert not found.differing[SIZE - 18 :].any()


def test_a_face_that_was_cut_off_or_is_too_small_is_refused() -> None:
    with pytest.raises(CutOff, match=r"shows \d+% of the face"):
        register(PHOTO, PHOTO[:, 60:].copy(), PHOTO, WHOLE)
    corner = np.array(((40 / SIZE, 0, 10.0), (0, 40 / SIZE, 10.0)))
    with pytest.raises(TooSmall, match="at least 48"):
        register(PHOTO, PHOTO, cv2.resize(PHOTO[10:50, 10:50], (SIZE, SIZE)), corner)


def test_a_photo_that_is_all_face_may_lose_a_little_of_it() -> None:
    """The crop reaches beyond the photo, which a zoom of 3% cuts on all sides."""
    around = np.array(((1.5, 0, -40.0), (0, 1.5, -40.0)))
    zoomed = warp(PHOTO, about_middle(SIZE, SIZE, zoom=1.03, shift=(1, 1), turn_deg=0), SIZE, SIZE)
    found = register(PHOTO, zoomed, resample(PHOTO, around, width=SIZE, height=SIZE), around)
    assert found.drift["zoom_percent"] == pytest.approx(3, abs=0.2)


def test_a_head_that_moved_is_the_edits_as_a_whole() -> None:
    head, body = box(20, 100, 40, 120), box(100, 160, 20, 140)
    labels = np.where(head, Face.SKIN, np.where(body, Face.CLOTH, Face.BACKGROUND)).astype(np.uint8)
    person, nothing = head | body, np.zeros((SIZE, SIZE), bool)
    motion = STILL.copy()
    assert not meant(nothing, person, person, labels, labels, motion).any()
    motion[0, 20:60] = 3 / SIZE
    motion[2] = 1
    moved = meant(nothing, person, person, labels, labels, motion)
    assert np.array_equal(moved, head)
    motion[2] = 0  # nobody believes it
    assert not meant(nothing, person, person, labels, labels, motion).any()
    motion[2, 50:64] = 1  # a sixth can be followed, and most of that moved
    assert np.array_equal(meant(nothing, person, person, labels, labels, motion), head)
    motion[0, 20:62] = 0  # most of it stayed
    assert not meant(nothing, person, person, labels, labels, motion).any()


def test_colours_painted_on_a_grey_photo_stay_and_no_others() -> None:
    grey = np.repeat(PHOTO[..., 1:2], 3, 2)
    edited = np.clip(grey + np.random.default_rng(0).integers(-2, 3, grey.shape), 0, 255)
    edited = edited.astype(np.uint8)
    edited[60:90, 60:90] = (190, 30, 50)
    found = in_meant_tone(grey, edited)
    assert np.array_equal(found[65:85, 65:85], edited[65:85, 65:85])
    far = ~box(48, 102, 48, 102)
    assert np.ptp(found[far].astype(int), axis=1).max() == 0
    assert in_meant_tone(PHOTO, edited) is edited


def test_what_may_stay_is_the_users_choice() -> None:
    before, after = box(0, 40, 0, 40), box(20, 60, 20, 60)
    hair = np.where(after, Face.HAIR, Face.BACKGROUND).astype(np.uint8)
    none = np.zeros_like(hair)
    mask = box(0, 9, 0, 9)
    assert np.array_equal(allowed("person", before, after, none, hair, None), before | after)
    assert allowed("auto", before, after, none, hair, None).all()
    assert np.array_equal(allowed(("hair",), before, after, none, hair, None), after)
    assert not allowed(("cloth", "hat"), before, after, none, hair, None).any()
    assert np.array_equal(allowed("mask", before, after, none, hair, mask), mask)


@pytest.mark.parametrize("sepia", [False, True])
def test_a_grey_or_sepia_answer_to_a_colour_photo_stays_one(*, sepia: bool) -> None:
    """No drift of colours is undone there, and all that has colours has changed."""
    grey = cv2.cvtColor(PHOTO, cv2.COLOR_RGB2GRAY)
    tint = np.array((1.0, 0.9, 0.7)) if sepia else np.ones(3)
    answer = np.rint(0.9 * grey[..., None] * tint).astype(np.uint8)
    found = register(PHOTO, answer, PHOTO, WHOLE)
    chroma = np.ptp(found.picture.astype(int), axis=2)
    assert chroma.max() == 0 if not sepia else np.median(chroma) > 10
    lively = cv2.blur(np.ptp(PHOTO.astype(np.float32), axis=2), (5, 5)) > 40
    assert lively.mean() > 0.1 and found.differing[lively].mean() > 0.9
