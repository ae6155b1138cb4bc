"""Animations: WebP keeps every byte, GIF keeps still what is still, all of them carry the mark."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.tiny import picture
from unripple.conventions import UnrippleError
from unripple.io import provenance
from unripple.io.animation import ANIMATION_SUFFIXES, check_animation_name, encode_animation


def frames(height: int = 40, width: int = 50, count: int = 4) -> list[np.ndarray]:
    """A square that moves over a still picture."""
    found = []
    for number in range(count):
        frame = picture(0, height, width).copy()
        frame[10:20, 5 * number : 5 * number + 10] = (200, 40, 90)
        found.append(frame)
    return found


def decoded(data: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(data)) as animation:
        found = []
        for number in range(animation.n_frames):
            animation.seek(number)
            found.append(np.asarray(animation.convert("RGB")))
    return found


def test_webp_gives_back_the_very_frames() -> None:
    given = frames()
    for found, wanted in zip(decoded(encode_animation(given, ".webp", fps=10)), given, strict=True):
        assert np.array_equal(found, wanted)


def test_gif_is_near_and_what_stands_still_does_not_shimmer() -> None:
    given = frames()
    found = decoded(encode_animation(given, ".gif", fps=10))
    assert len(found) == len(given)
    for one, wanted in zip(found, given, strict=True):
        assert np.abs(one.astype(int) - wanted).mean() < 6
        assert np.array_equal(one[21:], found[0][21:])


@pytest.mark.parametrize(("ending", "fps", "ms"), [(".webp", 8, 125), (".gif", 8, 120)])
def test_it_runs_for_ever_at_its_speed(ending: str, fps: float, ms: int) -> None:
    with Image.open(io.BytesIO(encode_animation(frames(), ending, fps=fps))) as animation:
        assert animation.info["loop"] == 0
        animation.seek(1)
        animation.load()
        assert animation.info["duration"] == ms


def test_mp4_has_every_frame_and_even_sides(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    given = frames(41, 51)
    path.write_bytes(encode_animation(given, ".mp4", fps=10))
    film = cv2.VideoCapture(str(path))
    found = []
    while True:
        there, frame = film.read()
        if not there:
            break
        found.append(frame[..., ::-1])
    assert [frame.shape for frame in found] == [(42, 52, 3)] * len(given)
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(10, rel=0.01)
    for one, wanted in zip(found, given, strict=True):
        assert np.abs(one[:41, :51].astype(int) - wanted).mean() < 20


@pytest.mark.parametrize("ending", ANIMATION_SUFFIXES)
def test_the_mark_is_in_the_file(ending: str) -> None:
    word = provenance.SOURCE_TYPE.encode()
    assert word in encode_animation(frames(), ending, fps=10)
    assert word not in encode_animation(frames(), ending, fps=10, marked=False)


@pytest.mark.parametrize("ending", ANIMATION_SUFFIXES)
def test_the_same_frames_give_the_same_bytes(ending: str) -> None:
    once, again = (encode_animation(frames(), ending, fps=10) for _ in range(2))
    assert once == again


@pytest.mark.parametrize("name", ["a.png", "a", "a.avi"])
def test_other_endings_are_refused(name: str) -> None:
    with pytest.raises(UnrippleError, match=r"use one of \.gif, \.webp, \.mp4"):
        check_animation_name(Path(name))
