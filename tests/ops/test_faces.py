"""A reader that only knows single crops still finds faces in a scene."""

from __future__ import annotations

import numpy as np
import pytest

from unripple.conventions import Photo
from unripple.ops import faces, geometry

PATTERN = np.array([[-10, -8], [10, -8], [0, 2], [-7, 12], [7, 12]], float)
SIZE = 64


def place(x: float, y: float, scale: float, degrees: float = 0) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return PATTERN @ (scale * turn).T + (x, y)


def scene(*truths: np.ndarray, high: int = 300, wide: int = 400) -> Photo:
    """Coordinates written into colours, so that a reader can tell where its crop lies."""
    photo = np.zeros((high, wide, 3), np.uint8)
    for number, truth in enumerate(truths):
        rows, columns = np.mgrid[:high, :wide] + 0.5
        centre, reach = truth.mean(0), 30 * faces.face_unit(truth) / 20
        near = (abs(columns - centre[0]) < reach) & (abs(rows - centre[1]) < reach)
        x = (columns - centre[0]) / reach * 100 + 128
        y = (rows - centre[1]) / reach * 100 + 128
        code = np.stack((x, y, np.full_like(x, 250 - 60 * number)), -1).astype(np.uint8)
        photo = np.where(near[..., None], code, photo)
    return photo


def reader(*truths: np.ndarray):
    """Reads the face of which most is in the crop; without one, guesses the same middle."""

    def read(crops: Photo) -> np.ndarray:
        return np.stack([_one(crop.astype(float)) for crop in crops])

    def _one(crop: np.ndarray) -> np.ndarray:
        best, guess = 60, PATTERN + SIZE / 2
        for number, truth in enumerate(truths):
            seen = abs(crop[..., 2] - (250 - 60 * number)) < 3
            if seen.sum() <= best:
                continue
            best = seen.sum()
            rows, columns = np.nonzero(seen)
            reach = 30 * faces.face_unit(truth) / 20
            offsets = (crop[rows, columns, :2] - 127.5) / 100 * reach  # from the face's centre
            fit = np.column_stack((offsets, np.ones(len(rows))))
            coefficients = np.linalg.lstsq(
                fit, np.column_stack((columns + 0.5, rows + 0.5)), rcond=None
            )[0]
            points = np.column_stack((truth - truth.mean(0), np.ones(5)))
            guess = points @ coefficients
        return guess

    return read


@pytest.mark.parametrize(
    "truth",
    [place(90, 200, 1.5), place(280, 130, 2.0, 15), place(200, 150, 3.0, -10)],
    ids=["small", "tilted", "large"],
)
def test_a_face_is_found_wherever_it_is(truth: np.ndarray) -> None:
    found = faces.find_faces(scene(truth), reader(truth), size_px=SIZE)
    assert len(found) == 1
    assert found[0].landmarks == pytest.approx(truth, abs=0.05 * faces.face_unit(truth))
    assert found[0].spread < 0.05


def test_a_large_photo_is_searched_small_but_read_at_its_own_size() -> None:
    truth = place(140, 65, 1.0, 15)
    large = np.repeat(np.repeat(scene(truth, high=150, wide=200), 4, 0), 4, 1)
    widest = 0

    def read(crops: Photo) -> np.ndarray:
        nonlocal widest
        widest = max(widest, len(crops))
        return reader(truth)(crops)

    found = faces.find_faces(large, read, size_px=SIZE)
    assert len(found) == 1
    assert found[0].landmarks == pytest.approx(4 * truth, abs=0.05 * faces.face_unit(4 * truth))
    assert widest < 80


