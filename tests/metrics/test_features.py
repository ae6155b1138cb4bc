"""Distances of vectors: FID, KID, and StyleFeatureEditor's id_vit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from unripple.conventions import Floats, ShapeMismatch
from unripple.metrics.features import frechet_distance, id_vit_distance, kernel_distance


def vectors(count: int, length: int = 12, shift: float = 0.0, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    mixed = np.random.default_rng(99).standard_normal((length, length))
    return (rng.standard_normal((count, length)) @ mixed + shift).astype(np.float32)


def test_a_set_is_no_way_from_itself() -> None:
    one = vectors(40)
    assert frechet_distance(one, one[::-1]) == pytest.approx(0, abs=1e-4)


def test_the_frechet_distance_is_that_of_the_matrix_root() -> None:
    one, other = vectors(200), vectors(300, shift=0.3, seed=1)
    a, b = (np.cov(set_.astype(np.float64), rowvar=False) for set_ in (one, other))
    step = one.astype(np.float64).mean(0) - other.astype(np.float64).mean(0)
    wanted = step @ step + np.trace(a + b - 2 * linalg.sqrtm(a @ b).real)
    assert frechet_distance(one, other) == pytest.approx(wanted, rel=1e-8)


def test_few_pictures_have_a_distance_too() -> None:
    """Their covariances have no inverse, where the matrix root fails or is not real."""
    one, other = vectors(3, 40), vectors(4, 40, shift=1.0, seed=1)
    distance = frechet_distance(one, other)
    assert np.isfinite(distance) and distance > 0


def test_one_direction_is_a_distance_of_normal_numbers() -> None:
    one, other = (np.array([[v] for v in values]) for values in ([0.0, 2.0], [5.0, 9.0]))
    assert frechet_distance(one, other) == pytest.approx(36 + (np.sqrt(2) - np.sqrt(8)) ** 2)


def test_kid_has_no_bias_for_small_sets() -> None:
    apart = [
        kernel_distance(vectors(8, seed=2 * n), vectors(8, seed=2 * n + 1)) for n in range(200)
    ]
    assert abs(np.mean(apart)) < 3 * np.std(apart) / np.sqrt(len(apart))
    assert kernel_distance(vectors(50), vectors(60, shift=1.0, seed=1)) > 0


def test_kid_counts_every_pair_once() -> None:
    one, other = vectors(3, 4).astype(np.float64), vectors(2, 4, seed=1).astype(np.float64)

    def kernel(x: Floats, y: Floats) -> float:
        return float((x @ y / 4 + 1) ** 3)

    within = np.mean([kernel(one[i], one[j]) for i in range(3) for j in range(3) if i != j])
    within += np.mean([kernel(other[i], other[j]) for i in range(2) for j in range(2) if i != j])
    between = np.mean([kernel(x, y) for x in one for y in other])
    assert kernel_distance(one, other) == pytest.approx(within - 2 * between)


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance])
def test_sets_that_do_not_fit_are_refused(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(ShapeMismatch, match=r"\[3, 4\] and \[3, 5\]"):
        measure(np.zeros((3, 4)), np.zeros((3, 5)))
    with pytest.raises(ShapeMismatch, match="at least two, got 1 and 3"):
        measure(np.zeros((1, 4)), np.zeros((3, 4)))


def test_id_vit_is_ten_thousand_times_the_mean_square() -> None:
    assert id_vit_distance(np.array([1.0, 2.0]), np.array([1.0, 2.1])) == pytest.approx(50)
