"""Benchmarks that go in pieces, and the count of what changed where nothing should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pieces import Pieces
from benchmarks.shape_judges import changed_far


def test_a_piece_is_made_once_and_none_is_begun_when_time_is_up(tmp_path: Path) -> None:
    path, made = tmp_path / "one.json", []

    def make() -> dict[str, int]:
        made.append(1)
        return {"figure": 3}

    assert not Pieces(-1.0).kept(path, make) and not made
    assert Pieces(1.0).kept(path, make) and Pieces(-1.0).kept(path, make)
    assert len(made) == 1 and json.loads(path.read_text()) == {"figure": 3}


def test_only_what_changed_far_from_the_person_counts() -> None:
    person = np.zeros((128, 128), np.bool_)
    person[40:80, 40:80] = True
    crop = np.zeros((128, 128, 3), np.uint8)
    photo = np.zeros((300, 300, 3), np.uint8)
    transform = np.array([[2.0, 0.0, 10.0], [0.0, 2.0, 10.0]])
    made: Any = {
        "align": {"picture": crop, "transform": transform, "landmarks": np.zeros((5, 2))},
        "ripple": {"before": person, "after": person},
    }
    near, far = photo.copy(), photo.copy()
    near[10 + 2 * 38, 10 + 2 * 60] = 255  # two crop px above the person
    far[10 + 2 * 30, 10 + 2 * 60] = 255
    far[290, 290] = 255  # beyond the crop
    assert changed_far(made, photo, near) == 0
    assert changed_far(made, photo, far) == 2 / photo[..., 0].size
    assert changed_far(made, photo, photo) == 0
