"""Directions in latent spaces: planted ones are found, others are left alone."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from unripple.ops.directions import (
    Machine,
    TooFewLabels,
    boundary,
    closed_form_modes,
    conditioned,
    principal_modes,
    reader,
)

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(600, 12)) * np.linspace(0.5, 2, 12)
ONE, OTHER = RNG.normal(size=(2, 12))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("machine", get_args(Machine))
@pytest.mark.parametrize("switch", [False, True])
def test_a_planted_boundary_is_found(machine: Machine, switch: bool) -> None:
    values = CODES @ ONE
    normal, accuracy = boundary(CODES, (values > 0).astype(float) if switch else values, machine)
    assert np.linalg.norm(normal) == pytest.approx(1)
    assert cosine(normal, ONE) > 0.93 and accuracy > 0.93


def test_unknown_labels_are_left_out() -> None:
    values = CODES @ ONE
    holes = np.where(np.arange(600) % 3 == 0, np.nan, values)
    assert cosine(boundary(CODES, holes)[0], ONE) > 0.93
    assert cosine(reader(CODES, holes), ONE) > 0.99


@pytest.mark.parametrize("values", [np.zeros(600), np.full(600, np.nan), np.eye(600)[0]])
def test_labels_of_one_side_are_an_error(values: np.ndarray) -> None:
    with pytest.raises(TooFewLabels, match="wanted 10 of each"):
        boundary(CODES, values)


def test_conditioned_normals_do_not_move_the_others() -> None:
    unit = conditioned(ONE, [OTHER])
    assert abs(unit @ OTHER) < 1e-12 and unit @ ONE > 0
    assert cosine(conditioned(ONE, []), ONE) == pytest.approx(1)


def test_principal_modes_are_the_axes_of_most_variance_in_order() -> None:
    modes = principal_modes(CODES, 3)
    assert [int(np.abs(mode.axis).argmax()) for mode in modes] == [11, 10, 9]
    assert modes[0].weight > modes[1].weight > modes[2].weight
    axes = np.stack([mode.axis for mode in modes])
    assert np.allclose(axes @ axes.T, np.eye(3))
    assert sum(mode.weight for mode in principal_modes(CODES, 99)) == pytest.approx(1)


def test_closed_form_modes_change_the_features_most() -> None:
    weights = [RNG.normal(size=(8, 12)), RNG.normal(size=(5, 12))]
    first, *_, last = closed_form_modes(weights, 12)
    change = [np.square(np.concatenate(weights) @ mode.axis).sum() for mode in (first, last)]
    anything = np.square(np.concatenate(weights) @ (ONE / np.linalg.norm(ONE))).sum()
    assert change[0] > anything > change[1]
    assert first.weight > last.weight


def test_signs_are_settled() -> None:
    assert all(m.axis[np.abs(m.axis).argmax()] > 0 for m in principal_modes(-CODES, 5))
