"""Crops and the way back against the definition of StyleFeatureEditor's runner.

Its landmarks count from the centre of the first pixel, ours from its corner: half a pixel apart.
What is written here slowly is its definition; where its code does not do what it means (the way
back, borders), the test says what ours does instead.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.tiny import picture
from unripple.conventions import Photo
from unripple.ops.geometry import apply, crop_quad, face_affine, resample
from unripple.stages.paste import paste

SIDE = 96
LAWS = settings(deadline=None, max_examples=40)


def landmarks_68(x: float, y: float, size: float, degrees: float, seed: int = 0) -> np.ndarray:
    """dlib's points, of which the source reads the eyes and the corners of the mouth."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 0.1, (68, 2))
    points[36:42] += (-0.5, -0.3)
    points[42:48] += (0.5, -0.35)
    points[48] = (-0.35, 0.5)
    points[54] = (0.4, 0.55)
    points[30] = (0.02, 0.1)
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (size * points @ turn.T + (x, y)).astype(np.float32)


def published_quad(points: np.ndarray) -> np.ndarray:
    """Upper left, lower left, lower right, upper right, from pixel centres."""
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    eyes, across = (left + right) / 2, right - left
    down = (points[48] + points[54]) / 2 - eyes
    x = across - np.flipud(down) * (-1, 1)
    x = x / np.hypot(*x) * max(np.hypot(*across) * 2.0, np.hypot(*down) * 1.8)
    y = np.flipud(x) * (-1, 1)
    centre = eyes + down * 0.1
    return np.stack((centre - x - y, centre - x + y, centre + x + y, centre + x - y))


def five(points: np.ndarray) -> np.ndarray:
    """The same face in our landmarks."""
    chosen = (points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54])
    return (np.stack(chosen) + 0.5).astype(np.float32)


def published_crop(photo: Photo, points: np.ndarray) -> Photo:
    """One bilinear look at the quad; no face is shrunk here, and none leaves the photograph."""
    corners = (published_quad(points) + 0.5).flatten()
    look = Image.Transform.QUAD
    shown = Image.fromarray(photo).transform(
        (SIDE, SIDE), look, tuple(corners), Image.Resampling.BILINEAR
    )
    return np.asarray(shown)


def published_way_back(crop: Photo, points: np.ndarray, height: int, width: int) -> Photo:
    """The crop in the photograph's frame, by the corners without the half pixel; 0 elsewhere."""
    corners = np.array([[0, 0], [0, SIDE], [SIDE, SIDE], [SIDE, 0]], np.float32)
    to_crop = cv2.getPerspectiveTransform(published_quad(points).astype(np.float32), corners)
    numbers = (to_crop / to_crop[2, 2]).flatten()[:8]
    look = Image.Transform.PERSPECTIVE
    shown = Image.fromarray(crop).transform(
        (width, height), look, tuple(numbers), Image.Resampling.BILINEAR
    )
    return np.asarray(shown)


@LAWS
@given(
    st.floats(-50, 300), st.floats(-50, 300), st.floats(5, 200), st.floats(-80, 80), st.integers(0)
)
def test_the_quad_is_the_published_one(
    x: float, y: float, size: float, degrees: float, seed: int
) -> None:
    points = landmarks_68(x, y, size, degrees, seed % 1000)
    assert crop_quad(five(points)) == pytest.approx(published_quad(points) + 0.5, abs=1e-3)


def test_the_crop_is_the_published_one_where_nothing_is_shrunk() -> None:
    """Another filter looks at the same places: 40 to 44 dB on portraits, 51 where all is smooth."""
    with Image.open(Path(__file__).parents[2] / "data" / "photos" / "portrait-01.png") as portrait:
        large = portrait.convert("RGB").resize((384, 384), Image.Resampling.BICUBIC)
    for photo, least_db in ((picture(1, 384, 384), 50), (np.asarray(large), 40)):
        points = landmarks_68(190, 190, 24, 9)
        quad = published_quad(points)
        assert np.hypot(*(quad[3] - quad[0])) == pytest.approx(SIDE, rel=0.2)
        ours = resample(photo, face_affine(five(points), SIDE), width=SIDE, height=SIDE)
        error = np.square(ours.astype(float) - published_crop(photo, points)).mean()
        assert 10 * math.log10(255**2 / error) > least_db


