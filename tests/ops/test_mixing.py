"""Mixing keeps what it is told to keep, to the last byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from unripple.conventions import ShapeMismatch
from unripple.ops import mixing
from unripple.ops.regions import Part

SIDE = 40


def pictures(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, 256, (2, SIDE, SIDE, 3), np.uint8))


def blob(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mask = np.zeros((SIDE, SIDE), np.bool_)
    top, left = rng.integers(0, SIDE - 8, 2)
    mask[top : top + 8, left : left + 6] = True
    return mask


@given(seed=st.integers(0, 10_000), share=st.floats(0.001, 0.5))
@settings(max_examples=30, deadline=None)
def test_distances_are_those_of_scipy_bit_by_bit(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((61, 87)) < share
    if mask.any():
        assert np.array_equal(mixing.exact_distance_to(mask), distance_transform_edt(~mask))


def test_nothing_is_infinitely_far_from_an_empty_mask() -> None:
    assert np.isinf(mixing.exact_distance_to(np.zeros((4, 5), np.bool_))).all()


def test_the_ramp_reaches_one_at_the_margin() -> None:
    assert mixing.ramp(np.array([0.0, 1, 3, 4, np.inf]), 4).tolist() == [0, 0.25, 0.75, 1, 1]


@pytest.mark.parametrize("margin_px", [0.5, 3.0, 21.0])
def test_a_domain_keeps_the_edit_and_nothing_far_from_it(margin_px: float) -> None:
    photo, edited = pictures()
    distance = mixing.exact_distance_to(blob())
    mixed = mixing.mixed(photo, edited, mixing.ramp(distance, margin_px))
    inside, far = distance == 0, distance >= margin_px
    assert np.array_equal(mixed[inside], edited[inside])
    assert np.array_equal(mixed[far], photo[far])
    between = ~inside & ~far
    low, high = np.minimum(photo, edited), np.maximum(photo, edited)
    assert ((mixed >= low) & (mixed <= high))[between].all()


@given(seed=st.integers(0, 1000), margin_px=st.floats(0.1, 30))
@settings(max_examples=20, deadline=None)
def test_bytes_that_both_pictures_share_stay(seed: int, margin_px: float) -> None:
    photo, _ = pictures(seed)
    distance = mixing.exact_distance_to(blob(seed))
    assert np.array_equal(mixing.mixed(photo, photo, mixing.ramp(distance, margin_px)), photo)
    assert np.array_equal(mixing.background_mixed(photo, photo, blob(seed), coef=8), photo)


def shares(change: np.ndarray | None, front: np.ndarray) -> list[np.ndarray]:
    return mixing.segmentation_shares(change, front, margin_px=5, front_px=2)


def test_nothing_to_change_is_the_original() -> None:
    photo, edited = pictures()
    nothing = np.zeros((SIDE, SIDE), np.bool_)
    assert np.array_equal(mixing.mixed(photo, edited, *shares(nothing, nothing)), photo)


def test_without_a_rule_the_edit_stays() -> None:
    photo, edited = pictures()
    nothing = np.zeros((SIDE, SIDE), np.bool_)
    assert np.array_equal(mixing.mixed(photo, edited, *shares(None, nothing)), edited)


def test_what_stands_in_front_comes_back_from_its_border_inwards() -> None:
    photo, edited = pictures()
    front = blob()
    mixed = mixing.mixed(photo, edited, *shares(None, front))
    assert np.array_equal(mixed[~front], edited[~front])
    deep = mixing.exact_distance_to(~front) >= 2
    assert deep.any() and np.array_equal(mixed[deep], photo[deep])


@given(seed=st.integers(0, 1000), margin_px=st.floats(0.3, 50))
@settings(max_examples=40, deadline=None)
def test_mixing_where_it_matters_is_mixing_everywhere(seed: int, margin_px: float) -> None:
    """The plain arithmetic, on all pixels, in the same order."""
    photo, edited = pictures(seed)
    change, front = blob(seed), blob(seed + 1)
    mean = edited.astype(np.float64)
    for keep, margin in ((~change, margin_px), (front, 2.5)):
        distance = distance_transform_edt(keep)
        share = np.where(distance < margin, distance / margin, 1)[..., None]
        mean = share * photo + (1 - share) * mean
    ours = mixing.segmentation_shares(change, front, margin_px=margin_px, front_px=2.5)
    assert np.array_equal(mixing.mixed(photo, edited, *ours, levels=None), mean)
    assert np.array_equal(mixing.mixed(photo, edited, *ours), mixing.rounded(mean))


@given(seed=st.integers(0, 1000), coef=st.floats(0.5, 20))
@settings(max_examples=20, deadline=None)
def test_backgrounds_mixed_where_it_matters_are_mixed_everywhere(seed: int, coef: float) -> None:
    photo, edited = pictures(seed)
    edited[:, ::2] = photo[:, ::2]
    distance = distance_transform_edt(~blob(seed))[..., None]
    distance /= distance.max()
    fading = np.exp(-coef * distance)
    total = fading + distance
    mean = fading / total * edited + distance / total * photo
    mixed = mixing.background_mixed(photo, edited, blob(seed), coef=coef, levels=None)
    assert np.array_equal(mixed, mean)
    rounded = mixing.background_mixed(photo, edited, blob(seed), coef=coef)
    assert np.array_equal(rounded, mixing.rounded(mean))


def test_the_foreground_is_the_edits_and_the_far_background_nearly_the_photos() -> None:
    photo, edited = pictures()
    near = blob()
    mixed = mixing.background_mixed(photo, edited, near, coef=8, levels=None)
    assert np.array_equal(mixed[near], edited[near])
    furthest = np.unravel_index(mixing.exact_distance_to(near).argmax(), near.shape)
    assert np.abs(mixed[furthest] - photo[furthest]).max() < 0.1


def test_no_background_is_the_edit_and_no_foreground_the_photo() -> None:
    photo, edited = pictures()
    every = np.ones((SIDE, SIDE), np.bool_)
    assert np.array_equal(mixing.background_mixed(photo, edited, every, coef=8), edited)
    assert np.array_equal(mixing.background_mixed(photo, edited, ~every, coef=8), photo)


def test_a_restored_face_leaves_the_background_alone() -> None:
    edited, restored = pictures()
    parts = np.full((SIDE, SIDE), Part.BACKGROUND, np.uint8)
    parts[10:20] = Part.REST
    parts[20:30] = Part.CLOTHES
    mixed = mixing.restored_mixed(edited, restored, parts, margin_px=4)
    assert np.array_equal(mixed[:10], edited[:10]) and np.array_equal(mixed[30:], edited[30:])
    assert np.array_equal(mixed[10:20], restored[10:20])
    assert np.array_equal(mixed[23:30], edited[23:30])  # 4 px and more from the face
    assert not np.array_equal(mixed[20:23], edited[20:23])


def test_the_weight_of_the_restorer_is_honoured() -> None:
    edited, restored = pictures()
    parts = np.full((SIDE, SIDE), Part.REST, np.uint8)

    def at(weight: float) -> np.ndarray:
        return mixing.restored_mixed(edited, restored, parts, margin_px=4, weight=weight)

    assert np.array_equal(at(0), edited) and np.array_equal(at(1), restored)
    half = (edited.astype(float) + restored) / 2
    assert np.abs(at(0.5) - half).max() <= 0.5


def test_only_dark_pixels_are_drawn() -> None:
    levels = np.array([[0, 100, 101, 255]], np.uint8)
    assert mixing.domain_of(levels).tolist() == [[True, True, False, False]]
    assert mixing.domain_of(np.stack([levels, 255 - levels, levels], -1)).sum() == 2


def test_pictures_of_two_sizes_are_refused() -> None:
    photo, edited = pictures()
    with pytest.raises(ShapeMismatch, match="must agree in size"):
        mixing.mixed(photo[:-1], edited, np.zeros((SIDE, SIDE)))
