"""The mean head finds its own poses again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.round_head import HEAD
from unripple.conventions import NoFace, ShapeMismatch
from unripple.ops.head import HeadPose, fit_head, rotation, with_own_features


@settings(deadline=None, max_examples=40)
@given(st.floats(-35, 35), st.floats(-15, 15), st.floats(-60, 60), st.floats(8, 900))
def test_the_pose_of_its_own_landmarks(yaw: float, pitch: float, roll: float, scale: float) -> None:
    pose = HeadPose(yaw, pitch, roll, scale, (3 * scale, 2 * scale))
    found = fit_head(pose.to_picture(HEAD.landmarks)[:, :2], HEAD)
    # Drawn to usual poses: yaw a little, pitch, which five points hardly tell, by half.
    assert found.yaw_deg == pytest.approx(yaw, abs=0.5 + 0.1 * abs(yaw))
    assert found.pitch_deg == pytest.approx(pitch, abs=1.0 + 0.5 * abs(pitch))
    assert found.roll_deg == pytest.approx(roll, abs=2.0)
    assert found.scale == pytest.approx(scale, rel=0.05)
    assert np.hypot(*np.subtract(found.centre, pose.centre)) < 0.1 * scale


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-60, 60), st.floats(-25, 25), st.floats(-60, 60), st.floats(8, 900), st.integers(0)
)
def test_words_are_of_the_same_pose_as_pictures(
    yaw: float, pitch: float, roll: float, scale: float, seed: int
) -> None:
    pose = HeadPose(yaw, pitch, roll, scale, (3 * scale, 2 * scale))
    noise = np.random.default_rng(seed).normal(0, 0.03 * scale, (5, 2))
    points = pose.to_picture(HEAD.landmarks)[:, :2] + noise
    exact, quick = (fit_head(points, HEAD, for_words=words) for words in (False, True))
    for one, other in zip(exact[:3], quick[:3], strict=True):
        assert one == pytest.approx(other, abs=0.01)


def test_signs_are_those_of_the_picture() -> None:
    nose = np.array([0.0, 0.0, 1.0])
    assert (rotation(20, 0, 0) @ nose)[0] > 0  # to the right
    assert (rotation(0, 20, 0) @ nose)[1] < 0  # up
    assert (rotation(0, 0, 20) @ [0.0, -1.0, 0.0])[0] > 0  # the crown goes right: clockwise


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_no_face(bad: float) -> None:
    points = HeadPose(0, 0, 0, 50, (64, 64)).to_picture(HEAD.landmarks)[:, :2]
    points[2, 0] = bad
    with pytest.raises(NoFace, match="no numbers"):
        fit_head(points, HEAD)


def test_points_that_form_no_face() -> None:
    with pytest.raises(NoFace, match="coincide"):
        fit_head(np.zeros((5, 2)), HEAD)
    with pytest.raises(NoFace, match="not those of a face"):
        fit_head(np.array([[0, 0], [10, 0], [300, 5], [0, 12], [10, 12]], np.float64), HEAD)
    with pytest.raises(ShapeMismatch):
        fit_head(np.zeros((68, 2)), HEAD)


def test_features_come_to_lie_where_the_face_has_them() -> None:
    pose = HeadPose(15.0, -5.0, 8.0, 40.0, (60.0, 50.0))
    moved = np.array([[2, 0], [0, 1], [-3, 0], [0, 2], [1, 1]])
    landmarks = pose.to_picture(HEAD.landmarks)[:, :2] + moved
    own = with_own_features(HEAD, pose, landmarks)
    assert pose.to_picture(own.landmarks)[:, :2] == pytest.approx(landmarks)
    assert pose.to_picture(own.landmarks)[:, 2] == pytest.approx(
        pose.to_picture(HEAD.landmarks)[:, 2]
    )
    landmarks[2, 0] += 400
    far = with_own_features(HEAD, pose, landmarks)
    assert np.abs(far.surface - HEAD.surface).max() < 0.2


def test_a_realistic_nose_stands_out_less_and_nothing_else_moves_forward() -> None:
    real = HEAD.realistic(0)
    right, down, before = HEAD.surface.T
    change = real.surface[:, 2] - before
    tip = np.argmin(np.hypot(right, down - 0.25))
    assert change[tip] == pytest.approx(-0.8 * (before[tip] - 0.59 - 0.08), abs=0.01)
    assert (change <= 0).all()
    assert np.array_equal(real.surface[:, :2], HEAD.surface[:, :2])
    beyond = (np.abs(right) > HEAD.half_width) | (down > HEAD.landmarks[3:, 1].max())
    assert change[beyond] == pytest.approx(0, abs=1e-6)
    # Landmarks tell the pose: a nose that is short in a turn is no other one in the photo.
    assert np.array_equal(real.landmarks, HEAD.landmarks)


def test_a_realistic_head_is_rounded_as_asked() -> None:
    flat, round_ = (HEAD.realistic(by).surface for by in (0.0, 0.5))
    side = np.abs(HEAD.surface[:, 0]) > 0.5
    assert (round_[side, 2] < flat[side, 2]).all()
    middle = np.abs(HEAD.surface[:, 0]) < 1e-9
    assert np.array_equal(round_[middle], flat[middle])
