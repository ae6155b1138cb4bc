"""Laws of motions of a face: what they move and leave, how they are undone and joined."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.round_head import HEAD
from unripple.conventions import Floats, ShapeMismatch
from unripple.ops import shaping
from unripple.ops.head import HeadPose

SIZE, GRID = 64, 96
POSE = HeadPose(12.0, -4.0, 6.0, 18.0, (33.0, 28.0))
OBSERVED = POSE.to_picture(HEAD.landmarks)[:, :2]


@pytest.fixture(scope="module")
def laid() -> shaping.Laid:
    return shaping.lay(HEAD.surface, POSE, HEAD.landmarks, OBSERVED, size=SIZE, grid=GRID)


def moved(amount: float) -> Floats:
    """The mouth's surroundings go up."""
    away = ((HEAD.surface[:, :2] - HEAD.landmarks[3:, :2].mean(0)) ** 2).sum(1)
    rise = np.zeros_like(HEAD.surface)
    rise[:, 1] = -amount * np.exp(-away / 0.02)
    return rise


def test_what_does_not_move_in_the_head_does_not_move_in_the_picture(laid: shaping.Laid) -> None:
    motion = shaping.motion_of(laid, np.zeros_like(HEAD.surface))
    assert not motion.any()
    assert not shaping.origins_of(motion, SIZE).any()


def test_a_motion_goes_along_the_heads_own_axes(laid: shaping.Laid) -> None:
    motion = shaping.motion_of(laid, moved(0.1))
    x, y = (OBSERVED[3:].mean(0) * GRID / SIZE).astype(int)
    up = POSE.to_picture(np.array([[0, -0.1, 0], [0, 0, 0.0]]))
    expected = (up[0] - up[1])[:2]
    assert motion[:, y, x] == pytest.approx(expected, abs=0.35)
    assert np.abs(motion[:, :4]).max() == 0  # far above the face


def test_the_inverse_undoes_the_motion(laid: shaping.Laid) -> None:
    motion, share = shaping.unfolded(shaping.motion_of(laid, moved(0.08)), SIZE)
    assert share == 1
    origins = shaping.origins_of(motion, SIZE)
    back = shaping.joined(origins, motion, SIZE)  # first undone, then done
    assert np.abs(back).max() < 0.1


def test_a_motion_that_would_fold_is_held_back(laid: shaping.Laid) -> None:
    motion, share = shaping.unfolded(shaping.motion_of(laid, moved(1.5)), SIZE)
    assert share < 1
    assert shaping.steepness(motion, SIZE) < 1


def test_joined_to_nothing_a_map_is_itself(laid: shaping.Laid) -> None:
    origins = shaping.origins_of(shaping.motion_of(laid, moved(0.08)), SIZE)
    still = np.zeros_like(origins)
    assert np.array_equal(shaping.joined(origins, still, SIZE), origins)
    assert np.array_equal(shaping.joined(still, origins, SIZE), origins)


def test_a_face_that_differs_from_the_mean_is_moved_where_it_is() -> None:
    shifted = OBSERVED + np.array((0.0, 5.0))
    laid = shaping.lay(HEAD.surface, POSE, HEAD.landmarks, shifted, size=SIZE, grid=GRID)
    motion = np.hypot(*shaping.motion_of(laid, moved(0.1)))
    row = np.unravel_index(motion.argmax(), motion.shape)[0] * SIZE / GRID
    assert row == pytest.approx(shifted[3:, 1].mean(), abs=2)


def test_as_many_places_as_points() -> None:
    with pytest.raises(ShapeMismatch, match="5 points are known and 4"):
        shaping.lay(HEAD.surface, POSE, HEAD.landmarks, OBSERVED[:4], size=SIZE, grid=GRID)


@pytest.mark.parametrize("yaw", [-30.0, 0.0, 25.0])
def test_a_pose_is_read_off_many_points(yaw: float) -> None:
    pose = HeadPose(yaw, 8.0, -5.0, 40.0, (70.0, 50.0))
    found = shaping.pose_of_mesh(HEAD.surface, pose.to_picture(HEAD.surface)[:, :2])
    assert np.allclose(found[:4], pose[:4], atol=1e-6)
    assert np.allclose(found.centre, pose.centre, atol=1e-6)
