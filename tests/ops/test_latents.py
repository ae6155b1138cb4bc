"""Laws of the edits on codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unripple.conventions import Floats, ShapeMismatch
from unripple.ops.latents import Component, moved_along, moved_to

L, W = 6, 5
RNG = np.random.default_rng(0)
CODES = RNG.standard_normal((3, L, W)).astype(np.float32)
AXIS = (lambda v: v / np.linalg.norm(v))(RNG.standard_normal(W)).astype(np.float32)
COMPONENT = Component(RNG.standard_normal(W).astype(np.float32), AXIS, 0.7)


def place(code: Floats) -> Floats:
    """Where a code lies on the component."""
    at: Floats = (code - COMPONENT.mean) @ COMPONENT.axis / COMPONENT.spread
    return at


def test_no_degree_changes_no_bit() -> None:
    assert np.array_equal(moved_along(CODES, AXIS, 0.0), CODES)


@pytest.mark.parametrize("shape", [(W,), (1, W), (L, W), (1, L, W)])
def test_directions_of_all_published_shapes_move_every_sample(shape: tuple[int, ...]) -> None:
    direction = np.broadcast_to(AXIS, shape)
    moved = moved_along(CODES, direction, -1.5, first_code=1, end_code=4)
    assert np.array_equal(moved[:, [0, 4, 5]], CODES[:, [0, 4, 5]])
    steps = np.broadcast_to(-1.5 * AXIS, (3, 3, W))
    np.testing.assert_allclose(moved[:, 1:4] - CODES[:, 1:4], steps, atol=1e-6)


def test_every_row_of_a_direction_moves_its_own_code() -> None:
    direction = RNG.standard_normal((L, W)).astype(np.float32)
    moved = moved_along(CODES, direction, 2.0)
    np.testing.assert_allclose(
        moved - CODES, np.broadcast_to(2 * direction, CODES.shape), atol=1e-5
    )


@given(st.floats(-20, 20))
def test_code_0_arrives_at_the_place_wherever_it_starts(wanted: float) -> None:
    moved = moved_to(CODES, COMPONENT, wanted, first_code=0, end_code=2)
    np.testing.assert_allclose(place(moved[:, 0]), np.full(3, wanted), atol=1e-4)
    again = moved_to(moved, COMPONENT, wanted, first_code=0, end_code=2)
    np.testing.assert_allclose(again, moved, atol=1e-4)


def test_other_codes_take_the_step_of_code_0() -> None:
    step = moved_to(CODES, COMPONENT, 3.0, first_code=0, end_code=1)[:, 0] - CODES[:, 0]
    moved = moved_to(CODES, COMPONENT, 3.0, first_code=2, end_code=4)
    assert np.array_equal(moved[:, [0, 1, 4, 5]], CODES[:, [0, 1, 4, 5]])
    for code in (2, 3):
        np.testing.assert_allclose(moved[:, code] - CODES[:, code], step, atol=1e-5)


def test_samples_do_not_see_each_other() -> None:
    together = moved_to(CODES, COMPONENT, 3.0, first_code=2, end_code=4)
    for sample, moved in zip(CODES, together, strict=True):
        alone = moved_to(sample, COMPONENT, 3.0, first_code=2, end_code=4)
        np.testing.assert_allclose(alone, moved, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(W + 1,), (L + 1, W), (2, W), (2, L, W)])
def test_a_direction_of_another_generator_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match="another generator"):
        moved_along(CODES, np.zeros(shape, np.float32), 1.0)


def test_a_component_of_another_generator_is_an_error() -> None:
    wide = Component(np.zeros(W + 1), np.zeros(W + 1), 1.0)
    with pytest.raises(ShapeMismatch, match="width"):
        moved_to(CODES, wide, 1.0, first_code=0, end_code=1)
