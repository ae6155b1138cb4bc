"""What a blend leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.conventions import ShapeMismatch
from unripple.ops.composite import blend, either_or


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_weight_zero_keeps_bytes_and_weight_one_takes_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    under, over = rng.integers(0, 256, (2, 6, 7, 3), dtype=np.uint8)
    weight = rng.choice([0.0, 0.3, 1.0], (6, 7)).astype(np.float32)
    mixed = blend(under, over, weight)
    assert np.array_equal(mixed[weight == 0], under[weight == 0])
    assert np.array_equal(mixed[weight == 1], over[weight == 1])
    low, high = np.minimum(under, over), np.maximum(under, over)
    assert ((mixed >= low) & (mixed <= high)).all()


def test_equal_pictures_blend_to_themselves() -> None:
    photo = np.arange(256, dtype=np.uint8).reshape(16, 16)[..., None].repeat(3, 2)
    for share in (0.1, 1 / 3, 0.7):
        weight = np.full((16, 16), share, np.float32)
        assert np.array_equal(blend(photo, photo, weight), photo)


def test_halves_mix() -> None:
    under, over = np.full((1, 1, 3), 10, np.uint8), np.full((1, 1, 3), 110, np.uint8)
    assert blend(under, over, np.full((1, 1), 0.25, np.float32)).ravel().tolist() == [35, 35, 35]


def test_an_or_of_disjoint_pictures_is_a_choice() -> None:
    rng = np.random.default_rng(3)
    near, far = rng.integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    mask = rng.random((5, 5)) < 0.5
    joined = either_or(near, far, mask)
    assert np.array_equal(joined[mask], near[mask])
    assert np.array_equal(joined[~mask], far[~mask])


def test_sizes_must_agree() -> None:
    with pytest.raises(ShapeMismatch, match="weight 3 x 3"):
        blend(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8), np.zeros((3, 3)))
