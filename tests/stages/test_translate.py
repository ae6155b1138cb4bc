"""translate: codes move along directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unripple.conventions import ShapeMismatch
from unripple.ops.latents import Component
from unripple.stages.translate import translate

CODES = np.arange(12, dtype=np.float32).reshape(4, 3)
DIRECTION = np.array([1.0, -2.0, 0.5])


def test_degree_zero_changes_no_bit() -> None:
    assert translate(CODES, DIRECTION, 0.0).tobytes() == CODES.tobytes()


@given(st.integers(-8, 8), st.integers(-8, 8))
def test_degrees_add_up(one: int, other: int) -> None:
    twice = translate(translate(CODES, DIRECTION, one), DIRECTION, other)
    assert np.array_equal(twice, translate(CODES, DIRECTION, one + other))


def test_one_direction_for_all_codes_or_one_each() -> None:
    broadcast = translate(CODES, DIRECTION, 3.0)
    assert np.array_equal(broadcast, CODES + 3 * DIRECTION)
    each = np.arange(12.0).reshape(4, 3)
    assert np.array_equal(translate(CODES, each, -1.0), np.zeros((4, 3)))
    assert CODES[0, 1] == 1  # the argument is left alone


def test_only_the_chosen_codes_move() -> None:
    moved = translate(CODES, DIRECTION, 1.0, first_code=1, end_code=3)
    assert np.array_equal(moved[[0, 3]], CODES[[0, 3]])
    assert np.array_equal(moved[1:3], CODES[1:3] + DIRECTION)


def test_a_direction_may_come_with_a_batch_of_one() -> None:
    each = np.arange(12.0).reshape(1, 4, 3)
    assert np.array_equal(translate(CODES, each, -1.0), translate(CODES, each[0], -1.0))


def test_a_component_is_a_place_to_go_to() -> None:
    axis = np.array([0.6, 0.8, 0.0], np.float32)
    component = Component(mean=np.zeros(3, np.float32), axis=axis, spread=2.0)
    moved = translate(CODES, component, 5.0)
    assert moved[0] @ axis == pytest.approx(10.0)
    assert translate(moved, component, 5.0) == pytest.approx(moved, abs=1e-5)
    late = translate(CODES, component, 5.0, first_code=2)
    assert np.array_equal(late[:2], CODES[:2]) and not np.array_equal(late[2:], CODES[2:])


@pytest.mark.parametrize("shape", [(2,), (3, 3), (2, 4, 3)])
def test_foreign_directions_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match="another generator"):
        translate(CODES, np.zeros(shape), 1.0)


@pytest.mark.parametrize("codes", [(4, None), (0, 5), (2, 2), (-1, None), (3, 1)])
def test_codes_that_are_none_are_refused(codes: tuple[int, int | None]) -> None:
    with pytest.raises(ShapeMismatch, match="this generator has 4"):
        translate(CODES, DIRECTION, 1.0, first_code=codes[0], end_code=codes[1])
