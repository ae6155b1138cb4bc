"""The hairs of a beard: where there is shade, darker on the whole, and none where there is none."""

from __future__ import annotations

import numpy as np

from unripple.stages.pixels.stubble import FINER, in_hairs


def shade(level: float) -> np.ndarray:
    logarithm = np.zeros((60, 50, 3), np.float32)
    logarithm[20:50, 10:40] = np.array((1.0, 1.1, 1.2)) * level
    return logarithm


def test_no_shade_has_no_hairs() -> None:
    assert not in_hairs(shade(0.0)).any()


def test_hairs_stand_where_there_is_shade_with_skin_between_them() -> None:
    hairs = in_hairs(shade(-1.0))
    assert hairs.shape == (60 * FINER, 50 * FINER, 3)
    inside = hairs[28 * FINER : 42 * FINER, 18 * FINER : 32 * FINER]
    assert -1.2 < float(inside[..., 2].mean()) < -0.6
    assert float(inside[..., 0].std()) > 0.03
    assert not hairs[: 5 * FINER].any()
    rows, columns = (np.abs(np.diff(inside[..., 0], axis=axis)).mean() for axis in (0, 1))
    assert rows < 0.5 * columns  # strokes grow downwards


def test_twice_the_shade_is_as_much_hair_twice_as_dark() -> None:
    assert np.allclose(in_hairs(shade(-1.0)), 2 * in_hairs(shade(-0.5)), atol=1e-5)
