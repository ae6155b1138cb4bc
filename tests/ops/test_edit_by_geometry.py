"""Turning heads with the photo's own pixels, and who decides to."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from tests.ops.round_head import HEAD
from unripple.conventions import Face, NoFace
from unripple.models.mean_head import MeanHead
from unripple.ops.geometry import stretched
from unripple.ops.head import HeadPose
from unripple.stages.align import Aligned
from unripple.stages.edit import FOREIGN_DB, drawn_db
from unripple.stages.turns import geometry
from unripple.stages.turns.geometry import edit_by_geometry, going_on

SIZE = 96
POSE = HeadPose(0.0, 0.0, 0.0, 28.0, (48.0, 42.0))
LANDMARKS = POSE.to_picture(HEAD.landmarks)[:, :2]
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE] + 0.5
LABELS = np.full((SIZE, SIZE), Face.BACKGROUND, np.uint8)
LABELS[ROWS > 84] = Face.CLOTH
LABELS[(np.abs(COLUMNS - 48) < 11) & (ROWS > 60) & (ROWS <= 84)] = Face.NECK
LABELS[((COLUMNS - 48) / 24) ** 2 + ((ROWS - 38) / 32) ** 2 < 1] = Face.HAIR
LABELS[((COLUMNS - 48) / 17) ** 2 + ((ROWS - 46) / 24) ** 2 < 1] = Face.SKIN
LABELS[((COLUMNS - 48) / 4) ** 2 + ((ROWS - 50) / 5) ** 2 < 1] = Face.NOSE
NOISE = np.random.default_rng(0).integers(0, 60, (SIZE, SIZE, 3), dtype=np.uint8)
PHOTO = np.where((LABELS != Face.BACKGROUND)[..., None], 150 + NOISE, 20 + NOISE).astype(np.uint8)


@pytest.fixture(scope="module")
def mean_head() -> MeanHead:
    net = MeanHead(len(HEAD.surface))
    net.surface.copy_(torch.from_numpy(HEAD.surface))
    net.landmarks.copy_(torch.from_numpy(HEAD.landmarks))
    net.levels.copy_(torch.tensor([HEAD.chin_y, HEAD.brow_y, HEAD.half_width]))
    return net


@pytest.mark.parametrize("turn", [-20.0, 20.0])
def test_the_nose_goes_where_it_was_asked_to(mean_head: MeanHead, turn: float) -> None:
    edited = edit_by_geometry(PHOTO, LABELS, LANDMARKS, mean_head, turn_deg=turn)
    assert edited.labels is not None
    nose = COLUMNS[edited.labels == Face.NOSE].mean() - 48
    real = HEAD.realistic(0).surface
    tip = real[np.argmin(np.hypot(real[:, 0], real[:, 1] - 0.25)), 2]
    assert nose == pytest.approx(28 * tip * np.sin(np.radians(turn)), abs=2)


def test_a_profile_is_held_and_says_so(mean_head: MeanHead) -> None:
    aside = POSE._replace(yaw_deg=42.0)
    seen = aside.to_picture(HEAD.landmarks)[:, :2]
    made = edit_by_geometry(PHOTO, LABELS, seen, mean_head, turn_deg=-20)
    assert made.notes is not None
    (told,) = made.notes["reduced"]
    assert told["asked"] == -20 and -15 < told["used"] < -5
    assert "hides" in told["why"]
    away = edit_by_geometry(PHOTO, LABELS, seen, mean_head, turn_deg=10)
    assert away.notes is None


def test_background_and_shoulders_keep_every_byte(mean_head: MeanHead) -> None:
    edited = edit_by_geometry(PHOTO, LABELS, LANDMARKS, mean_head, turn_deg=-20)
    layers = edited.layers
    assert layers is not None
    outside = (layers.alpha == 0) & (layers.alpha_after == 0)
    assert outside.mean() > 0.3
    assert np.array_equal(edited.picture[outside], PHOTO[outside])
    assert np.array_equal(edited.picture[92:], PHOTO[92:])
    assert (edited.picture != PHOTO).any()


def test_no_turn_changes_no_byte_and_no_label(mean_head: MeanHead) -> None:
    edited = edit_by_geometry(PHOTO, LABELS, LANDMARKS, mean_head, turn_deg=0)
    assert np.array_equal(edited.picture, PHOTO)
    assert np.array_equal(edited.labels, LABELS)


def test_the_motion_leads_to_the_bytes_that_are_shown(mean_head: MeanHead) -> None:
    flat = PHOTO.copy()
    flat[..., 0] = COLUMNS * 2
    edited = edit_by_geometry(flat, LABELS, LANDMARKS, mean_head, turn_deg=15)
    assert edited.motion is not None and edited.layers is not None
    inside = (edited.layers.alpha_after == 255) & (edited.layers.moving == 255)
    assert inside.mean() > 0.1
    shown = COLUMNS + stretched(edited.motion[0].astype(np.float32), SIZE) * SIZE
    assert np.median(np.abs(edited.picture[..., 0] / 2 - shown)[inside]) < 0.5


def test_a_soft_outline_takes_no_background_along(mean_head: MeanHead) -> None:
    person = (LABELS != Face.BACKGROUND).astype(np.float32)
    soft = cv2.GaussianBlur(person, (0, 0), 1.5)[..., None]
    photo = np.rint(soft * 200 + (1 - soft) * 30).astype(np.uint8).repeat(3, axis=2)
    edited = edit_by_geometry(photo, LABELS, LANDMARKS, mean_head, turn_deg=-20)
    layers = edited.layers
    assert layers is not None
    half = (layers.alpha > 60) & (layers.alpha < 200)
    assert np.abs(layers.alpha[half] / 255 - soft[half, 0]).mean() < 0.12
    assert layers.colours[half].mean() > 165  # where the photo has 115


def test_a_larger_crop_cuts_finer(mean_head: MeanHead) -> None:
    large = cv2.resize(PHOTO, (2 * SIZE, 2 * SIZE), interpolation=cv2.INTER_CUBIC)
    edited = edit_by_geometry(PHOTO, LABELS, LANDMARKS, mean_head, turn_deg=10, fine=large)
    assert edited.picture.shape == PHOTO.shape
    assert edited.alpha is not None and edited.alpha.shape == (2 * SIZE, 2 * SIZE)


def test_no_mirror_image_of_the_person_comes_in(mean_head: MeanHead) -> None:
    mirrored, shown = LABELS.copy(), COLUMNS > 10
    mirrored[20:60, :8] = Face.HAIR
    photo = np.where((mirrored != Face.BACKGROUND)[..., None], 150 + NOISE, 20 + NOISE)
    plain = edit_by_geometry(photo.astype(np.uint8), mirrored, LANDMARKS, mean_head, turn_deg=10)
    edited = edit_by_geometry(
        photo.astype(np.uint8), mirrored, LANDMARKS, mean_head, turn_deg=10, shown=shown
    )
    assert plain.alpha is not None and edited.alpha is not None
    assert plain.alpha[40, 3] == 255
    assert edited.alpha[24:56, :10].max() <= 8
    assert edited.alpha[94, 3] == 255  # the shoulders go on


def test_landmarks_of_no_face_are_refused(mean_head: MeanHead) -> None:
    with pytest.raises(NoFace):
        edit_by_geometry(PHOTO, LABELS, np.zeros((5, 2)), mean_head, turn_deg=10)


def test_what_the_codes_draw_well_is_of_their_world() -> None:
    landmarks = LANDMARKS / SIZE
    level = 2 * 10 ** (-FOREIGN_DB / 20)
    residual = np.full((3, 64, 64), level, np.float32)
    assert drawn_db(residual, landmarks) == pytest.approx(FOREIGN_DB)
    assert drawn_db(residual * 0.9, landmarks) > FOREIGN_DB
    assert drawn_db(residual * 1.1, landmarks) < FOREIGN_DB


def test_a_face_counts_as_much_as_all_of_the_picture() -> None:
    landmarks = LANDMARKS / SIZE
    background = np.full((3, 64, 64), 0.4, np.float32)
    background[:, 10:55, 10:54] = 0.05  # the face is drawn well, its surroundings are not
    worse = np.full((3, 64, 64), 0.4, np.float32)
    assert drawn_db(background, landmarks) > drawn_db(worse, landmarks) + 8


def test_who_stands_beside_stays(mean_head: MeanHead) -> None:
    two = LABELS.copy()
    two[30:70, 80:] = Face.HAIR
    other = LANDMARKS + np.array([42, 4])
    photo = np.where((two != Face.BACKGROUND)[..., None], 150 + NOISE, 20 + NOISE).astype(np.uint8)
    edited = edit_by_geometry(photo, two, LANDMARKS, mean_head, turn_deg=-20, others=[other])
    assert edited.alpha is not None
    assert not edited.alpha[30:70, 80:].any()
    assert edited.alpha[40, 48] == 255
    assert np.array_equal(edited.picture[30:70, 80:], photo[30:70, 80:])


def test_whom_the_border_cuts_off_goes_on_beyond_it() -> None:
    """The stripes beyond a border look like no person; a mirror image may be somebody else's."""
    shown = ROWS > 10
    hair = np.abs(COLUMNS - 48) < 20
    share = (hair & (ROWS > 14)).astype(np.float32)
    beside = (COLUMNS > 80) & (ROWS < 30)
    whole = going_on(share, (hair | beside).astype(np.float32), shown)
    assert (whole[hair] == 1).all()
    assert (whole[~hair] == 0).all()
    everything = np.ones_like(shown)
    assert going_on(share, np.ones_like(share), everything) is share


def test_who_ends_before_the_border_still_ends_there() -> None:
    shown = ROWS > 10
    share = ((np.abs(COLUMNS - 48) < 20) & (ROWS > 14)).astype(np.float32)
    assert np.array_equal(going_on(share, share, shown), share)


def test_the_face_that_turns_is_told_from_those_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [LANDMARKS + 1, LANDMARKS * 0.2]
    monkeypatch.setattr(geometry, "faces_by_mtcnn", lambda *_: found)
    work = SimpleNamespace(
        load=lambda _: SimpleNamespace(net=None), photo=SimpleNamespace(srgb=PHOTO)
    )
    whole = np.eye(3)[:2]
    own, others = geometry._faces(work, Aligned(PHOTO, whole, LANDMARKS))
    assert own is found[0]
    assert [face is found[1] for face in others] == [True]
    found.pop(0)
    assert geometry._faces(work, Aligned(PHOTO, whole, LANDMARKS))[0] is None
