"""What is drawn between parted lips: teeth above, darkness below and at the corners."""

from __future__ import annotations

import numpy as np

from unripple.ops.recolour import LUMINANCE
from unripple.ops.teeth import mouth_colour

HIGH, WIDE = 40, 81
GAP = 0.05
ABOVE = np.linspace(0, GAP, HIGH)[:, None].repeat(WIDE, 1)
ACROSS = np.linspace(-1, 1, WIDE)[None].repeat(HIGH, 0)


def bright(*, lift: float = 0.01, light: float = 0.5) -> np.ndarray:
    teeth, skin = np.full(3, light), np.array((0.5, 0.33, 0.25)) * 2 * light
    drawn: np.ndarray = mouth_colour(ACROSS, ABOVE, GAP - ABOVE, lift, teeth, skin) @ LUMINANCE
    return drawn


def test_upper_teeth_are_bright_and_what_is_below_them_and_at_the_corners_is_dark() -> None:
    seen = bright()
    row = int(0.35 * HIGH)
    assert seen[row, WIDE // 2 + 3] > 0.15
    assert seen[int(0.75 * HIGH), 30:50].max() < 0.05
    assert seen[:, :5].max() < 0.05 and seen[:, -5:].max() < 0.05
    assert seen[0, WIDE // 2 + 3] < 0.5 * seen[row, WIDE // 2 + 3]  # the lip's shadow


def test_teeth_are_alike_on_both_sides_and_hang_from_the_lip_that_is_lifted() -> None:
    assert np.allclose(bright(), bright()[:, ::-1], atol=1e-4)
    assert (bright(lift=0.015) > 0.1).sum() > (bright(lift=0.0) > 0.1).sum()


def test_less_light_is_darker() -> None:
    assert (bright(light=0.2) < bright(light=0.5)).all()
