"""restore: the face is repaired, the background is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.conventions import Face, ShapeMismatch
from unripple.models.gfpgan import GFPGAN
from unripple.stages.restore import restore

SIDE = 48


class Whitener:
    """Answers white, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], object]] = []

    def __call__(self, picture: Tensor, *, noise: object) -> Tensor:
        self.asked.append((tuple(picture.shape), noise))
        return torch.full_like(picture, 3.0)


def edit_and_labels() -> tuple[np.ndarray, np.ndarray]:
    labels = np.full((SIDE, SIDE), Face.BACKGROUND, np.uint8)
    labels[8:40, 10:30] = Face.SKIN
    return np.random.default_rng(0).integers(0, 250, (SIDE, SIDE, 3), np.uint8), labels


def test_the_face_is_the_restorers_and_the_background_is_not() -> None:
    edited, labels = edit_and_labels()
    net = Whitener()
    restored = restore(edited, labels, net, net_size_px=32, margin_px=2)
    face = labels == Face.SKIN
    assert (restored[face] == 255).all() and np.array_equal(restored[~face], edited[~face])
    assert net.asked == [((1, 3, 32, 32), "stored")]


def test_half_a_weight_is_half_the_change() -> None:
    edited, labels = edit_and_labels()
    restored = restore(edited, labels, Whitener(), net_size_px=32, weight=0.5, margin_px=2)
    face = labels == Face.SKIN
    assert np.abs(restored[face] - (edited[face] + 255.0) / 2).max() <= 0.5


def test_the_same_bytes_every_time() -> None:
    edited, labels = edit_and_labels()
    torch.manual_seed(0)
    net = GFPGAN(32, 8, 0, {4: 8, 8: 8, 16: 4, 32: 4}).eval()
    once, again = (restore(edited, labels, net, net_size_px=32, margin_px=2) for _ in range(2))
    assert np.array_equal(once, again) and not np.array_equal(once, edited)


def test_labels_of_another_size_are_refused() -> None:
    edited, labels = edit_and_labels()
    with pytest.raises(ShapeMismatch):
        restore(edited, labels[:-1], Whitener(), net_size_px=32, margin_px=2)
