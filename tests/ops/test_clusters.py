"""The nearer cluster is the nearer one."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from unripple.conventions import BadPhoto
from unripple.ops.clusters import core_foreground, core_threshold, nearer_cluster


def scene(near: float, far: float) -> tuple[np.ndarray, np.ndarray]:
    person = np.zeros((32, 32), np.bool_)
    person[8:, 10:22] = True
    noise = np.random.default_rng(0).normal(0, 0.02, (32, 32))
    return person, (np.where(person, near, far) + noise).astype(np.float32)


@pytest.mark.parametrize(("near", "far"), [(1.0, 0.2), (-0.2, -1.0), (300.2, 299.2), (0.4, 0.0)])
def test_foreground_is_what_is_near_whatever_the_cluster_numbers(near: float, far: float) -> None:
    person, depths = scene(near, far)
    assert np.array_equal(nearer_cluster(depths), person)


def test_a_tiny_foreground_is_found() -> None:
    depths = np.zeros((64, 64), np.float32)
    depths[3, 5] = 1
    assert np.argwhere(nearer_cluster(depths)).tolist() == [[3, 5]]


@pytest.mark.parametrize("level", [0.0, 5.0, -3.0])
def test_a_flat_map_has_no_foreground(level: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # K-means on one distinct value would warn
        assert not nearer_cluster(np.full((8, 8), level, np.float32)).any()


def test_scale_and_shift_do_not_matter() -> None:
    _, depths = scene(1.0, 0.3)
    assert np.array_equal(nearer_cluster(depths), nearer_cluster(7 * depths + 11))


def test_nan_is_refused() -> None:
    with pytest.raises(BadPhoto, match="nan"):
        nearer_cluster(np.array([[0.0, np.nan]], np.float32))


def best_cut(depths: np.ndarray) -> float:
    """The threshold of the cut with the least sum of squares, every one of them tried."""
    flat = np.sort(depths.astype(np.float64).ravel())
    below, total = flat.cumsum()[:-1], flat.sum()
    number = np.arange(1, flat.size)
    apart = below / number - (total - below) / (flat.size - number)
    best = (number * (flat.size - number) * apart**2).argmax() + 1
    return float(flat[best:].mean())


def nearer_by_kmeans(depths: np.ndarray) -> np.ndarray:
    """The nearer cluster by K-means on every pixel, the best of ten starts."""
    # tol 0: by itself scikit-learn stops a little before the border between the two settles
    kmeans = KMeans(n_clusters=2, n_init=10, tol=0, max_iter=1000, random_state=0)
    near = kmeans.fit(depths.reshape(-1, 1)).labels_ == kmeans.cluster_centers_[:, 0].argmax()
    return near.reshape(depths.shape)


def kmeans_threshold(depths: np.ndarray) -> float:
    """The mean of that cluster."""
    return float(depths[nearer_by_kmeans(depths)].astype(np.float64).mean())


def maps() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    hill = np.exp(-(((np.mgrid[:48, :48] - 24) / 12.0) ** 2).sum(0))
    return [
        scene(1.0, 0.2)[1],
        scene(300.2, 299.2)[1],
        hill + 0.05 * rng.normal(size=hill.shape),
        rng.gamma(0.6, 3.0, (48, 48)),
        np.concatenate([rng.normal(0, 1, 2000), rng.normal(9, 3, 304)]).reshape(48, 48),
    ]


@pytest.mark.parametrize("number", range(5))
def test_the_clusters_are_the_best_and_those_of_kmeans_on_all_pixels(number: int) -> None:
    depths = maps()[number].astype(np.float32)
    assert core_threshold(depths) == pytest.approx(best_cut(depths), rel=1e-12)
    assert core_threshold(depths) == pytest.approx(kmeans_threshold(depths), rel=1e-6)
    assert np.array_equal(core_foreground(depths), depths >= best_cut(depths))
    assert np.array_equal(nearer_cluster(depths), nearer_by_kmeans(depths))


@given(
    st.lists(st.integers(0, 6), min_size=2, max_size=40),
    st.sampled_from([1.0, 1e-3, 0.1, 7e5]),
    st.sampled_from([0.0, -3.0, 1e4]),
)
@settings(deadline=None, max_examples=150)
def test_the_best_cut_is_found_whatever_the_depths(
    levels: list[int], scale: float, shift: float
) -> None:
    depths = np.array([levels]) ** 1.5 * scale + shift
    if depths.max() - depths.min() > 1e-3 * np.abs(depths).max():
        found, wanted = core_threshold(depths), best_cut(depths)
        tied = abs(squares(depths, found) - squares(depths, wanted)) < 1e-9 * squares(depths)
        assert found == pytest.approx(wanted, rel=1e-9) or tied
        assert core_foreground(depths).any()


def squares(depths: np.ndarray, threshold: float | None = None) -> float:
    """Sum of squares about the mean, or about those of the clusters of a threshold."""
    flat = np.sort(depths.ravel())
    if threshold is None:
        return float(flat.var() * flat.size)
    cuts = range(1, flat.size)
    cut = min(cuts, key=lambda cut: abs(flat[cut:].mean() - threshold))
    return float(flat[:cut].var() * cut + flat[cut:].var() * (flat.size - cut))


@pytest.mark.parametrize("level", [0.1, 1 / 3, 0.7, 5.3])
def test_equal_depths_are_no_nearer_than_themselves(level: float) -> None:
    depths = np.full((50, 50), level)
    depths[:20] = 0.01
    assert np.array_equal(core_foreground(depths), depths == level)


def test_a_bad_start_does_not_matter() -> None:
    """Two heavy far levels and a light near one: K-means may stop too early."""
    depths = np.repeat([0.0, 4.0, 10.0], [500, 480, 44]).reshape(32, 32)
    assert core_threshold(depths) == pytest.approx(best_cut(depths), rel=1e-12)


def test_the_core_is_at_least_as_near_as_the_mean_of_the_nearer_cluster() -> None:
    depths = np.array([[0.0, 0.1, 0.0, 5.0, 6.0, 7.0]])
    assert core_threshold(depths) == 6
    assert core_foreground(depths).tolist() == [[False] * 4 + [True] * 2]


@pytest.mark.parametrize("level", [0.0, 5.0, -3.0])
def test_all_of_a_flat_map_is_the_core(level: float) -> None:
    assert core_foreground(np.full((8, 8), level, np.float32)).all()


def test_nan_has_no_core() -> None:
    with pytest.raises(BadPhoto, match="nan"):
        core_threshold(np.array([[0.0, np.nan]], np.float32))
