"""Edits that go from the page into a config which the pipeline runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.tiny import snakemake, write_project
from unripple.conventions import BadConfig, UnrippleError
from unripple.io.config import Edit, complete, edits, read_config
from unripple.webui.app_state import AppState
from unripple.webui.batch import add
from unripple.webui.edit_request import EditRequest
from unripple.webui.session import Session

LEFT = Edit("left", (("pose", -2.0),))
RIGHT = Edit("right", (("pose", 2.0), ("smile", 1.5)))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "upload"  # no ending: what it is, its content says
    Image.new("RGB", (8, 8), (200, 100, 50)).save(path, "PNG")
    return path


def test_a_new_batch_is_a_whole_config(tmp_path: Path, photo: Path) -> None:
    batch, config = tmp_path / "b.yaml", complete({"inpaint": {"grow_px": 5}})
    added = add(batch, config, LEFT, photo, "Anna in May.png")
    read = read_config(batch)
    assert edits(read) == [LEFT] and added.new
    assert added.photo.read_bytes() == photo.read_bytes() and added.photo.name == "Anna-in-May.png"
    assert Path(read["photos"]) == added.photo.parent
    assert Path(read["results"]) == tmp_path / "b_results"
    own = ("photos", "results", "edits")
    assert {k: v for k, v in read.items() if k not in own} == {
        k: v for k, v in config.items() if k not in own
    }


def test_more_edits_and_photos_leave_what_is_there(tmp_path: Path, photo: Path) -> None:
    batch, config = tmp_path / "b.yaml", complete({})
    add(batch, config, LEFT, photo, "anna.png")
    batch.write_text(batch.read_text().replace("edits:\n", "# my edits\nedits:\n") + "# the end\n")
    before = batch.read_text().splitlines()
    again = add(batch, config, LEFT, photo, "anna.png")
    assert not again.new and batch.read_text().splitlines() == before
    add(batch, config, RIGHT, photo, "anna.png")
    assert [line for line in batch.read_text().splitlines() if "right" not in line] == before
    assert edits(read_config(batch)) == [LEFT, RIGHT]
    other = tmp_path / "other"
    Image.new("RGB", (8, 8)).save(other, "JPEG")
    names = {add(batch, config, RIGHT, path, "anna.png").photo.name for path in (photo, other)}
    assert names == {"anna.png", "anna.jpg"}


def test_a_photo_of_the_same_name_gets_another_one(tmp_path: Path, photo: Path) -> None:
    batch, config = tmp_path / "b.yaml", complete({})
    add(batch, config, LEFT, photo, "anna.png")
    Image.new("RGB", (9, 9)).save(photo, "PNG")
    assert add(batch, config, LEFT, photo, "anna.png").photo.name == "anna-2.png"
    assert add(batch, config, LEFT, photo, "../../etc/anna.png").photo.name == "anna-2.png"


@pytest.mark.parametrize(
    "written",
    [
        "edits:\n- {name: old, direction: pose, degree: 1}\n# done\nphotos: b_photos\n",
        "photos: b_photos\nedits:\n    - name: a\n      moves:\n        pose: 1\n\n\nreport: {}\n",
        "photos: b_photos\nedits: [] # none yet\n",
        "photos: b_photos\n",
    ],
)
def test_hand_written_batches_are_continued(
    tmp_path: Path, photo: Path, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    batch = Path("b.yaml")
    batch.write_text(written)
    before = yaml.safe_load(written)
    add(batch, complete({}), RIGHT, photo, "anna.png")
    now = yaml.safe_load(batch.read_text())
    assert now.pop("edits") == [
        *before.pop("edits", []),
        {"name": "right", "moves": dict(RIGHT.moves)},
    ]
    assert now == before
    kept = set(written.replace(" []", "").splitlines())
    assert kept <= set(batch.read_text().splitlines())


def test_a_list_that_cannot_be_continued_is_left_alone(tmp_path: Path, photo: Path) -> None:
    batch = tmp_path / "b.yaml"
    batch.write_text("edits: [{name: old, direction: pose, degree: 1}]\n")
    before = batch.read_text()
    with pytest.raises(BadConfig, match="add the line yourself"):
        add(batch, complete({}), RIGHT, photo, "anna.png")
    assert batch.read_text() == before


def test_other_settings_and_other_edits_of_a_name_are_refused(tmp_path: Path, photo: Path) -> None:
    batch = tmp_path / "b.yaml"
    add(batch, complete({}), LEFT, photo, "anna.png")
    text = batch.read_text()
    with pytest.raises(BadConfig, match=r'invert.method: "hfgi" there, "e4e" here'):
        add(batch, complete({"invert": {"method": "e4e"}}), RIGHT, photo, "anna.png")
    with pytest.raises(BadConfig, match="another edit called 'left'"):
        add(batch, complete({}), Edit("left", RIGHT.moves), photo, "anna.png")
    with pytest.raises(BadConfig, match="a-z"):
        add(batch, complete({}), Edit("Not A Name", RIGHT.moves), photo, "anna.png")
    assert batch.read_text() == text


def test_what_the_pipeline_could_not_make_is_refused(app_state: AppState, tmp_path: Path) -> None:
    session = Session(app_state, tmp_path)
    session.open(Path("data/photos/anna.png"), "anna.png", app_state.models[0], "hfgi")
    Image.new("L", (64, 64), 255).save(tmp_path / "mask.png")
    session.set_keep(tmp_path / "mask.png")
    session.full(EditRequest({"pose": 1.0}))
    with pytest.raises(UnrippleError, match="clear what is kept"):
        session.add_to_batch("kept")
    session.set_keep(None)
    session.full(EditRequest({"pose": 1.0}))
    session.save_translation("A_1")
    session.full(EditRequest({"pose": 1.0}, "user/A_1"))
    with pytest.raises(UnrippleError, match="sliders or a translation"):
        session.add_to_batch("translated")
    assert not app_state.batch.exists()


@pytest.mark.slow
def test_page_and_pipeline_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_project(tmp_path / "project", {"anna.png": (64, 64), "bob.png": (90, 120)})
    monkeypatch.chdir(folder)
    app_state = AppState(read_config(Path("config.yaml")), batch=Path("batch.yaml"))
    (tmp_path / "session").mkdir()
    session = Session(app_state, tmp_path / "session")
    made = {}
    for name, inverter in (("anna", "e4e"), ("bob", "e4e")):
        path = Path(f"data/photos/{name}.png")
        session.open(path, path.name, app_state.models[0], inverter)
        session.full(EditRequest({"pose": -1.7, "smile": 0.4}))
        session.add_to_batch("page")
        made[name] = session.result_png()
    session.full(EditRequest({"pose": 0.9}))
    session.save_translation("Turn_1")
    session.full(EditRequest({}, "user/Turn_1"))
    session.add_to_batch("turned")
    turned = session.result_png()
    snakemake(folder, "--configfile", "batch.yaml")
    assert (folder / "batch_results/paste/turned/bob.picture.png").read_bytes() == turned
    assert turned != made["bob"]
    for name, data in made.items():
        assert (folder / f"batch_results/paste/page/{name}.picture.png").read_bytes() == data
    assert not np.array_equal(*(np.frombuffer(data[-64:], np.uint8) for data in made.values()))
