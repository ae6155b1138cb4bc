"""Pose and likeness."""

from __future__ import annotations

import math

import numpy as np
import pytest

from unripple.metrics.subject import SameFace, cosine, identity, yaw_error


@pytest.mark.parametrize(
    ("achieved", "asked", "error"),
    [(18, 20, -2), (-25, -20, -5), (179, -179, -2), (20, 20, 0)],
)
def test_yaw_error_is_achieved_minus_asked(achieved: float, asked: float, error: float) -> None:
    assert yaw_error(achieved, asked) == pytest.approx(error)


def test_cosine() -> None:
    one = np.array([3.0, 4.0])
    assert cosine(one, 7 * one) == pytest.approx(1)
    assert cosine(one, np.array([-4.0, 3.0])) == pytest.approx(0)
    assert math.isnan(cosine(one, np.zeros(2)))


@pytest.mark.parametrize(("turn", "expected"), [(0, 0.9), (-20, 0.7), (10, 0.8), (80, 0.5)])
def test_identity_is_relative_to_true_pairs_at_that_turn(turn: float, expected: float) -> None:
    pairs = SameFace(np.array([0.0, 20.0, 40.0]), np.array([0.9, 0.7, 0.5]))
    one, other = np.array([1.0, 0.0]), np.array([0.6, 0.8])
    found = identity(one, other, yaw_change_deg=turn, same_face=pairs)
    assert found == pytest.approx(0.6 - expected)
