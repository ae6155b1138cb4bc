"""Crops of faces and the way back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unripple.conventions import BadPhoto, NoFace
from unripple.ops import geometry
from unripple.ops.geometry import FFHQ, Framing

FRONTAL = np.array([[40, 50], [60, 50], [50, 60], [43, 72], [57, 72]], np.float32)
ANGLES = st.floats(-170, 170)


def turned(points: np.ndarray, degrees: float, scale: float, move: tuple[float, float]):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ (scale * turn).T + move


def test_ffhq_quad_of_a_frontal_face() -> None:
    # Eyes 20 apart, mouth 22 below: half a side is max(20 * 2.0, 22 * 1.8) = 40, centre 2.2 down.
    quad = geometry.crop_quad(FRONTAL)
    assert quad == pytest.approx(np.array([[10, 12.2], [10, 92.2], [90, 92.2], [90, 12.2]]))


def test_a_long_face_is_framed_by_its_length() -> None:
    long = FRONTAL.copy()
    long[3:, 1] += 10
    side = geometry.crop_quad(long)[3] - geometry.crop_quad(long)[0]
    assert np.hypot(*side) == pytest.approx(2 * 1.8 * 32)


@settings(deadline=None, max_examples=40)
@given(ANGLES, st.floats(0.2, 9), st.floats(-50, 50), st.floats(-50, 50))
def test_the_crop_moves_with_the_face(degrees: float, scale: float, x: float, y: float) -> None:
    framing = Framing(scale=1.2, shift=(0.03, -0.05), nose_pull=0.4)
    face = FRONTAL + np.array([[0, 0], [0, 1], [3, 0], [1, 0], [0, 0]], np.float32)
    moved = geometry.crop_quad(turned(face, degrees, scale, (x, y)), framing)
    expected = turned(geometry.crop_quad(face, framing), degrees, scale, (x, y))
    assert moved == pytest.approx(expected, abs=1e-3)


def test_framing_scales_and_shifts_in_the_faces_own_axes() -> None:
    def centre(framing: Framing) -> np.ndarray:
        return geometry.crop_quad(FRONTAL, framing).mean(0)

    wide = geometry.crop_quad(FRONTAL, FFHQ._replace(scale=1.5))
    assert np.hypot(*(wide[3] - wide[0])) == pytest.approx(120)
    assert centre(FFHQ._replace(scale=1.5)) == pytest.approx(centre(FFHQ))
    shifted = centre(FFHQ._replace(shift=(0.1, -0.2))) - centre(FFHQ)
    assert shifted == pytest.approx([8, -16])


def test_nose_pull_moves_against_the_nose() -> None:
    turned_right = FRONTAL.copy()
    turned_right[2] += (6, 0)
    pulled = geometry.crop_quad(turned_right, FFHQ._replace(nose_pull=0.5)).mean(0)
    assert pulled - geometry.crop_quad(turned_right).mean(0) == pytest.approx([-3, -5])


@pytest.mark.parametrize("face", [np.full((5, 2), 7.0), np.full((5, 2), np.nan)])
def test_landmarks_without_extent_are_no_face(face: np.ndarray) -> None:
    with pytest.raises(NoFace, match="coincide"):
        geometry.crop_quad(face.astype(np.float32))


@settings(deadline=None, max_examples=40)
@given(ANGLES, st.floats(0.3, 5))
def test_the_map_is_a_similarity_with_an_inverse(degrees: float, scale: float) -> None:
    affine = geometry.face_affine(turned(FRONTAL, degrees, scale, (5, 9)), 64)
    linear = affine[:, :2]
    size = geometry.scale_of(affine)
    assert linear.T @ linear == pytest.approx(size**2 * np.eye(2), abs=1e-6)
    assert size == pytest.approx(80 * scale / 64, rel=1e-5)
    both = geometry.compose(geometry.inverse(affine), affine)
    assert both == pytest.approx(np.eye(2, 3), abs=1e-9)


def test_crop_corners_lie_on_the_quad() -> None:
    quad = geometry.crop_quad(turned(FRONTAL, 20, 1.7, (3, 4)))
    affine = geometry.quad_to_affine(quad, 64)
    corners = np.array([[0, 0], [0, 64], [64, 64], [64, 0]], float)
    assert geometry.apply(affine, corners) == pytest.approx(quad)


IDENTITY = np.eye(2, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("smooth", [True, False])
def test_identity_keeps_every_value(dtype: type, smooth: bool) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (19, 23, 3)).astype(dtype)
    same = geometry.resample(photo, IDENTITY, width=23, height=19, smooth=smooth)
    assert np.array_equal(same, photo)


def test_whole_pixel_moves_are_exact_and_borders_are_mirrored() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    moved = geometry.resample(photo, np.array([[1.0, 0, -2], [0, 1, 3]]), width=12, height=12)
    assert np.array_equal(moved[:9, 2:], photo[3:, :10])
    assert np.array_equal(moved[:9, 1], photo[3:, 1])


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_shrinking_averages_areas(factor: int) -> None:
    # On a ramp bicubic samples are exact, so the mean over each tile is the exact answer.
    rows, columns = np.mgrid[: 16 * factor, : 16 * factor].astype(np.float32)
    ramp = 2 * rows + columns
    affine = np.array([[factor, 0.0, 0], [0, factor, 0]])
    small = geometry.resample(ramp, affine, width=16, height=16)
    tiles = ramp.reshape(16, factor, 16, factor).mean((1, 3))
    assert small[2:-2, 2:-2] == pytest.approx(tiles[2:-2, 2:-2], abs=0.05)


def test_shrinking_does_not_alias() -> None:
    rows, columns = np.mgrid[:240, :240]
    board = (((rows + columns) % 2) * 255).astype(np.uint8)
    small = geometry.resample(board, np.array([[5.0, 0, 0], [0, 5, 0]]), width=48, height=48)
    assert np.abs(small.astype(int) - 127).max() <= 16  # 25 squares: 12 or 13 of them white


def test_landmarks_land_where_the_crop_shows_them() -> None:
    face = turned(FRONTAL, -25, 3.1, (60, 120)).astype(np.float32)
    photo = np.zeros((420, 420, 3), np.uint8)
    for x, y in face:
        cv2.circle(photo, (round((x - 0.5) * 16), round((y - 0.5) * 16)), 6 * 16, (255,) * 3, -1,
                   cv2.LINE_AA, shift=4)  # fmt: skip
    affine = geometry.face_affine(face, 96)
    crop = geometry.resample(photo, affine, width=96, height=96)[..., 0].astype(float)
    for x, y in geometry.apply(geometry.inverse(affine), face.astype(float)):
        left, top = int(x) - 4, int(y) - 4
        patch = crop[top : top + 9, left : left + 9]
        rows, columns = np.mgrid[:9, :9] + 0.5
        seen = np.array([(patch * columns).sum(), (patch * rows).sum()]) / patch.sum()
        assert seen + np.array((left, top)) == pytest.approx((x, y), abs=0.1)


def test_a_photo_too_large_to_resample_says_so() -> None:
    with pytest.raises(BadPhoto, match="32766"):
        geometry.resample(np.zeros((2, 40000), np.uint8), IDENTITY, width=4, height=4)


def test_places_are_looked_up_from_the_corner_on() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    rows, columns = np.mgrid[10:14, 50:60]
    centres = np.stack((columns, rows), axis=-1) + 0.5
    assert np.array_equal(geometry.sample(picture, centres), picture[10:14, 50:60])
    ramp = np.broadcast_to(np.arange(60, dtype=np.float32)[None, :, None], (40, 60, 3))
    found = geometry.sample(ramp, centres[:, :4] + (0.25, 0.3))
    # OpenCV's cubic is not quite linear on a ramp; a place that is off by a pixel is off by 1.
    wanted = np.broadcast_to(np.arange(50.25, 54)[:, None], (4, 4, 3))
    assert found == pytest.approx(wanted, abs=0.06)


@pytest.mark.parametrize("corner", [(0, 0), (0, 59), (39, 0), (39, 59)])
def test_whatever_lies_about_a_place_is_read_with_it(corner: tuple[int, int]) -> None:
    """As if the whole picture had been looked at, up to its border and mirrored beyond it."""
    picture = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    far = np.array([[[0.5, 0.5], [59.5, 39.5]]])  # these two have all of the picture read
    at = np.array(corner[::-1]) + np.array([[[0.3, 0.8], [-0.9, -1.4], [1.7, 1.2]]])
    alone = geometry.sample(picture, at)
    assert np.array_equal(alone, geometry.sample(picture, np.concatenate((at, far), 1))[:, :3])
    inner = np.array([[[30.3, 20.8]]])
    with_far = np.concatenate((inner, far), 1)
    assert np.array_equal(
        geometry.sample(picture, inner), geometry.sample(picture, with_far)[:, :1]
    )


def test_a_stretched_map_stays_within_its_values() -> None:
    step = np.zeros((8, 8), np.float16)
    step[:, 4:] = 1
    wide = geometry.stretched(step, 32)
    assert wide.dtype == np.float32 and wide.shape == (32, 32)
    assert wide.min() == 0 and wide.max() == 1
    assert wide[0, 14:18] == pytest.approx([0.125 + 0.25 * n for n in range(1, 4)] + [1], abs=0.26)
    assert np.array_equal(geometry.stretched(step, 8), step)


def test_the_longest_side_is_still_resampled_and_the_next_one_refused() -> None:
    still = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    longest = geometry.MAX_SIDE_PX
    for wide, high in ((longest, 1), (1, longest)):
        row = np.full((high, wide), 7, np.uint8)
        assert (geometry.resample(row, still, width=wide, height=high) == 7).all()
        wide, high = wide + (wide > 1), high + (high > 1)
        with pytest.raises(BadPhoto, match="cannot be resampled"):
            geometry.resample(np.zeros((4, 4), np.uint8), still, width=wide, height=high)
        with pytest.raises(BadPhoto, match="cannot be resampled"):
            geometry.resample(np.zeros((high, wide), np.uint8), still, width=4, height=4)


def test_beyond_the_border_a_picture_is_mirrored_about_its_outermost_pixels() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (50, 30, 3), np.uint8)  # a tall one
    inside = [[2, 1], [29 - 2, 3], [4, 49 - 1]]
    beyond = np.array([[[-2, 1], [29 + 2, 3], [4, 49 + 1]]]) + 0.5
    found = geometry.sample(picture, beyond)
    assert np.array_equal(found[0], [picture[y, x] for x, y in inside])
