"""Closed lips opened: what shows between them is drawn, and all else is the photo's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.test_edit_by_geometry import LABELS, POSE, SIZE, mean_head
from tests.stages.methods.test_pixels import TIMES, edited, portrait
from unripple.conventions import Face
from unripple.models.mean_head import MeanHead
from unripple.ops.mesh import (
    LOWER_LIP_BOTTOM,
    LOWER_LIP_EDGE,
    MESH_POINTS,
    UPPER_LIP_EDGE,
    UPPER_LIP_TOP,
)
from unripple.stages.edit import Edited
from unripple.stages.families.shape import places
from unripple.stages.pixels import face as seen
from unripple.stages.pixels.opening import Seam, split
from unripple.zoo.pixel_directions import pixel_directions

__all__ = ["mean_head"]
MESH = POSE.to_picture(places(pixel_directions()["smile"])[-MESH_POINTS:])[:, :2]
FLAT = portrait()
LARGE = np.kron(FLAT, np.ones((TIMES, TIMES, 1), np.uint8))


def opened(
    monkeypatch: pytest.MonkeyPatch, head: MeanHead, words: dict[str, float], **more: Any
) -> Edited:
    """A face with the mean head's lips, which are closed."""
    monkeypatch.setattr(seen, "_looked", lambda *_: {"labels": LABELS, "mesh": MESH})
    monkeypatch.setattr(seen, "_is_rendered", lambda _: False)
    return edited(monkeypatch, head, words, photo=LARGE, crop=FLAT, **more)


def lips() -> Any:
    edges = (UPPER_LIP_TOP, UPPER_LIP_EDGE, LOWER_LIP_EDGE, LOWER_LIP_BOTTOM)
    return MESH[[number for edge in edges for number in edge]]


def test_closed_lips_part_and_teeth_are_drawn_between_them(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    made = opened(monkeypatch, mean_head, {"mouth_open": 1.5})
    assert made.laid is not None and made.changed is not None and made.labels is not None
    side = made.laid.shape[-1]
    rows, columns = np.nonzero(made.laid[3] > 0.5)
    assert len(rows) > 0
    place = np.stack((columns, rows), -1) * SIZE / side
    assert (place >= lips().min(0) - 1).all() and (place <= lips().max(0) + 2).all()
    differs = (made.picture != FLAT).any(-1)
    assert differs.any() and not differs[~made.changed].any()
    assert not differs[LABELS == Face.BACKGROUND].any()


def test_more_degrees_open_it_farther_and_none_draw_nothing(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    areas = []
    for degree in (0.5, 1.0):
        laid = opened(monkeypatch, mean_head, {"mouth_open": degree}).laid
        assert laid is not None
        areas.append(float(laid[3].astype(float).sum()))
    assert 1.5 * areas[0] < areas[1]
    assert opened(monkeypatch, mean_head, {"mouth_open": -1.0}).laid is None
    assert opened(monkeypatch, mean_head, {"smile": 1.0}).laid is None


def test_what_is_drawn_turns_with_the_head(
    monkeypatch: pytest.MonkeyPatch, mean_head: MeanHead
) -> None:
    def middle(**turn: float) -> float:
        laid = opened(monkeypatch, mean_head, {"mouth_open": 1.0}, **turn).laid
        assert laid is not None
        cover = laid[3].astype(float)
        return float((cover.sum(0) @ np.arange(cover.shape[1])) / cover.sum() * SIZE / len(cover))

    assert middle(turn_deg=15.0) - middle() > 3


def test_a_motion_that_breaks_is_two_that_do_not() -> None:
    size = 64
    seam = Seam(np.array((32.0, 32.0)), np.array((1.0, 0.0)), 40.0, np.array((-1.0, 1.0)),
                np.zeros(2), np.zeros(2), 0.0)  # fmt: skip
    motion = np.zeros((2, size, size), np.float32)
    motion[1, :32], motion[1, 32:] = -2, 3
    upper, lower = split(motion, seam, size)
    assert np.allclose(upper[1], -2) and np.allclose(lower[1], 3)
