"""Resized bytes are Pillow's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unripple.conventions import Photo, ShapeMismatch
from unripple.ops.resample import resize_bicubic, resize_bilinear

SIDE = st.integers(1, 70)


def noise(height: int, width: int, seed: int = 0) -> Photo:
    levels = np.array([0, 1, 127, 128, 254, 255], np.uint8)
    rng = np.random.default_rng(seed)
    some = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.where(rng.random((height, width, 1)) < 0.3, rng.choice(levels, some.shape), some)


BILINEAR, BICUBIC = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC


def pillows(photo: Photo, size: tuple[int, int], resampling: Image.Resampling = BILINEAR) -> Photo:
    """In two steps: from release 13 on, Pillow picks for itself which side goes first."""
    height, width = size
    image = Image.fromarray(photo).resize((width, photo.shape[0]), resampling)
    return np.asarray(image.resize((width, height), resampling))


@settings(max_examples=200, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, st.integers(0, 1000))
def test_every_byte_is_pillows(h: int, w: int, to_h: int, to_w: int, seed: int) -> None:
    photo = noise(h, w, seed)
    np.testing.assert_array_equal(
        resize_bilinear(photo, (to_h, to_w)), pillows(photo, (to_h, to_w))
    )
    np.testing.assert_array_equal(
        resize_bicubic(photo, (to_h, to_w)), pillows(photo, (to_h, to_w), BICUBIC)
    )


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.25, 1.5, 1.75])
def test_every_byte_is_pillows_at_the_sizes_of_photographs(scale: float) -> None:
    photo = noise(512, 383)
    size = (int(512 * scale), int(383 * scale))
    np.testing.assert_array_equal(resize_bilinear(photo, size), pillows(photo, size))


def test_one_call_of_pillow_enlarges_to_the_same_bytes() -> None:
    photo = noise(64, 49)
    at_once = Image.fromarray(photo).resize((85, 112), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(resize_bilinear(photo, (112, 85)), np.asarray(at_once))


def test_a_long_shrink_neither_overflows_nor_darkens_white() -> None:
    white = np.full((3000, 2, 3), 255, np.uint8)
    assert (resize_bilinear(white, (1, 2)) == 255).all()
    assert (resize_bilinear(white[:7], (900, 5)) == 255).all()
    assert (resize_bicubic(white, (1, 2)) == 255).all()
    checks = np.where(np.indices((40, 40)).sum(0)[..., None] % 2, white[:40, :1], 0)
    np.testing.assert_array_equal(
        resize_bicubic(checks, (93, 17)), pillows(checks, (93, 17), BICUBIC)
    )


def test_its_own_size_changes_nothing() -> None:
    photo = noise(9, 11)
    np.testing.assert_array_equal(resize_bilinear(photo, (9, 11)), photo)


def test_other_things_than_bytes_and_empty_sides_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="float64"):
        resize_bilinear(np.zeros((4, 4, 3)), (2, 2))  # type: ignore[arg-type]
    with pytest.raises(ShapeMismatch, match="at least 1 px"):
        resize_bilinear(noise(4, 4), (0, 2))
