"""Latent directions by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.tiny import CODES, W, write_directions
from unripple.conventions import BadCheckpoint, UnknownName
from unripple.zoo.directions import find_direction, read_directions


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(write_directions(tmp_path / "directions.safetensors"))


def test_directions_know_their_range_and_unit(path: Path) -> None:
    known = read_directions(path)
    assert list(known) == ["pose", "smile"]
    assert known["pose"].vector.shape == (W,) and known["smile"].vector.shape == (CODES, W)
    assert known["pose"].usable == (-4.0, 4.0)
    assert known["pose"].yaw_per_degree == 6.7 and known["smile"].yaw_per_degree is None
    assert known["pose"].attribute == "pose" and known["smile"].unit == "one smile"


@pytest.mark.parametrize(("degree", "warned"), [(-4.0, False), (4.0, False), (4.5, True)])
def test_degrees_outside_the_range_are_warned_of(path: Path, degree: float, warned: bool) -> None:
    warning = find_direction(path, "pose").warning(degree)
    assert (warning is not None) == warned
    if warning:
        assert "pose = 4.5 lies outside the usable range -4 to 4" in warning


def test_an_unknown_direction_names_the_nearest(path: Path) -> None:
    with pytest.raises(UnknownName, match=r"no direction 'smyle'.*did you mean 'smile'"):
        find_direction(path, "smyle")
    with pytest.raises(UnknownName, match="known: pose, smile"):
        find_direction(path, "xyz")


def test_without_metadata_nothing_is_promised(tmp_path: Path) -> None:
    path = tmp_path / "plain.safetensors"
    save_file({"age": np.ones(W, np.float32)}, path)
    direction = find_direction(path, "age")
    assert direction.usable is None and direction.warning(99.0) is None


def test_a_folder_holds_the_published_ones(tmp_path: Path) -> None:
    axis, mean = np.zeros((2, W), np.float32)
    axis[1] = 1
    about = {"spread": 0.5, "codes": [7, 8]}
    save_file({"age": np.ones((1, W), np.float32)}, tmp_path / "age.directions.safetensors")
    save_file(
        {"eyes": axis, "eyes/mean": mean},
        tmp_path / "pca.directions.safetensors",
        metadata={"eyes": json.dumps(about)},
    )
    save_file({"other": axis}, tmp_path / "pca.encoder.safetensors")
    found = read_directions(tmp_path)
    assert list(found) == ["age", "eyes"]
    assert found["age"].component is None and found["age"].codes is None
    eyes = found["eyes"]
    assert eyes.codes == (7, 8) and eyes.component is not None
    assert eyes.component.spread == 0.5 and np.array_equal(eyes.component.axis, axis)
    assert len(eyes.identity()) == 4 and len(found["age"].identity()) == 1


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="unripple models fetch directions"):
        read_directions(tmp_path)


def test_what_is_no_direction_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.safetensors"
    save_file({"age": np.ones((2, 3, 4), np.float32)}, path)
    with pytest.raises(BadCheckpoint, match="'age' is no direction"):
        read_directions(path)
    with pytest.raises(BadCheckpoint, match="no such weights file"):
        read_directions(tmp_path / "nothing.safetensors")


def test_without_the_published_folder_it_is_said_how_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNRIPPLE_MODELS", str(tmp_path / "none yet"))
    with pytest.raises(BadCheckpoint, match="none yet: no directions here; run `unripple models"):
        read_directions(tmp_path / "none yet")
