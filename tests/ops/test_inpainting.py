"""The classic painters keep what is known and do not peek."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.ops.inpainting import navier_stokes, telea

PAINTERS = pytest.mark.parametrize("paint", [telea, navier_stokes])


def holed() -> tuple[np.ndarray, np.ndarray]:
    photo = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    hole = np.zeros((24, 24), np.bool_)
    hole[8:15, 6:16] = True
    return photo, hole


@PAINTERS
def test_outside_the_hole_every_byte_stays(paint) -> None:
    photo, hole = holed()
    assert np.array_equal(paint(photo, hole)[~hole], photo[~hole])


@PAINTERS
def test_an_empty_hole_is_identity(paint) -> None:
    photo, hole = holed()
    assert np.array_equal(paint(photo, np.zeros_like(hole)), photo)


@PAINTERS
def test_what_the_hole_hides_does_not_matter(paint) -> None:
    photo, hole = holed()
    other = np.where(hole[..., None], np.uint8(255), photo)
    assert np.array_equal(paint(photo, hole), paint(other, hole))


@PAINTERS
def test_a_flat_wall_stays_flat(paint) -> None:
    _, hole = holed()
    wall = np.full((24, 24, 3), 90, np.uint8)
    # OpenCV's Telea rounds its way two levels off on a flat wall; Navier-Stokes stays.
    assert np.abs(paint(wall, hole).astype(int) - 90).max() <= (2 if paint is telea else 0)