def test_large_faces_are_averaged_and_not_sampled() -> None:
    """The source looks at four pixels whatever it leaves out between, and raises where it would
    shrink first: `Image.ANTIALIAS` is gone."""
    stripes = np.zeros((600, 600, 3), np.uint8)
    stripes[:, ::2] = 255
    points = landmarks_68(300, 300, 130, 0)
    ours = resample(stripes, face_affine(five(points), SIDE), width=SIDE, height=SIDE)
    assert np.abs(ours.astype(int) - 127).max() < 30
    assert published_crop(stripes, points).std() > 60


def blob(x: float, y: float) -> Photo:
    """A soft bright spot on black, in the crop."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    bright = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 40)
    return np.repeat(np.rint(bright).astype(np.uint8)[..., None], 3, axis=2)


def centre_of(shown: Photo) -> np.ndarray:
    weight = shown[..., 0].astype(float)
    rows, columns = np.mgrid[: shown.shape[0], : shown.shape[1]] + 0.5
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("degrees", [0.0, 12.0, -30.0])
def test_the_way_back_meets_the_way_there(degrees: float) -> None:
    """The published one leaves the half pixel out: what it pastes lies 0.7 px beside its place."""
    photo = np.zeros((220, 240, 3), np.uint8)
    points = landmarks_68(120.3, 104.7, 24, degrees)
    transform = face_affine(five(points), SIDE)
    true = apply(transform, np.array([50.0, 44.0]))
    touched = np.ones((SIDE, SIDE), np.bool_)
    ours = paste(photo, blob(50, 44), touched, transform, border_px=0).picture
    assert np.hypot(*(centre_of(ours) - true)) < 0.05
    theirs = published_way_back(blob(50, 44), points, 220, 240)
    assert np.hypot(*(centre_of(theirs) - true)) == pytest.approx(math.sqrt(0.5), abs=0.1)


def test_black_pixels_are_no_holes() -> None:
    photo = np.full((220, 240, 3), 200, np.uint8)
    points = landmarks_68(120, 104, 24, 0)
    touched = np.zeros((SIDE, SIDE), np.bool_)
    touched[20:-20, 20:-20] = True
    transform = face_affine(five(points), SIDE)
    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    pasted = paste(photo, black, touched, transform)
    inside = apply(transform, np.array([48.0, 48.0])).astype(int)
    assert not pasted.picture[inside[1], inside[0]].any()
    # The published mask is "any channel above 0", so the photograph would show through.
    assert not published_way_back(black, points, 220, 240).any()


@pytest.mark.parametrize(("x", "y"), [(20, 104), (220, 110), (120, 15), (118, 205)])
def test_a_face_at_any_border_comes_back_to_its_place(x: float, y: float) -> None:
    """The published pad offsets are mixed up, left with top."""
    photo = np.full((220, 240, 3), 90, np.uint8)
    points = landmarks_68(x, y, 24, 5)
    transform = face_affine(five(points), SIDE)
    place = np.array([52.0, 47.0])
    true = apply(transform, place)
    touched = np.zeros((SIDE, SIDE), np.bool_)
    touched[30:-30, 30:-30] = True
    crop = np.maximum(blob(*place), 90)
    pasted = paste(photo, crop, touched, transform).picture
    assert pasted.shape == photo.shape
    shown = pasted.astype(int) - 90
    assert np.hypot(*(centre_of(np.clip(shown, 0, 255)) - true)) < 0.3


def test_a_photo_larger_than_its_crop_keeps_its_size() -> None:
    """The published one shrinks the whole photograph, or crashes."""
    photo = picture(2, 700, 650)
    points = landmarks_68(320, 340, 120, 3)
    transform = face_affine(five(points), SIDE)
    crop = resample(photo, transform, width=SIDE, height=SIDE)
    touched = np.zeros((SIDE, SIDE), np.bool_)
    touched[24:-24, 24:-24] = True
    pasted = paste(photo, crop, touched, transform)
    assert pasted.picture.shape == photo.shape
    assert np.array_equal(pasted.picture[~pasted.touched], photo[~pasted.touched])
    error = np.square(pasted.picture.astype(float) - photo)[pasted.touched].mean()
    assert 10 * math.log10(255**2 / error) > 35  # a crop of a fifth of the side, laid back
