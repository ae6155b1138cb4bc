"""What reliefs and turns of a head are: equations and matrices that the code must come to."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.round_head import HEAD
from unripple.ops import relief as relief_module
from unripple.ops import turning
from unripple.ops.head import HeadPose, fit_head, rotation
from unripple.ops.relief import face_depth, relief
from unripple.ops.turning import turn_head, turn_weight

SIZE = 112
POSE = HeadPose(0.0, 0.0, 0.0, 40.0, (56.0, 46.0))
COLUMNS, ROWS = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
PERSON = np.hypot((COLUMNS - 56) / 30, (ROWS - 46) / 42) < 1
PERSON |= (np.abs(COLUMNS - 56) < 18) & (ROWS > 46)


@pytest.mark.parametrize("border", [False, True])
def test_the_relief_solves_its_equation_in_every_pixel(border: bool) -> None:
    """laplace(h) = -source inside, given where known, 0 outside, nothing said at the border."""
    rng = np.random.default_rng(0)
    inside = np.ones((9, 7), bool)
    if not border:
        inside[[0, -1]], inside[:, [0, -1]] = False, False
        inside[2, 3] = False
    known = np.zeros_like(inside)
    known[4, 2:4] = known[6, 5] = True
    if border:
        known[0, 0] = known[8, 3] = True
    value = np.where(known, rng.normal(size=inside.shape), 0.0)
    found = relief_module._solve(inside | known, known, value, 1.7)
    assert np.array_equal(found[known], value[known])
    assert (found[~inside & ~known] == 0).all()
    for y, x in zip(*np.nonzero(inside & ~known), strict=True):
        around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        seen = [found[v, u] for v, u in around if 0 <= v < 9 and 0 <= u < 7]
        assert sum(seen) - len(seen) * found[y, x] == pytest.approx(-1.7, abs=1e-5)


def test_without_free_pixels_the_known_ones_are_all() -> None:
    known = np.zeros((4, 4), bool)
    known[1, 2] = True
    found = relief_module._solve(known, known, np.where(known, 3.0, 9.0), 1.0)
    assert found[1, 2] == 3 and found.sum() == 3


def test_a_neck_is_flatter_than_a_head_and_both_have_a_limit() -> None:
    everywhere = np.ones((SIZE, SIZE), bool)
    scale = 30.0
    found = relief(everywhere, POSE._replace(scale=scale), HEAD)
    width, tall = 2 * HEAD.half_width * scale, (HEAD.chin_y - HEAD.brow_y) * scale
    chin = 46 + HEAD.chin_y * scale
    neck = found[int(chin + 0.45 * tall) + 4 :]
    assert len(neck) > 4 and neck.max() <= (0.75 - 0.45 - 0.22) * width + 1
    beside = found[: int(chin - 0.25 * tall) - 4]
    assert 0.5 * width < beside.max() <= 0.75 * width + 1
    assert found.min() > -0.5 * width


def test_the_face_keeps_the_heads_depth_and_meets_the_rest_without_a_step() -> None:
    found = relief(PERSON, POSE, HEAD)
    face = face_depth(POSE, HEAD, size=SIZE, grid=SIZE)
    inner = np.isfinite(face)
    for _ in range(5):
        inner[1:-1, 1:-1] &= inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
    assert found[inner] == pytest.approx(face[inner], abs=0.05)
    steps = np.abs(np.diff(found, axis=1))[np.isfinite(face).any(1)]
    assert steps[:, 40:72].max() < 6


@pytest.mark.parametrize("roll", [-170, -120, -60, 75, 140, 175])
def test_heads_in_any_tilt_are_fitted(roll: float) -> None:
    pose = HeadPose(12.0, -5.0, roll, 31.0, (50.0, 61.0))
    placed = pose.to_picture(HEAD.landmarks)
    found = fit_head(placed[:, :2].astype(np.float32), HEAD)
    assert found.yaw_deg == pytest.approx(12, abs=1.5)
    assert (found.roll_deg - roll + 180) % 360 - 180 == pytest.approx(0, abs=1)
    assert found.scale == pytest.approx(31, rel=0.02)
    # Depth counts from the head's centre, which is at its place.
    assert pose.to_picture(np.zeros((1, 3)))[0] == pytest.approx([50, 61, 0])
    assert placed[2, 2] == pytest.approx(31 * (HEAD.landmarks[2] @ rotation(12, -5, roll).T)[2])


@pytest.mark.parametrize("turn", [(20.0, 0, 0), (0, 15.0, 0), (0, 0, 25.0), (18.0, -12.0, 9.0)])
@pytest.mark.parametrize("roll", [0.0, 30.0])
def test_points_before_the_head_go_where_the_matrix_sends_them(
    turn: tuple[float, float, float], roll: float
) -> None:
    """The rim keeps its place by design; far before it a turn is a turn."""
    pose = POSE._replace(roll_deg=roll)
    x, y, z = turning._turned_points(PERSON, pose, HEAD, turn)
    fine = x.shape[0]
    depth = turning._finer(relief(PERSON, pose, HEAD), fine)
    right, down = relief_module.head_axes(pose, fine, SIZE)
    whole = turn_weight(pose, HEAD, fine, SIZE) == 1
    high = np.isfinite(x) & whole & (depth > 0.55 * 2 * HEAD.half_width * 40)
    assert high.sum() > 100
    points = np.stack([right[high], down[high], depth[high]], axis=1)
    tilt = rotation(0, 0, roll)
    sent = points @ (tilt @ rotation(*turn)).T + np.array([*pose.centre, 0])
    found = np.stack([x[high], y[high], z[high]], axis=1)
    # z is before the tilt, which leaves it; keeping the rim costs up to this much here
    assert np.abs(found - sent).max() < 1.2


def test_the_nearest_point_of_a_pixel_is_seen_and_those_outside_are_none() -> None:
    x = np.array([[0.5, 0.2], [2.9, -0.1], [1.5, 3.0], [np.nan, 1.5]])
    y = np.array([[0.5, 0.9], [2.9, 1.0], [-0.2, 1.0], [1.0, 3.0]])
    z = np.array([[1.0, 2.0], [5.0, 9.0], [9.0, 9.0], [9.0, 9.0]])
    found = turning._nearest(x, y, z, 3)
    assert found[0, 0] == 1 and found[2, 2] == 2
    assert (np.delete(found.ravel(), [0, 8]) == -1).all()
    assert turning._nearest(x, y, -z, 3)[0, 0] == 0


def test_what_lies_behind_its_neighbours_shines_through() -> None:
    depth = np.full((9, 9), 10.0, np.float32)
    depth[4, 4], depth[2, 6] = 7.4, 7.6
    hit = np.ones((9, 9), bool)
    hit[7, 1] = False
    depth[7, 1] = -1e4
    found = turning._behind_surface(depth, hit, 5.0)  # more than half a step behind
    assert found.sum() == 1 and found[4, 4]


def test_the_head_takes_part_all_the_way_and_nothing_more_than_that() -> None:
    share = turn_weight(POSE._replace(centre=(56.0, 90.0), scale=20.0), HEAD, SIZE, SIZE)
    assert share.min() == 0 and share.max() == 1
    assert share[90, 56] == 1 and share[111, 56] < 1
    tall = 2 * (HEAD.chin_y - HEAD.brow_y) * 20 * 0.7
    assert share[int(90 - 1.4 * tall), 56] == 1
    assert 0 < share[int(90 - 1.7 * tall), 56] < 1 and share[int(90 - 1.95 * tall), 56] == 0
    width = 2 * HEAD.half_width * 20
    assert share[90, int(56 + 0.58 * width)] == 1 and share[90, int(56 + 1.05 * width)] == 0


def test_a_turn_that_is_not_named_is_none() -> None:
    named = turn_head(PERSON, POSE, HEAD, yaw_deg=12.0, pitch_deg=0.0, roll_deg=0.0)
    found = turn_head(PERSON, POSE, HEAD, yaw_deg=12.0)
    assert np.array_equal(found.offsets, named.offsets)
    still = turn_head(PERSON, POSE, HEAD, yaw_deg=0.0)
    assert not still.offsets.any() and still.offsets.dtype == np.float32
    assert (still.stretch == 1).all() and np.array_equal(still.covered, PERSON)
