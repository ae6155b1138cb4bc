"""Faces cut out as dlib wants them."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.ops.chips import _PADDING, _PLACES, _POINTS, chip, similarity


@pytest.mark.parametrize("turn_deg", [0.0, 35.0, -170.0])
def test_a_similarity_comes_back(turn_deg: float) -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))
    cos, sin = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    affine = np.array([[2.5 * cos, -2.5 * sin, 7.0], [2.5 * sin, 2.5 * cos, -3.0]])
    found = similarity(points, points @ affine[:, :2].T + affine[:, 2])
    assert found == pytest.approx(affine)


def test_the_points_lie_where_dlib_has_them() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    mesh = np.zeros((468, 3))
    places = 30 + 120 * (_PLACES + _PADDING) / (1 + 2 * _PADDING)
    mesh[list(_POINTS), :2] = places
    for x, y in places:
        picture[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2] = 255
    cut = chip(picture, mesh, size_px=150)
    assert cut.shape == (150, 150, 3)
    for x, y in (_PLACES + _PADDING) / (1 + 2 * _PADDING) * 150:
        assert cut[int(y), int(x)].min() > 150
