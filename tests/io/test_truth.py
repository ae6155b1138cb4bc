"""The truth of a rendered photo counts only for the edit it was rendered for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unripple.conventions import BadPhoto
from unripple.io.truth import TruthFolder

MOVES = {"pose": -3.0}


def write(folder: Path, moves: dict[str, float]) -> Path:
    place = folder / "truth" / "anna"
    (place / "look_left").mkdir(parents=True)
    plate = Image.fromarray(np.full((4, 6, 3), 7, np.uint8))
    alpha = Image.fromarray(np.tile(np.array([0, 127, 128, 255], np.uint8), (4, 1)))
    plate.save(place / "plate.png")
    alpha.save(place / "alpha.png")
    plate.save(place / "look_left" / "photo.png")
    alpha.save(place / "look_left" / "alpha.png")
    about = {"yaw_deg": 5.0, "edits": {"look_left": {"yaw_deg": -15.0, "moves": moves}}}
    (place / "meta.json").write_text(json.dumps(about))
    return folder / "anna.png"


def test_all_that_is_known_is_read(tmp_path: Path) -> None:
    truth = TruthFolder(write(tmp_path, MOVES), "anna", "look_left", MOVES).read()
    assert truth is not None and truth.plate is not None and truth.before is not None
    assert truth.plate.shape == (4, 6, 3)
    assert truth.before[0].tolist() == [False, False, True, True]
    assert truth.counterfactual is not None and truth.after is not None
    assert truth.yaw_deg == -15.0


def test_large_pictures_may_be_jpg(tmp_path: Path) -> None:
    photo = write(tmp_path, MOVES)
    plate = tmp_path / "truth" / "anna" / "plate.png"
    with Image.open(plate) as picture:
        picture.save(plate.with_suffix(".jpg"))
    plate.unlink()
    truth = TruthFolder(photo, "anna", "look_left", MOVES).read()
    assert truth is not None and truth.plate is not None


def test_another_degree_has_no_counterfactual(tmp_path: Path) -> None:
    truth = TruthFolder(write(tmp_path, {"pose": -2.0}), "anna", "look_left", MOVES).read()
    assert truth is not None and truth.plate is not None
    assert truth.counterfactual is None and truth.after is None and truth.yaw_deg is None


def test_photos_without_truth_have_none(tmp_path: Path) -> None:
    truth = TruthFolder(tmp_path / "bob.png", "bob", "look_left", MOVES)
    assert truth.read() is None
    assert truth.digests() == {}


def test_digests_follow_the_files(tmp_path: Path) -> None:
    truth = TruthFolder(write(tmp_path, MOVES), "anna", "look_left", MOVES)
    before = truth.digests()
    assert set(before) == {
        "alpha.png",
        "look_left/alpha.png",
        "look_left/photo.png",
        "meta.json",
        "plate.png",
    }
    (tmp_path / "truth" / "anna" / "meta.json").write_text("{}")
    after = truth.digests()
    assert {name for name in after if after[name] != before[name]} == {"meta.json"}


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        '{"edits": 3}',
        '{"edits": {"look": [1]}}',
        '{"edits": {"look": {"yaw_deg": "far"}}}',
        '{"edits": {}, "edits": {}}',
        "[" * 100_000,
    ],
)
def test_what_is_said_otherwise_is_refused_by_name(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "truth" / "anna"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(text)
    with pytest.raises(BadPhoto, match=r"meta\.json"):
        TruthFolder(tmp_path / "anna.png", "anna", "look", {}).read()
