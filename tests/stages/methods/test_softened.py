"""Wrinkles, bags and freckles of the photo itself: weakened on skin alone, bags stronger."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.ops.test_edit_by_geometry import SIZE, mean_head
from tests.stages.methods.test_pixels import TIMES, edited, portrait
from unripple.models.mean_head import MeanHead

__all__ = ["mean_head"]
BESIDE_NOSE = np.s_[48:54, 34:42]  # rows and columns of the crop, on a cheek
BACKGROUND = np.s_[2:10, 2:10]


def enlarged(crop: Any) -> Any:
    return np.kron(crop, np.ones((TIMES, TIMES, 1), np.uint8))


def with_lines(crop: Any, strength: float) -> Any:
    """Dark lines across all of the picture, as wide as wrinkles are."""
    rows = np.arange(SIZE * TIMES)
    dark = 1 - strength * np.exp(-(((rows % 14) - 7.0) ** 2) / 4)
    lined = enlarged(crop) * dark[:, None, None]
    return lined.astype(np.uint8)


def contrast(picture: Any, place: Any) -> float:
    """Of what is as fine as a wrinkle."""
    grey = picture.astype(np.float32).mean(-1)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 6)
    rows, columns = (slice(s.start * TIMES, s.stop * TIMES) for s in place)
    return float(fine[rows, columns].std())


def shown(made: Any, photo: Any) -> Any:
    tint = np.moveaxis(made.tint.astype(np.float32), 0, -1)
    return photo + cv2.resize(tint, photo.shape[:2], interpolation=cv2.INTER_LINEAR)


def test_wrinkles_get_weaker_on_skin_alone(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    flat = portrait()
    photo = with_lines(flat, 0.25)
    left = []
    for degree in (-1.0, -3.0):
        made = edited(monkeypatch, mean_head, {"wrinkles": degree}, photo=photo, crop=flat)
        after = shown(made, photo)
        left.append(contrast(after, BESIDE_NOSE) / contrast(photo, BESIDE_NOSE))
        assert np.abs(after - photo)[: 10 * TIMES, : 10 * TIMES].max() == 0
    assert left[1] < 0.6 < left[0] < 0.95


def test_skin_without_wrinkles_keeps_its_grain(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    rng = np.random.default_rng(3)
    flat = portrait()
    photo = np.clip(enlarged(flat) + rng.normal(0, 6, (*[SIZE * TIMES] * 2, 1)), 0, 255)
    photo = photo.astype(np.uint8)
    made = edited(monkeypatch, mean_head, {"wrinkles": -3.0}, photo=photo, crop=flat)
    rows, columns = (slice(s.start * TIMES, s.stop * TIMES) for s in BESIDE_NOSE)
    before, after = (p.astype(float)[rows, columns].mean(-1) for p in (photo, shown(made, photo)))
    assert np.diff(after).std() > 0.85 * np.diff(before).std()


def test_bags_change_below_the_eyes_alone_either_way(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    flat = portrait()
    photo = with_lines(flat, 0.2)
    changes = []
    for degree in (-3.0, 3.0):
        made = edited(monkeypatch, mean_head, {"bags": degree}, photo=photo, crop=flat)
        changes.append(shown(made, photo).mean(-1) - photo.mean(-1))
        reached = np.flatnonzero(np.abs(changes[-1]).max(1) > 0.5) / TIMES
        assert reached.min() > 42 and reached.max() < 52  # the eyes are at 42, the mouth at 59
    weaker, stronger = changes
    touched = np.abs(weaker) > 1
    assert weaker[touched].mean() > 0 > stronger[touched].mean()


def test_there_is_nothing_beneath_a_beard(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    from unripple.conventions import NotOffered

    with pytest.raises(NotOffered, match="stubble: what is beneath it is not in the photo"):
        edited(monkeypatch, mean_head, {"stubble": -1.0})
