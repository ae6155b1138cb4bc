"""Shares, thresholds and centres of directions that nobody planted."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.ops.directions import boundary, closed_form_modes, principal_modes

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(300, 6))


def test_the_shares_of_all_modes_are_one() -> None:
    assert sum(mode.weight for mode in principal_modes(CODES, 6)) == pytest.approx(1)
    weights = [RNG.normal(size=(9, 6)), 3 * RNG.normal(size=(4, 6))]
    assert sum(mode.weight for mode in closed_form_modes(weights, 6)) == pytest.approx(1)


def test_where_the_codes_lie_does_not_turn_their_axes() -> None:
    """Each entry has a mean of its own; one for all would leave the cloud off its centre."""
    scaled = CODES * (1, 2, 3, 4, 5, 6)
    moved = scaled + np.array([100, -40, 0, 7, 60, -90])
    for one, other in zip(principal_modes(scaled, 6), principal_modes(moved, 6), strict=True):
        assert other.axis == pytest.approx(one.axis, abs=1e-9)
        assert other.weight == pytest.approx(one.weight)


def test_thirds_are_taken_of_more_than_two_values_and_the_middle_one_is_left_out() -> None:
    """Where the middle third points the other way, a plane between the halves would be another."""
    third = np.arange(300) % 3
    codes = CODES.copy()
    codes[:, 0] = np.where(third == 1, -4.0, third - 1.0) + 0.1 * RNG.normal(size=300)
    normal, accuracy = boundary(codes, third.astype(float))
    assert normal[0] > 0.99 and accuracy == 1


def test_the_accuracy_is_that_on_codes_that_were_not_learned() -> None:
    """Labels by chance: what was learned by heart is right, what was not is right half the time."""
    values = RNG.integers(0, 2, 60).astype(float)
    codes = RNG.normal(size=(60, 200))
    _, accuracy = boundary(codes, values)
    assert 0.1 < accuracy < 0.9
