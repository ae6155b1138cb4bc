"""Feature points lie on the features, and move as the factors say."""

from __future__ import annotations

import torch

from unripple.faceworld import anatomy, with_factors
from unripple.faceworld.feature_points import PARTS, feature_points, mean_factors
from unripple.faceworld.shape import shape_from_factors


def test_points_lie_on_the_head() -> None:
    points = feature_points(mean_factors())
    k = shape_from_factors(mean_factors(), torch.zeros(1, 3))
    x, y, z = points.place.unbind(-1)
    parts = anatomy.head(x, y, z, k)
    away = torch.minimum(parts.skin, parts.eye)[0].abs()
    on_skin = points.part != PARTS.index("outline")
    assert float(away[on_skin].max()) < 0.05


def test_both_sides_are_alike() -> None:
    place = feature_points(mean_factors()).place[0]
    assert abs(float(place[:, 0].sum())) < 1e-3


def test_a_factor_moves_its_own_points_and_no_others() -> None:
    before = feature_points(mean_factors())
    after = feature_points(with_factors(mean_factors(), brow_raise=0.6))
    moved = (after.place - before.place)[0]
    assert float(moved[before.part == PARTS.index("brows"), 1].mean()) > 0.02
    for still in ("mouth", "still"):
        assert float(moved[before.part == PARTS.index(still)].abs().max()) < 2e-3
