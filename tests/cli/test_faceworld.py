"""`unripple faceworld photos`: sample photos and the truth beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unripple.cli.faceworld import SCENES, TRUE_EDITS, scene_view
from unripple.cli.main import main
from unripple.conventions import BadConfig
from unripple.faceworld.camera import portrait, project
from unripple.io.truth import TruthFolder

SIDE_PX = 32
ONE = ("--portraits", "1", "--scenes", "0", "--size", str(SIDE_PX))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("photos")
    assert main(["faceworld", "photos", "--out", str(out), *ONE]) == 0
    return out


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_photo_and_truth_belong_together(folder: Path) -> None:
    photo = pixels(folder / "portrait-01.png")
    truth = folder / "truth" / "portrait-01"
    plate, alpha = pixels(truth / "plate.png"), pixels(truth / "alpha.png")
    assert photo.shape == plate.shape == (SIDE_PX, SIDE_PX, 3)
    assert np.array_equal(photo[alpha == 0], plate[alpha == 0])
    assert 0.2 < (alpha > 127).mean() < 0.8
    assert np.array_equal(pixels(truth / "labels.png") > 0, alpha >= 128)


def test_every_default_edit_has_its_true_picture(folder: Path) -> None:
    truth = folder / "truth" / "portrait-01"
    about = json.loads((truth / "meta.json").read_text())
    for edit, moves in TRUE_EDITS.items():
        known = TruthFolder(folder / "portrait-01.png", "portrait-01", edit, moves).read()
        assert known is not None
        assert known.counterfactual is not None
        assert not np.array_equal(known.counterfactual, pixels(folder / "portrait-01.png"))
    assert about["edits"]["look_left"]["yaw_deg"] == pytest.approx(about["yaw_deg"] - 20, abs=0.01)
    assert about["edits"]["look_right"]["yaw_deg"] == pytest.approx(about["yaw_deg"] + 20, abs=0.01)


def test_a_truth_for_other_degrees_does_not_count(folder: Path) -> None:
    known = TruthFolder(folder / "portrait-01.png", "portrait-01", "look_left", {"pose": -1.0})
    found = known.read()
    assert found is not None
    assert found.counterfactual is None
    assert found.plate is not None


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: f"{s.width}x{s.height} at {s.at}")
def test_a_scene_puts_the_portrait_where_it_says(scene) -> None:
    import torch

    from unripple.faceworld.camera import CAMERA_HEIGHT

    centre = project(scene_view(scene), torch.tensor([[0.0, CAMERA_HEIGHT, 0.0]]))[0]
    assert centre.tolist() == pytest.approx(
        [scene.at[0] * scene.width, scene.at[1] * scene.height], abs=0.01
    )


def test_another_photo_of_a_samples_name_is_kept(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["faceworld", "photos", "--out", str(tmp_path), *ONE]
    (tmp_path / "portrait-01.png").write_bytes(b"mine")
    assert main(words) == 2
    assert "add --overwrite" in capsys.readouterr().err
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]
    assert main([*words, "--overwrite"]) == main(words) == 0
    sample = (folder / "portrait-01.png").read_bytes()
    assert (tmp_path / "portrait-01.png").read_bytes() == sample


@pytest.mark.parametrize("size", [0, -1, 10**9])
def test_no_portrait_has_no_size(size: int) -> None:
    with pytest.raises(BadConfig, match="size must be at least 1"):
        portrait(size)
