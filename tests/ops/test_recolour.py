"""Laws of colouring: what keeps its bytes, what becomes of means and patterns."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.ops import recolour
from unripple.ops.recolour import Contrast

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(40, 120, (48, 48, 3), dtype=np.uint8)
SHARE = np.zeros((48, 48), np.float32)
SHARE[12:36, 12:36] = 1


def test_light_and_levels_undo_each_other() -> None:
    assert np.abs(recolour.to_levels(recolour.to_linear(PHOTO)) - PHOTO).max() < 1e-3


def test_beside_the_part_nothing_changes() -> None:
    light = recolour.to_linear(PHOTO)
    mean = recolour.mean_colour(light, SHARE)
    made = recolour.recoloured(light, SHARE, mean, mean * 3, coarse_px=2)
    assert np.array_equal(made[SHARE == 0], light[SHARE == 0])


def test_the_mean_becomes_what_was_asked() -> None:
    light = recolour.to_linear(PHOTO)
    asked = np.array([0.4, 0.2, 0.1])
    made = recolour.recoloured(light, SHARE, recolour.mean_colour(light, SHARE), asked, coarse_px=2)
    assert recolour.mean_colour(made, SHARE) == pytest.approx(asked, rel=0.25)


def test_the_pattern_follows_the_contrast() -> None:
    light = recolour.to_linear(PHOTO)
    mean = recolour.mean_colour(light, SHARE)

    def spread(contrast: Contrast) -> float:
        made = recolour.recoloured(light, SHARE, mean, mean, contrast=contrast, coarse_px=2)
        return float(np.log(made[14:34, 14:34] @ recolour.LUMINANCE).std())

    plain = spread(Contrast())
    assert spread(Contrast(1.0, 2.0)) > 1.5 * plain
    assert spread(Contrast(0.5, 0.5)) == pytest.approx(0.5 * plain, rel=0.2)


def test_a_guided_mask_keeps_to_the_pictures_edges() -> None:
    guide = np.zeros((48, 48, 3), np.float32)
    guide[:, 20:] = 200
    rough = np.zeros((48, 48), np.float32)
    rough[:, 18:] = 1  # two columns off
    found = recolour.guided(rough, guide, 4, 8.0)
    assert found[:, 18].mean() < 0.55 < found[:, 22].mean()


def test_a_mixture_is_no_brighter_than_what_it_is_mixed_of() -> None:
    hair, skin = np.full(3, 0.02, np.float32), np.full(3, 0.5, np.float32)
    share = np.repeat(np.linspace(0, 1, 48, dtype=np.float32)[None], 48, axis=0)
    light = share[..., None] * hair + (1 - share[..., None]) * skin
    pure = np.broadcast_to(hair, light.shape).copy()
    made = recolour.recoloured(light, share, hair, hair * 10, coarse_px=2, pure=pure)
    assert np.allclose(made[share == 0], skin)
    assert np.allclose(made[share == 1], hair * 10, atol=1e-3)
    assert (made <= np.maximum(light, hair * 10) + 1e-4).all()
    assert (made >= light - 1e-4).all()


def test_highlights_of_skin_get_darker_with_it_and_stay_the_brightest() -> None:
    light = np.full((32, 32, 3), (0.45, 0.32, 0.26), np.float32)
    light[14:16, 14:16] = (0.9, 0.85, 0.82)  # of fewer pixels than hair's brightest strands
    before, share = light[0, 0].astype(np.float64), np.ones((32, 32), np.float32)
    made = recolour.recoloured(light, share, before, before / 4, coarse_px=3.0, shines=True)
    assert (made[15, 15] < 0.6 * light[15, 15]).all()
    assert (made[15, 15] > 1.5 * made[0, 0]).all()
