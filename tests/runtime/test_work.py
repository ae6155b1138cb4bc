"""Lengths grow with the aligned picture."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.stages.interface import grown
from unripple.stages.ripple import RippleSettings


def lengths(side: int) -> dict[str, float]:
    settings = RippleSettings(grow_px=2.0, min_area_px=12)
    knobs = settings.grown(np.zeros((side, side, 3), np.uint8))
    return {"grow_px": knobs.grow_px, "min_area_px": knobs.min_area_px}


def test_at_128_px_lengths_are_as_stated() -> None:
    assert lengths(128) == {"grow_px": 2.0, "min_area_px": 12}
    assert isinstance(lengths(128)["min_area_px"], int)


@pytest.mark.parametrize(
    ("side", "length", "area"), [(64, 1.0, 3), (256, 4.0, 48), (1024, 16, 768)]
)
def test_lengths_grow_along_and_areas_with_the_square(side: int, length: float, area: int) -> None:
    assert lengths(side) == {"grow_px": length, "min_area_px": area}


def test_the_area_of_the_picture_counts_not_its_channels() -> None:
    assert grown("grow_px", 1.0, np.zeros((64, 256), np.bool_)) == 1.0
