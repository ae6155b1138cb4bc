"""What a blend leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.conventions import Photo, ShapeMismatch
from unripple.ops.composite import EditedFace, blend, either_or, join


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


def changed(photo: Photo, columns: slice, level: int, centre: float) -> EditedFace:
    picture, touched = photo.copy(), np.zeros(photo.shape[:2], np.bool_)
    picture[4:16, columns], touched[4:16, columns] = level, True
    return EditedFace(lambda: (picture, touched), np.array([centre, 10.0]), 80.0)


def test_joined_faces_keep_what_each_changed_alone_and_all_other_bytes() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (20, 60, 3), dtype=np.uint8)
    one, two = changed(photo, np.s_[5:20], 10, 12), changed(photo, np.s_[40:55], 250, 47)
    joint, touched = join([one, two])
    assert np.array_equal(joint[~touched], photo[~touched])
    assert (joint[4:16, 5:20] == 10).all() and (joint[4:16, 40:55] == 250).all()
    assert touched.sum() == 2 * 12 * 15


def test_where_two_faces_changed_a_pixel_the_nearer_decides_and_each_fades_out() -> None:
    photo = np.full((20, 60, 3), 100, np.uint8)
    one, two = changed(photo, np.s_[5:35], 0, 20), changed(photo, np.s_[25:55], 200, 40)
    joint, _ = join([one, two])
    row = joint[10, :, 0].astype(int)
    assert (row[5:25] == 0).all() and (row[35:55] == 200).all()
    assert (np.diff(row[24:36]) >= 0).all() and np.diff(row[24:36]).max() < 70
    assert abs(row[29] + row[30] - 200) <= 1
    assert np.array_equal(joint, join([two, one])[0])
