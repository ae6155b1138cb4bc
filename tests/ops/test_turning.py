"""Heads turned by geometry: laws of the relief and of the map."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.ops.round_head import HEAD
from unripple.ops.head import HeadPose
from unripple.ops.relief import relief, smoothstep
from unripple.ops.turning import held, kept_within, turn_head, turn_weight

SIZE = 128
POSE = HeadPose(0.0, 0.0, 0.0, 40.0, (64.0, 60.0))
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE] + 0.5
HEAD_MASK = ((COLUMNS - 64) / 32) ** 2 + ((ROWS - 56) / 44) ** 2 < 1
PERSON = HEAD_MASK | ((ROWS > 90) & (np.abs(COLUMNS - 64) < 16)) | (ROWS > 112)


def at(offsets: np.ndarray, x: float, y: float) -> np.ndarray:
    return offsets[:, round(y), round(x)]


def test_the_relief_rises_from_the_outline_and_is_the_heads_on_the_face() -> None:
    depth = relief(PERSON, POSE, HEAD)
    assert not depth[~PERSON].any()
    # On the nose tip the mean head's own depth.
    assert depth[70, 64] == pytest.approx(40 * 0.93, rel=0.08)
    crown = depth[14:40, 64]
    assert (np.diff(crown) > -0.5).all()
    assert depth[20, 64] > 5


@pytest.mark.parametrize("yaw", [-20.0, 20.0])
def test_a_turn_moves_the_nose_as_far_as_its_depth_says(yaw: float) -> None:
    turned = turn_head(PERSON, POSE, HEAD, yaw_deg=yaw)
    moved = 40 * 0.93 * np.sin(np.radians(yaw))
    offset = at(turned.offsets, 64 + moved, 70)
    assert offset[0] == pytest.approx(-moved, abs=1.5)
    assert abs(offset[1]) < 1


def test_up_is_up_and_clockwise_is_clockwise() -> None:
    nodded = turn_head(PERSON, POSE, HEAD, yaw_deg=0, pitch_deg=12)
    assert at(nodded.offsets, 64, 66)[1] > 3  # what is seen there lay lower
    tilted = turn_head(PERSON, POSE, HEAD, yaw_deg=0, roll_deg=10)
    assert at(tilted.offsets, 66, 25)[0] < -2  # the crown came from the left


def test_no_turn_moves_nothing() -> None:
    turned = turn_head(PERSON, POSE, HEAD, yaw_deg=0)
    assert not turned.offsets.any()
    assert np.array_equal(turned.covered, PERSON)
    assert (turned.stretch == 1).all()


def test_shoulders_stay_and_the_neck_follows_part_of_the_way() -> None:
    turned = turn_head(PERSON, POSE, HEAD, yaw_deg=25)
    share = turn_weight(POSE, HEAD, SIZE, SIZE)
    assert not turned.offsets[:, share == 0].any()
    assert np.abs(turned.offsets[:, 122:]).max() < 0.1
    weight = share[:, 64]
    assert weight[60] == 1
    assert weight[124] == 0
    assert (np.diff(weight[40:]) <= 1e-9).all()


def test_the_outline_hardly_narrows() -> None:
    turned = turn_head(PERSON, POSE, HEAD, yaw_deg=25)
    before, after = (mask[20:80].sum(1) for mask in (PERSON, turned.covered))
    assert np.median(after / before) == pytest.approx(1.0, abs=0.1)
    # By plain projection of the relief it would lose a tenth of its width.


def test_offsets_lead_to_the_person() -> None:
    turned = turn_head(PERSON, POSE, HEAD, yaw_deg=-20)
    rows, columns = np.nonzero(turned.covered)
    x = np.clip(columns + turned.offsets[0][rows, columns], 0, SIZE - 1).round().astype(int)
    y = np.clip(rows + turned.offsets[1][rows, columns], 0, SIZE - 1).round().astype(int)
    assert PERSON[y, x].mean() > 0.98  # the rim itself is between pixels


def test_the_far_side_is_stretched_and_the_near_side_is_not() -> None:
    turned = turn_head(PERSON, POSE, HEAD, yaw_deg=-20)
    row = turned.stretch[70]
    inside = np.flatnonzero(turned.covered[70])
    assert row[inside[-12:]].max() > 1.3  # the side that comes into view
    assert row[inside[4:20]].mean() < 1.2


def test_smoothstep_has_flat_ends() -> None:
    assert smoothstep(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]), 0, 1).tolist() == [0, 0, 0.5, 1, 1]


def test_nothing_comes_from_beyond_the_photographs_border() -> None:
    shown = COLUMNS < 100
    offsets = np.stack([np.full((SIZE, SIZE), 12.0), np.full((SIZE, SIZE), 5.0)]).astype(np.float32)
    kept = kept_within(offsets, shown)
    origin = (COLUMNS + kept[0])[shown]
    assert origin.max() <= 100
    assert (np.diff((COLUMNS + kept[0])[64, :100]) > 0).all()  # stretched, not folded
    assert kept[0, 64, 20] == pytest.approx(12, abs=0.1)
    assert kept[1] == pytest.approx(offsets[1], abs=0.1)
    assert np.array_equal(kept_within(-offsets, shown), -offsets)
    assert kept_within(offsets, np.ones_like(shown)) is offsets


def test_an_outline_is_no_comb() -> None:
    turned = turn_head(PERSON, POSE, HEAD, yaw_deg=-20)
    rim = turned.covered & ~cv2.erode(turned.covered.astype(np.uint8), np.ones((5, 5))).astype(bool)
    steps = np.abs(np.diff(turned.offsets[0], axis=0))[rim[1:] & rim[:-1]]
    assert np.percentile(steps, 95) < 1


@pytest.mark.parametrize(
    ("looks", "asked", "turns"),
    [
        (0.0, -50.0, -50.0),
        (0.0, 70.0, 55.0),
        (-20.0, 70.0, 70.0),
        (-20.0, 80.0, 75.0),
        (30.0, -45.0, -45.0),
        (40.0, -20.0, -12.5),
        (-40.0, 20.0, 12.5),
        (-40.0, 9.0, 9.0),
        (-40.0, -20.0, -15.0),
        (40.0, 60.0, 15.0),
        (80.0, 20.0, 5.0),
        (80.0, -80.0, -5.0),
        (40.0, 0.0, 0.0),
    ],
)
def test_profiles_turn_as_far_as_convinces(looks: float, asked: float, turns: float) -> None:
    assert held(looks, asked) == turns
