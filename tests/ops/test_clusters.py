"""The nearer cluster is the nearer one."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from unripple.ops.clusters import nearer_cluster


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
    with pytest.raises(ValueError, match="nan"):
        nearer_cluster(np.array([[0.0, np.nan]], np.float32))
