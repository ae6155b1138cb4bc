"""Laws of hair made lighter: what stays, what no longer burns out, and how deep strands look."""

from __future__ import annotations

import numpy as np

from unripple.conventions import Floats
from unripple.ops.recolour import LUMINANCE, recoloured
from unripple.ops.strands import lightened

BLACK = np.array((0.012, 0.01, 0.011))
BLOND = np.array((0.6, 0.36, 0.12))
SIDE = 48


def _hair(shine: float = 1.0) -> tuple[Floats, Floats]:
    """Strands of black hair with a band of shine, and their share: the middle columns."""
    rng = np.random.default_rng(0)
    pattern = np.exp(0.4 * rng.standard_normal((1, SIDE, 1))) * np.ones((SIDE, 1, 1))
    pattern[20:26] *= shine
    share = np.zeros((SIDE, SIDE), np.float32)
    share[:, 8:40] = 1
    return (pattern * BLACK).astype(np.float32), share


def _blond(light: Floats, share: Floats) -> Floats:
    return lightened(light, share, BLACK, BLOND, coarse_px=3, pure=light)


def test_beside_hair_nothing_changes() -> None:
    light, share = _hair()
    assert np.array_equal(_blond(light, share)[share == 0], light[share == 0])


def test_hair_that_gets_no_lighter_is_recoloured_as_any_part() -> None:
    light, share = _hair()
    made = lightened(light, share, BLACK, BLACK / 2, coarse_px=3, pure=light)
    plain = recoloured(light, share, BLACK, BLACK / 2, coarse_px=3, pure=light)
    assert np.array_equal(made, plain)


def test_shine_on_black_hair_does_not_burn_out_on_blond() -> None:
    light, share = _hair(shine=8.0)
    bright = _blond(light, share)[20:26, 16:32] @ LUMINANCE
    beside = _blond(light, share)[30:40, 16:32] @ LUMINANCE
    # Multiplied up it would be 8 times as bright as the hair beside it, as it was.
    assert 1.2 < np.median(bright) / np.median(beside) < 4


def test_what_strands_reflect_stays_as_bright_as_it_was() -> None:
    light, share = _hair()
    light[24, 24] = 0.95
    assert (_blond(light, share)[24, 24] > 0.9).all()


def test_deep_strands_have_more_colour() -> None:
    light, share = _hair()
    made = _blond(light, share)[5:15, 14:34]
    bright = made @ LUMINANCE
    warmth = made[..., 0] / made[..., 2]
    deep, shallow = bright < np.quantile(bright, 0.2), bright > np.quantile(bright, 0.8)
    assert warmth[deep].mean() > 1.05 * warmth[shallow].mean()