def test_near_a_find_of_others_the_face_is_read_as_a_search_reads_it() -> None:
    truths = (place(90, 180, 1.6), place(300, 120, 2.0))
    photo = np.repeat(np.repeat(scene(*truths), 3, 0), 3, 1)
    looked_at = 0

    def read(crops: Photo) -> np.ndarray:
        nonlocal looked_at
        looked_at += len(crops)
        return reader(*truths)(crops)

    unit = faces.face_unit(3 * truths[1])
    starts = [3 * truths[1] + 0.1 * unit, np.array([[5, 5], [9, 5], [7, 7], [6, 9], [8, 9]])]
    found = faces.faces_near(photo, starts, read, size_px=SIZE)
    assert [face.landmarks for face in found] == [pytest.approx(3 * truths[1], abs=0.05 * unit)]
    assert looked_at < 40
    assert faces.faces_near(photo, [], read, size_px=SIZE) == []


def test_two_faces_are_two() -> None:
    truths = (place(90, 180, 1.6), place(300, 120, 2.0))
    found = faces.find_faces(scene(*truths), reader(*truths), size_px=SIZE)
    assert len(found) == 2
    centres = sorted(face.landmarks[:, 0].mean() for face in found)
    assert centres == pytest.approx([truths[0][:, 0].mean(), truths[1][:, 0].mean()], abs=3)


def test_a_reader_that_guesses_the_middle_finds_nobody() -> None:
    # Windows are as large as the photo lets them be: a smaller one has as many of them.
    small = scene(high=150, wide=200)
    assert len(faces.windows(150, 200, SIZE)) == len(faces.windows(300, 400, SIZE))
    assert faces.find_faces(small, reader(), size_px=SIZE) == []


def test_windows_cover_the_photo() -> None:
    for high, wide in ((300, 400), (900, 300), (64, 64)):
        seen = np.zeros((high, wide), np.bool_)
        sides = set()
        for affine in faces.windows(high, wide, SIZE):
            assert affine[0, 0] == affine[1, 1] and affine[0, 1] == affine[1, 0] == 0
            low, end = geometry.apply(affine, np.array([[0.0, 0], [SIZE, SIZE]])).round(6)
            sides.add(round(float(end[0] - low[0])))
            if end[0] - low[0] < 0.5 * min(high, wide):
                top, left = (int(max(0, edge)) for edge in low[::-1])
                seen[top : int(np.ceil(end[1])), left : int(np.ceil(end[0]))] = True
        assert seen.all()
        assert len(sides) == len(faces.WINDOW_SIDES)


def test_face_unit_is_the_larger_extent() -> None:
    assert faces.face_unit(PATTERN) == pytest.approx(20)
    assert faces.face_unit(PATTERN * (0.5, 2)) == pytest.approx(40)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_face_is_found_on_its_side_and_upside_down(degrees: float) -> None:
    truth = place(200, 150, 2.5, degrees)
    found = faces.find_faces(scene(truth), reader(truth), size_px=SIZE)
    assert len(found) == 1
    assert found[0].landmarks == pytest.approx(truth, abs=0.05 * faces.face_unit(truth))


def test_an_unsure_reader_finds_nobody() -> None:
    truth = place(200, 150, 2.5)

    def find(level: float) -> int:
        def certainty(crops: Photo) -> np.ndarray:
            return np.full((len(crops), 5), level)

        return len(faces.find_faces(scene(truth), reader(truth), size_px=SIZE, certainty=certainty))

    assert find(1.0) == 1
    assert find(1e-4) == 0


@pytest.mark.parametrize(
    ("high", "wide", "most"),
    [
        (20000, 1, 0),
        (2, 32766, 0),
        (600, 1, 0),
        (1, 100, 0),
        (1, 1, 0),
        (20000, 40, 1000),
        (256, 16000, 1000),
        (256, 256, 50),
    ],
)
def test_windows_are_bounded(high: int, wide: int, most: int) -> None:
    assert (len(faces.windows(high, wide, SIZE)) > 0) == (most > 0)
    assert len(faces.windows(high, wide, SIZE)) <= most


def test_a_thin_photo_costs_nothing() -> None:
    def read(crops: Photo) -> np.ndarray:
        raise AssertionError("nothing to look for")

    for shape in ((20000, 1, 3), (2, 30000, 3), (1, 1, 3)):
        assert faces.find_faces(np.zeros(shape, np.uint8), read, size_px=SIZE) == []
