"""Faces that lie in the dark or on their side are found by looking again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.tiny import picture
from unripple.conventions import Landmarks, Photo
from unripple.io.photo import read_photo
from unripple.ops.geometry import apply
from unripple.stages.face_search import faces_by_mtcnn, second_looks
from unripple.zoo.zoo import Zoo

PHOTOS = Path(__file__).resolve().parents[3] / "data" / "photos"


@pytest.fixture(scope="module")
def mtcnn() -> Any:
    return Zoo("embedded", "cpu").load("mtcnn").net


@pytest.fixture(scope="module")
def photo() -> Photo:
    return read_photo(PHOTOS / "portrait-01.png").srgb


@pytest.fixture(scope="module")
def face(mtcnn: Any, photo: Photo) -> Landmarks:
    (face,) = faces_by_mtcnn(photo, mtcnn)
    return face


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_face_on_its_side_or_head_is_found_where_it_is(
    mtcnn: Any, photo: Photo, face: Landmarks, quarters: int
) -> None:
    turned = np.ascontiguousarray(np.rot90(photo, quarters))
    assert faces_by_mtcnn(turned, mtcnn) == []
    (found,) = second_looks.second_looks(turned, mtcnn)
    height, width = photo.shape[:2]
    x, y = face.T
    expected = ((y, width - x), (width - x, height - y), (height - y, x))[quarters - 1]
    eyes = np.linalg.norm(face[1] - face[0])
    assert np.abs(found - np.stack(expected, 1)).max() < 0.1 * eyes


def test_a_face_in_the_dark_is_found(mtcnn: Any, photo: Photo, face: Landmarks) -> None:
    night = (photo // 16).astype(np.uint8)
    assert faces_by_mtcnn(night, mtcnn) == []
    (found,) = second_looks.second_looks(night, mtcnn)
    assert np.abs(found - face).max() < 0.1 * np.linalg.norm(face[1] - face[0])


def test_nothing_is_seen_in_noise_or_on_a_wall(mtcnn: Any) -> None:
    assert second_looks.second_looks(picture(3, 96), mtcnn) == []
    assert second_looks.second_looks(np.full((80, 120, 3), 90, np.uint8), mtcnn) == []


@pytest.mark.parametrize("degrees", [30, -60, 90, 180])
def test_a_turned_picture_is_whole_and_leads_back(degrees: int) -> None:
    spot = np.zeros((60, 100, 3), np.uint8)
    spot[10:13, 70:73] = 255  # around (71.5, 11.5), counted from the corner
    turned, back = second_looks.upright(spot, degrees)
    rows, columns = np.nonzero(turned[..., 0] > 140)
    middle = np.array((columns.mean(), rows.mean())) + 0.5
    assert np.abs(apply(back, middle) - (71.5, 11.5)).max() < 0.3
    assert turned.shape[0] * turned.shape[1] >= 6000


def test_light_is_stretched_to_the_whole_range() -> None:
    dim = cv2.GaussianBlur(picture(1, 64), (5, 5), 0) // 8 + 3
    lit = second_looks.well_lit(dim)
    low, middle, high = np.percentile(cv2.cvtColor(lit, cv2.COLOR_RGB2GRAY), (1, 50, 99))
    assert low < 40 and high > 200 and 70 < middle < 180
