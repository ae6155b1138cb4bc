"""`unripple edit`: several photos, names of results, what is said where, and how it ends."""

from __future__ import annotations

import io
import json
import logging
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import picture, write_project
from unripple.cli.edit import Task, tasks_of
from unripple.cli.main import BAD_FILE, BAD_INPUT, main
from unripple.cli.meter import StepMeter
from unripple.conventions import UnrippleError

NAMES = ("anna.png", "bob.png")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"), dict.fromkeys(NAMES, (64, 64)))


@pytest.fixture
def photos(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two photos of its own, and the project to run in."""
    monkeypatch.chdir(project)
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes((project / "data/photos" / name).read_bytes())
    return folder


def test_results_lie_beside_the_photos_and_are_named_on_stdout(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["edit", *(str(photos / name) for name in NAMES), "--edit", "pose=-3"]) == 0
    made = [photos / "anna-pose-3.png", photos / "bob-pose-3.png"]
    assert capsys.readouterr().out.splitlines() == [str(path) for path in made]
    assert all(Image.open(path).size == (64, 64) for path in made)


def test_a_folder_goes_into_a_folder_beside_it(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["edit", str(photos), "--edit", "smile=1", "-q"]
    words += ["--set", "edit.attributes=generator"]
    assert main(words) == 0
    made = photos.with_name("mine-smile+1")
    assert sorted(path.name for path in made.iterdir()) == [
        "anna-smile+1.png",
        "bob-smile+1.png",
    ]
    said = capsys.readouterr().err.splitlines()
    assert all("the generator draws this photo" in line for line in said)  # no progress, no sum
    assert [line.partition(": ")[0] for line in said] == [str(photos / name) for name in NAMES]
    assert sorted(path.name for path in photos.iterdir()) == list(NAMES)


def test_a_photo_that_fails_does_not_stop_the_others(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "bad.png").write_text("no picture")
    assert main(["edit", str(photos), "--edit", "pose=-3", "--json", "-o", str(photos / "o")]) == 1
    shown = capsys.readouterr()
    told = [json.loads(line) for line in shown.out.splitlines()]
    assert [Path(one["photo"]).name for one in told] == ["anna.png", "bad.png", "bob.png"]
    assert told[1]["failed"] == "BadPhoto" and "not a picture" in told[1]["reason"]
    assert all(Path(one["out"]).exists() for one in (told[0], told[2]))
    assert shown.err.splitlines()[-1] == f"failed: {photos / 'bad.png'}"


def test_results_are_replaced_only_on_request(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["edit", str(photos / "anna.png"), "--edit", "pose=-3", "-q"]
    made = photos / "anna-pose-3.png"
    made.write_text("mine")
    assert main(words) == BAD_INPUT
    assert "anna-pose-3.png is there already; add --overwrite" in capsys.readouterr().err
    assert made.read_text() == "mine"
    assert main([*words, "--overwrite"]) == 0
    assert np.asarray(Image.open(made)).shape == (64, 64, 3)


def test_stages_and_their_seconds_are_told(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["edit", str(photos / "anna.png"), "--edit", "pose=-3", "-v"]) == 0
    said = capsys.readouterr().err
    assert "anna.png: align: " in said and "anna.png: paste: " in said


@pytest.mark.parametrize(
    ("photos", "out", "made"),
    [
        (["a.jpg"], None, ["a-pose-3-glasses+3.png"]),
        (["in/a.jpg"], "o.webp", ["o.webp"]),
        (["in/a.jpg"], "made", ["made/a-pose-3-glasses+3.png"]),
        (
            ["a.jpg", "b.png"],
            "made",
            ["made/a-pose-3-glasses+3.png", "made/b-pose-3-glasses+3.png"],
        ),
    ],
)
def test_where_results_go(photos: list[str], out: str | None, made: list[str]) -> None:
    words = ["pose=-3", "glasses=3"]
    tasks = tasks_of([Path(name) for name in photos], words, None if out is None else Path(out))
    assert tasks == [Task(Path(one), Path(to)) for one, to in zip(photos, made, strict=True)]


def test_several_photos_are_no_one_file(tmp_path: Path) -> None:
    with pytest.raises(UnrippleError, match="cannot hold 2 pictures"):
        tasks_of([Path("a.jpg"), Path("b.jpg")], ["pose=1"], Path("o.png"))
    with pytest.raises(UnrippleError, match="no photos in this folder"):
        tasks_of([tmp_path], ["pose=1"], None)


def test_two_photos_of_one_name_are_refused(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.d"
    other.mkdir()
    Image.fromarray(picture(3)).save(other / "anna.png")
    words = ["edit", str(photos / "anna.png"), str(other / "anna.png"), "--edit", "pose=1"]
    assert main([*words, "-o", str(tmp_path / "made")]) == BAD_INPUT
    assert "would both be written to" in capsys.readouterr().err


def test_a_long_stage_is_not_silent(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StepMeter, "LINES_S", 0.02)
    with caplog.at_level(logging.INFO):
        meter = StepMeter(3, quiet=False, verbose=False, stream=io.StringIO())
        with meter, meter.photo("anna.png"):
            meter.stage("project")
            meter.loss("anna", 2, 9, 0.5)
            time.sleep(0.2)
    assert "anna.png: project 2/9 loss 0.50000, 1 of 3" in caplog.text


def test_an_empty_command_says_what_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edit"]) == BAD_INPUT
    assert "name a photo or a folder of photos" in capsys.readouterr().err
    assert BAD_FILE == 1


def test_no_core_is_refused_by_the_name_of_its_switch(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["edit", str(photos / "anna.png"), "--edit", "pose=-3", "--cores", "0"])
    assert ended.value.code == BAD_INPUT
    assert "--cores: '0' is no number of cores" in capsys.readouterr().err
