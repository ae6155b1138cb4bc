"""Another program's background is believed where it fits the photograph's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.ops.disturbed import textured
from unripple.conventions import ShapeMismatch
from unripple.ops.backgrounds import believable

SIZE = 128
PHOTO = textured(3, SIZE, SIZE)
BACKGROUND = np.ones((SIZE, SIZE), bool)
BACKGROUND[30:, 40:90] = False
HOLE = np.zeros_like(BACKGROUND)
HOLE[40:110, 84:90] = True


def test_the_same_background_is_believed_whatever_is_in_the_hole() -> None:
    edited = PHOTO.copy()
    edited[~BACKGROUND] = 0
    assert believable(PHOTO, edited, BACKGROUND).min() == 1


def test_noise_and_a_little_blur_are_no_other_background() -> None:
    noise = np.random.default_rng(0).normal(0, 3, PHOTO.shape)
    soft = np.clip(cv2.GaussianBlur(PHOTO, (0, 0), 1.0) + noise, 0, 255).astype(np.uint8)
    assert believable(PHOTO, soft, BACKGROUND)[HOLE].min() > 0.9


def test_an_invented_background_is_not_believed_and_half_of_one_on_its_side_alone() -> None:
    other = textured(4, SIZE, SIZE)
    assert believable(PHOTO, other, BACKGROUND)[HOLE].max() == 0
    half = PHOTO.copy()
    half[:, 64:] = other[:, 64:]
    share = believable(PHOTO, half, BACKGROUND)
    assert share[40:110, 84:90].max() < 0.1 and share[40:110, 40:44].min() > 0.9


def test_where_nothing_can_be_compared_nothing_is_believed() -> None:
    nothing = np.zeros_like(BACKGROUND)
    assert believable(PHOTO, PHOTO, nothing).max() == 0
    with pytest.raises(ShapeMismatch):
        believable(PHOTO, PHOTO, nothing[1:])
