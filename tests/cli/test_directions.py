"""`unripple directions fit`, `measure` and `list`, on tiny networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import CODES, W, picture, write_directions, write_models
from unripple.cli.main import main
from unripple.zoo.directions import read_directions


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    config = {
        "models": write_models(tmp_path / "models"),
        "directions": write_directions(tmp_path / "directions.safetensors"),
        "align": {"mode": "aligned"},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    return tmp_path


def write_latents(folder: Path, count: int = 80) -> None:
    """Latents w+ whose first entry is the age."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    lines = ["name\tage\tmood"]
    for i in range(count):
        latent = rng.normal(size=(CODES, W)).astype(np.float32)
        np.save(folder / f"p{i}.npy", latent)
        lines.append(
            f"p{i}\t{latent[:, 0].mean():.4f}\t{'' if i % 3 == 0 else latent[:, 1].mean()}"
        )
    (folder.parent / "labels.tsv").write_text("\n".join(lines) + "\n")


def test_fitted_directions_are_listed_with_their_ranges(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_latents(here / "latents")
    words = "directions fit --latents latents --labels labels.tsv --faces 2 -o mine.safetensors"
    assert main(words.split()) == 0
    assert capsys.readouterr().out.startswith("# What the directions move")
    found = read_directions(here / "mine.safetensors")
    assert list(found) == ["age", "mood"] and np.abs(found["age"].vector).argmax() == 0
    figures = json.loads((here / "mine.json").read_text())
    assert set(figures["age"]["per_degree"]) == {"yaw", "smile", "age", "glasses"}
    assert "| age | age |" in (here / "mine.md").read_text()
    for words in ("directions list", "directions"):
        assert main([*words.split(), "--set", "directions=mine.safetensors"]) == 0
        line = capsys.readouterr().out.splitlines()[0]
        assert line.startswith("age\t-3 to 3\tone standard deviation of the codes along it")


@pytest.mark.parametrize("method", ["ganspace", "sefa"])
def test_modes_need_no_labels(here: Path, method: str) -> None:
    words = f"directions fit --method {method} --modes 3 --samples 40 --faces 0 -o m.safetensors"
    assert main(words.split()) == 0
    assert len(read_directions(here / "m.safetensors")) == 3


def test_photos_are_projected_first_and_bad_ones_left_out(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "faces").mkdir()
    for seed in range(12):
        Image.fromarray(picture(seed)).save(here / "faces" / f"p{seed}.png")
    (here / "faces" / "odd.png").write_bytes(b"no picture")
    words = "directions fit --photos faces --method ganspace --modes 2 --faces 0 -o m.safetensors"
    assert main([*words.split(), "--space", "w+"]) == 0
    assert read_directions(here / "m.safetensors")["pca_00"].vector.shape == (CODES, W)
    told = capsys.readouterr().err
    assert "left out" in told and "12 latents" in told


def test_drawn_faces_are_labelled_by_the_attribute_network(here: Path) -> None:
    words = "directions fit --samples 90 --attributes smile,age --faces 1 -o m.safetensors"
    assert main(words.split()) == 0
    assert list(read_directions(here / "m.safetensors")) == ["age", "smile"]


def test_known_directions_are_measured(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["directions", "measure", "--faces", "2", "-o", "measured.md"]) == 0
    figures = json.loads((here / "measured.json").read_text())
    assert set(figures) == {"pose", "smile"} and figures["pose"]["factor"] == "yaw"
    assert (here / "measured.md").read_text() == capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("-o m.npy", "ends in .safetensors"),
        ("--latents latents -o m.safetensors", "needs --labels"),
        ("--latents latents --photos x -o m.safetensors", "give one of the two"),
        (
            "--latents latents --labels labels.tsv --attributes hat -o m.safetensors",
            "no 'hat' in the labels: age, mood",
        ),
        ("--photos nowhere -o m.safetensors", "no photo there"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    here: Path, words: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_latents(here / "latents", 4)
    assert main(["directions", "fit", *words.split()]) != 0
    assert complaint in capsys.readouterr().err
    assert not list(here.glob("m.*"))
