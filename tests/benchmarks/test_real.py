"""The benchmark on real photographs: its own figures, and how groups become single faces."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from benchmarks.real import (
    Judged,
    one_face_each,
    sharpness,
    shifted_ghost,
    table,
    untouched,
)


def face(x: float, y: float, unit: float) -> np.ndarray:
    shape = np.array([(-0.5, 0), (0.5, 0), (0, 0.5), (-0.4, 1), (0.4, 1)], np.float32)
    return shape * unit + (x, y)


def test_a_group_becomes_pieces_that_leave_the_neighbour_s_face_out() -> None:
    photo = np.zeros((200, 400, 3), np.uint8)
    faces = [face(100, 80, 30), face(300, 80, 30), face(200, 20, 5)]
    pieces = one_face_each("group", photo, faces)
    assert sorted(pieces) == ["group-1", "group-2"]
    assert all(piece.shape[1] <= 165 for piece in pieces.values())
    assert one_face_each("one", photo, faces[:1])["one"] is photo


def test_untouched_is_the_share_of_the_vacated_place() -> None:
    photo = np.full((4, 4, 3), 7, np.uint8)
    vacated = np.zeros((4, 4), bool)
    assert math.isnan(untouched(photo, photo, vacated))
    vacated[:2] = True
    result = photo.copy()
    result[0] += 1
    assert untouched(result, photo, vacated) == 0.5


@pytest.mark.parametrize("asked", [-20.0, 20.0])
def test_a_blurred_trailing_half_reads_less(asked: float) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (64, 64, 3)).astype(np.uint8)
    person = np.ones((64, 64), bool)
    assert sharpness(photo, photo, person, 32, asked) == pytest.approx(1)
    flat = photo.copy()
    trailing = np.s_[:, 32:] if asked < 0 else np.s_[:, :32]
    flat[trailing] = 127
    assert sharpness(flat, photo, person, 32, asked) < 0.3


@pytest.mark.parametrize("asked", [-20.0, 20.0])
def test_an_outline_beside_a_narrow_place_reads_as_a_ghost(asked: float) -> None:
    rows, columns = np.mgrid[:256, :256]
    person = np.hypot(columns - 128, rows - 128) < 60
    wall = np.random.default_rng(0).normal(200, 2, (256, 256, 3)).clip(0, 255).astype(np.uint8)
    photo = np.where(person[..., None], np.uint8(40), wall).astype(np.uint8)
    photo = cv2.GaussianBlur(photo, (0, 0), 1.5)
    narrow, wide = (shifted_ghost(photo, wall, person, share, asked) for share in (0.01, 0.1))
    assert narrow < -0.1 and abs(wide) < abs(narrow)
    assert math.isnan(shifted_ghost(photo, wall, np.zeros_like(person), 0.01, asked))


def test_the_table_names_every_way_once() -> None:
    figures = {"vacated": 0.01, "ghost_transmission": 0.3, "seam": 1.0}
    rows = [Judged("a", way, -20, figures, 1.0) for way in ("geometry", "generator")]
    text = table(rows)
    assert text.splitlines()[0] == "| median (90%) | geometry | generator |"
    assert "ghost above .2 in 1 of 1" in text
