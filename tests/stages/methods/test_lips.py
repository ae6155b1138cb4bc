"""Lips of rendered faces lie where the parser sees them; without both lips the mesh stays."""

from __future__ import annotations

import numpy as np

from unripple.conventions import Face, Floats, Labels
from unripple.stages.pixels.lips import with_lips_of

SIZE = 128
ROWS = {"upper": (76, 80), "lower": (82, 87)}
EDGES = (
    (0, 77.0, (185, 40, 39, 37, 0, 267, 269, 270, 409)),
    (1, 80.0, (191, 80, 81, 82, 13, 312, 311, 310, 415)),
    (2, 82.0, (95, 88, 178, 87, 14, 317, 402, 318, 324)),
    (3, 87.0, (146, 91, 181, 84, 17, 314, 405, 321, 375)),
)


def _labels() -> Labels:
    labels = np.full((SIZE, SIZE), Face.SKIN, np.uint8)
    labels[slice(*ROWS["upper"]), 50:78] = Face.UPPER_LIP
    labels[slice(*ROWS["lower"]), 50:78] = Face.LOWER_LIP
    return labels


def _mesh(off_px: float) -> Floats:
    mesh = np.full((468, 2), 20.0)
    mesh[61], mesh[291] = (50.0, 81.0), (78.0, 81.0)
    for _, height, numbers in EDGES:
        mesh[list(numbers), 0] = np.linspace(53, 75, len(numbers))
        mesh[list(numbers), 1] = height + off_px
    return mesh


def test_lips_move_to_where_the_parser_sees_them() -> None:
    moved = with_lips_of(_labels(), _mesh(-3.0))
    for _, height, numbers in EDGES:
        assert abs(moved[numbers[4], 1] - height) < 0.7
    assert np.array_equal(moved[[61, 291, 200]], _mesh(-3.0)[[61, 291, 200]])


def test_without_both_lips_the_mesh_stays() -> None:
    labels = _labels()
    labels[labels == Face.UPPER_LIP] = Face.SKIN
    mesh = _mesh(-3.0)
    assert with_lips_of(labels, mesh) is mesh
