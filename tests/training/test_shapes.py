"""How lips move: each edge as it does, and no point between them that would join both."""

from __future__ import annotations

import numpy as np

from unripple.faceworld.factors import sample_factors
from unripple.training.shapes import (
    LIP_ARCS,
    WORDS,
    fit,
    mean_lips,
    off_lips,
    on_lips,
    with_lips,
)

UPPER, LOWER, ABOVE, BELOW = 13, 14, 0, 17


def _mesh() -> np.ndarray:
    mesh = np.zeros((468, 3))
    for numbers in LIP_ARCS:
        mesh[list(numbers), 0] = np.linspace(-0.27, 0.27, len(numbers))
    return on_lips(mesh)


def test_an_open_mouth_parts_the_inner_edges() -> None:
    fitted = fit(WORDS["mouth_open"], sample_factors(4, 5))
    moved = with_lips(np.zeros((468, 6)), _mesh(), fitted)[:, 1]  # down
    assert moved[UPPER] < -0.005 < 0.01 < moved[LOWER]


def test_full_lips_move_their_outer_edges_alone() -> None:
    fitted = fit(WORDS["lips"], sample_factors(4, 5))
    moved = with_lips(np.zeros((468, 6)), _mesh(), fitted)[:, 1]
    assert moved[ABOVE] < -0.01 < 0.01 < moved[BELOW]
    assert np.abs(moved[[UPPER, LOWER]]).max() < 1e-6


def test_no_point_of_the_surface_lies_on_the_lips() -> None:
    middle = np.array([[0.0, mean_lips()[1][7, 1], 0.8], [0.0, -0.5, 0.8]])
    assert off_lips(middle).tolist() == [middle[1].tolist()]
