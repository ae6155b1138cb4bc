"""What is told of one photo: whether it is the generator's, and which turns convince on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from unripple.io.config import Edit
from unripple.ops.head import HeadPose
from unripple.runtime.advice import foreign_advice, plain_drawing_db, reduced_advice, turn_advice
from unripple.runtime.editor import Editor

LANDMARKS = np.array([(40, 50), (88, 50), (64, 76), (46, 100), (82, 100)], np.float32)


def made(error: float) -> dict[str, Any]:
    align = {
        "picture": np.zeros((128, 128, 3), np.uint8),
        "transform": np.array([[1.0, 0, 0], [0, 1, 0]]),
        "landmarks": LANDMARKS,
    }
    return {"align": align, "invert": {"residual": np.full((3, 32, 32), error, np.float16)}}


def test_a_photo_that_the_codes_draw_badly_is_foreign() -> None:
    assert plain_drawing_db(made(0.5)) == pytest.approx(12.04, abs=0.01)
    told = foreign_advice(made(0.5), embedded=True)
    assert told is not None and "12.0 dB" in told and "unripple models fetch published" in told
    other = foreign_advice(made(0.5), embedded=False)
    assert other is not None and "fetch" not in other
    assert foreign_advice(made(0.1), embedded=True) is None


def test_nobody_can_tell_without_landmarks_or_residual() -> None:
    artifacts = made(0.5)
    artifacts["align"]["landmarks"] = np.full((5, 2), np.nan, np.float32)
    assert foreign_advice(artifacts, embedded=True) is None
    assert plain_drawing_db({**made(0.5), "invert": {}}) is None


@pytest.mark.parametrize(
    ("yaw", "turn", "words"),
    [
        (5.0, {"yaw": -20.0}, ()),
        (20.0, {"yaw": 20.0}, ("would look 40",)),
        (20.0, {"yaw_to": 45.0}, ("would look 45",)),
        (-30.0, {"yaw": 20.0}, ("brings forward",)),
        (-30.0, {"yaw": 5.0}, ()),
        (60.0, {"yaw_to": 55.0}, ()),
        (0.0, {"roll": 30.0}, ()),
    ],
)
def test_turns_that_show_what_the_photo_hides(
    yaw: float, turn: dict[str, float], words: tuple[str, ...]
) -> None:
    told = turn_advice(turn, HeadPose(yaw, 0.0, 0.0, 30.0, (64.0, 64.0)))
    assert len(told) == len(words) and all(w in t for w, t in zip(words, told, strict=True))


def test_what_was_held_is_told() -> None:
    one = {"word": "yaw", "asked": -20.0, "used": -12.5, "why": "the photo hides the rest"}
    told = reduced_advice({"notes": {"reduced": [one]}})
    assert told == ["yaw = -20 was reduced to -12.5: the photo hides the rest"]
    assert reduced_advice({}) == reduced_advice({"notes": None}) == []


def test_what_the_generator_draws_weakly_is_nothing_to_the_photos_own_pixels() -> None:
    editor, edit = Editor(), Edit("edit", (("gender", 1.0),))
    assert editor.warnings(edit) == ["gender is weak in this generator: expect little change"]
    assert editor.warnings(edit, {"edit": {"changed": None}, "align": {}}) == []
    far = Edit("edit", (("gender", 5.0),))
    told, *_ = editor.warnings(far, {"edit": {"changed": None}, "align": {}})
    assert "usable range -2 to 2" in told
