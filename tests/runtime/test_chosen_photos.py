"""An edit that names its photos is made of them alone; marked landmarks are taken as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tiny import write_project
from unripple import Editor
from unripple.conventions import BadConfig, NotOffered
from unripple.io.config import Edit, edits, read_config
from unripple.pipeline.jobs import Job, job_from_config
from unripple.zoo.zoo import Zoo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(
        tmp_path_factory.mktemp("chosen"), {"anna.png": (64, 64), "bob.png": (64, 64)}
    )


def config_of(folder: Path, **more: object) -> Path:
    path = folder / "chosen.yaml"
    content = json.loads((folder / "config.yaml").read_text())
    path.write_text(json.dumps({**content, **more}))
    return path


def test_photos_travel_to_the_job_and_enter_no_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    asked = [{"name": "left", "moves": {"pose": -2}, "photos": ["anna.png"]}]
    config = read_config(config_of(folder, edits=asked))
    (edit,) = edits(config)
    assert edit.photos == ("anna.png",)
    zoo = Zoo(config["models"])
    job = job_from_config(config, "translate", "left", zoo)
    again = Job.from_json("translate", "left", job.to_json())
    assert again.only == ("anna.png",)
    plain = job_from_config(config, "translate", "left", zoo, edit=Edit("left", edit.moves))
    assert plain.only is None and plain.ingredients({}) == job.ingredients({})
    assert job_from_config(config, "parse", "left", zoo).only is None


def test_other_photos_are_not_offered_the_edit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    editor = Editor(settings=read_config(Path("config.yaml")))
    edit = Edit("left", (("pose", -2.0),), photos=("anna",))
    assert "translate" in editor.run("data/photos/anna.png", "translate", edit)
    with pytest.raises(NotOffered, match="bob: the edit left is for other photos"):
        editor.run("data/photos/bob.png", "translate", edit)


def test_a_wrong_list_of_photos_is_told(folder: Path) -> None:
    wrong = [{"name": "left", "moves": {"pose": -2}, "photos": "anna"}]
    with pytest.raises(BadConfig, match="photos"):
        read_config(config_of(folder, edits=wrong))


def test_marked_landmarks_are_taken_in_mode_auto(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    marked = Editor(settings=read_config(Path("config.yaml")))
    align = {"mode": "auto", "landmarks": "data/landmarks.json"}
    found = Editor(settings=read_config(config_of(folder, align=align)))
    one, other = (each.run("data/photos/bob.png", "align")["align"] for each in (marked, found))
    assert (one["picture"] == other["picture"]).all() and (
        one["transform"] == other["transform"]
    ).all()
