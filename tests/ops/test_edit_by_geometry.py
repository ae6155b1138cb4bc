"""Turning heads with the photo's own pixels, and who decides to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.ops.round_head import HEAD
from unripple.conventions import Face, NoFace
from unripple.models.mean_head import MeanHead
from unripple.ops.head import HeadPose
from unripple.stages.edit import FOREIGN_DB, drawn_db, edit_by_geometry

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
PHOTO = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


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
    assert nose == pytest.approx(28 * 0.9 * np.sin(np.radians(turn)), abs=2)


def test_background_and_shoulders_keep_every_byte(mean_head: MeanHead) -> None:
    edited = edit_by_geometry(PHOTO, LABELS, LANDMARKS, mean_head, turn_deg=-20)
    assert edited.labels is not None
    outside = edited.labels == Face.BACKGROUND
    assert np.array_equal(edited.picture[outside], PHOTO[outside])
    assert np.array_equal(edited.picture[92:], PHOTO[92:])
    assert (edited.picture != PHOTO).any()


def test_no_turn_changes_no_byte_and_no_label(mean_head: MeanHead) -> None:
    edited = edit_by_geometry(PHOTO, LABELS, LANDMARKS, mean_head, turn_deg=0)
    assert np.array_equal(edited.picture, PHOTO)
    assert np.array_equal(edited.labels, LABELS)


def test_the_motion_leads_to_the_bytes_that_are_shown(mean_head: MeanHead) -> None:
    flat = np.repeat((COLUMNS * 2).astype(np.uint8)[..., None], 3, axis=2)
    edited = edit_by_geometry(flat, LABELS, LANDMARKS, mean_head, turn_deg=15)
    assert edited.motion is not None and edited.motion.shape == (3, SIZE, SIZE)
    inside = edited.motion[2] == 1
    inside[:, :4] = inside[:, -4:] = False  # the border mirrors
    shown = COLUMNS + edited.motion[0].astype(np.float64) * SIZE
    assert np.abs(edited.picture[..., 0] / 2 - shown)[inside].max() < 1.5


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
