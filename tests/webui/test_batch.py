"""Edits that go from the page into a config which the pipeline runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.tiny import snakemake, write_project
from unripple.cli.main import main
from unripple.conventions import BadConfig, UnrippleError
from unripple.io.config import Config, Edit, complete, edits, read_config
from unripple.io.landmarks import read_landmarks
from unripple.runtime.editor import Editor
from unripple.webui.app_state import AppState
from unripple.webui.batch import Added, add, remove
from unripple.webui.batch_marks import Marked
from unripple.webui.edit_request import EditRequest
from unripple.webui.pair_run import Maker, results_of
from unripple.webui.session import Session

LEFT = Edit("left", (("pose", -2.0),))
RIGHT = Edit("right", (("pose", 2.0), ("smile", 1.5)))


def put(batch: Path, config: Config, edit: Edit, photo: Path, name: str) -> Added:
    return add(batch, config, edit, Marked(photo, name))


def of(edit: Edit, *photos: str) -> Edit:
    return replace(edit, photos=photos)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "upload"  # no ending: what it is, its content says
    Image.new("RGB", (8, 8), (200, 100, 50)).save(path, "PNG")
    return path


def test_a_new_batch_is_a_whole_config(tmp_path: Path, photo: Path) -> None:
    batch, config = tmp_path / "b.yaml", complete({"inpaint": {"grow_px": 5}})
    added = put(batch, config, LEFT, photo, "Anna in May.png")
    read = read_config(batch)
    assert edits(read) == [of(LEFT, "Anna-in-May.png")] and added.new
    assert added.photo.read_bytes() == photo.read_bytes() and added.photo.name == "Anna-in-May.png"
    assert Path(read["photos"]) == added.photo.parent
    assert Path(read["results"]) == tmp_path / "b_results"
    own = ("photos", "results", "edits")
    assert {k: v for k, v in read.items() if k not in own} == {
        k: v for k, v in config.items() if k not in own
    }


def test_more_edits_and_photos_leave_what_is_there(tmp_path: Path, photo: Path) -> None:
    batch, config = tmp_path / "b.yaml", complete({})
    put(batch, config, LEFT, photo, "anna.png")
    batch.write_text(batch.read_text().replace("edits:\n", "# my edits\nedits:\n") + "# the end\n")
    before = batch.read_text().splitlines()
    again = put(batch, config, LEFT, photo, "anna.png")
    assert not again.new and batch.read_text().splitlines() == before
    put(batch, config, RIGHT, photo, "anna.png")
    assert [line for line in batch.read_text().splitlines() if "right" not in line] == before
    one = "anna.png"
    assert edits(read_config(batch)) == [of(LEFT, one), of(RIGHT, one)]
    other = tmp_path / "other"
    Image.new("RGB", (8, 8)).save(other, "JPEG")
    names = {put(batch, config, RIGHT, path, "anna.png").photo.name for path in (photo, other)}
    assert names == {"anna.png", "anna.jpg"}


def test_a_photo_of_the_same_name_gets_another_one(tmp_path: Path, photo: Path) -> None:
    batch, config = tmp_path / "b.yaml", complete({})
    put(batch, config, LEFT, photo, "anna.png")
    Image.new("RGB", (9, 9)).save(photo, "PNG")
    assert put(batch, config, LEFT, photo, "anna.png").photo.name == "anna-2.png"
    assert put(batch, config, LEFT, photo, "../../etc/anna.png").photo.name == "anna-2.png"


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
    put(batch, complete({}), RIGHT, photo, "anna.png")
    now = yaml.safe_load(batch.read_text())
    assert now.pop("edits") == [
        *before.pop("edits", []),
        {"name": "right", "moves": dict(RIGHT.moves), "photos": ["anna.png"]},
    ]
    assert now == before
    kept = set(written.replace(" []", "").splitlines())
    assert kept <= set(batch.read_text().splitlines())


def test_a_list_that_cannot_be_continued_is_left_alone(tmp_path: Path, photo: Path) -> None:
    batch = tmp_path / "b.yaml"
    batch.write_text("edits: [{name: old, direction: pose, degree: 1}]\n")
    before = batch.read_text()
    with pytest.raises(BadConfig, match="add the line yourself"):
        put(batch, complete({}), RIGHT, photo, "anna.png")
    assert batch.read_text() == before


def test_other_settings_and_other_edits_of_a_name_are_refused(tmp_path: Path, photo: Path) -> None:
    batch = tmp_path / "b.yaml"
    put(batch, complete({}), LEFT, photo, "anna.png")
    text = batch.read_text()
    with pytest.raises(BadConfig, match=r'invert.method: "hfgi" there, "e4e" here'):
        put(batch, complete({"invert": {"method": "e4e"}}), RIGHT, photo, "anna.png")
    with pytest.raises(BadConfig, match="another edit called 'left'"):
        put(batch, complete({}), Edit("left", RIGHT.moves), photo, "anna.png")
    with pytest.raises(BadConfig, match="a-z"):
        put(batch, complete({}), Edit("Not A Name", RIGHT.moves), photo, "anna.png")
    assert batch.read_text() == text


def test_what_the_pipeline_could_not_make_is_refused(app_state: AppState, tmp_path: Path) -> None:
    session = Session(app_state, tmp_path)
    session.open(Path("data/photos/anna.png"), "anna.png", app_state.models[0], "hfgi")
    session.full(EditRequest({"pose": 1.0}))
    session.save_translation("A_1")
    session.full(EditRequest({"pose": 1.0}, "user/A_1"))
    with pytest.raises(UnrippleError, match="sliders or a translation"):
        session.add_to_batch("translated")
    session.full(EditRequest({"pose": 1.0}, others={0: EditRequest({"pose": 2.0})}, face=0))
    assert not app_state.batch.exists()


@pytest.mark.slow
def test_page_pipeline_python_and_command_give_the_same_bytes(
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
    kept = Image.new("L", (60, 45))
    kept.paste(255, (20, 10, 40, 30))
    kept.save(tmp_path / "mask.png")
    session.set_keep(tmp_path / "mask.png")
    session.full(EditRequest({"pose": -1.7, "smile": 0.4}))
    masked = session.add_to_batch("page")
    assert masked.photo.name == "bob-2.png" and session.result_png() != made["bob"]
    made["bob-2"] = session.result_png()
    maker = Maker(Path("batch.yaml"), "cpu", lambda _: None)
    told = maker.make({"id": "one", "photo": "bob-2.png", "edit": "page"})
    assert Path(told["picture"]).read_bytes() == made["bob-2"]
    saved = [tmp_path / "python.png", tmp_path / "command.png"]
    editor = Editor(settings=read_config(Path("batch.yaml")))
    editor.edit(masked.photo, pose=-1.7, smile=0.4).save(saved[0])
    degrees = ["--edit", "pose=-1.7", "--edit", "smile=0.4"]
    words = [str(masked.photo), *degrees, "--config", "batch.yaml"]
    assert main(["edit", *words, "-o", str(saved[1])]) == 0
    assert all(path.read_bytes() == made["bob-2"] for path in saved)
    said = snakemake(folder, "--configfile", "batch.yaml")
    results = results_of(read_config(Path("batch.yaml"))).root
    assert (results / "paste/turned/bob.picture.png").read_bytes() == turned
    assert turned != made["bob"]
    for name, data in made.items():
        assert (results / f"paste/page/{name}.picture.png").read_bytes() == data, name
    assert not list((results / "paste/turned").glob("anna*"))  # nobody asked for that
    logs = (results / "log/edit/page").glob("*.log")
    done = [line for path in logs for line in path.read_text().splitlines() if "bob-2" in line]
    assert done and "there already" in done[-1], (said, done)


def test_a_pair_can_be_taken_back(tmp_path: Path, photo: Path) -> None:
    batch, config = tmp_path / "b.yaml", complete({})
    other = tmp_path / "other"
    Image.new("RGB", (8, 8)).save(other, "JPEG")
    for path in (photo, other):
        put(batch, config, LEFT, path, "anna.png")
    put(batch, config, RIGHT, photo, "anna.png")
    assert edits(read_config(batch))[0] == of(LEFT, "anna.png", "anna.jpg")
    remove(batch, "left", "anna.png")
    remove(batch, "right", "anna.png")
    assert edits(read_config(batch)) == [of(LEFT, "anna.jpg")]
    remove(batch, "left", "anna.jpg")
    assert edits(read_config(batch)) == []


def test_an_edit_gets_a_name_of_its_own(tmp_path: Path, photo: Path) -> None:
    batch, config = tmp_path / "b.yaml", complete({})
    first = add(batch, config, LEFT, Marked(photo, "anna.png"), rename=True)
    again = add(batch, config, LEFT, Marked(photo, "anna.png"), rename=True)
    other = add(batch, config, replace(RIGHT, name="Left"), Marked(photo, "a.png"), rename=True)
    assert (first.edit, again.edit, other.edit) == ("left", "left", "Left_2")


def test_masks_and_chosen_faces_are_told_to_the_batch(tmp_path: Path, photo: Path) -> None:
    batch, config = tmp_path / "b.yaml", complete({})
    put(batch, config, LEFT, photo, "anna.png")
    batch.write_text(batch.read_text() + "# mine\n")
    mask = tmp_path / "mask.png"
    Image.new("L", (8, 8), 255).save(mask)
    points = [[1.5, 2], [6, 2], [4, 4], [2, 6], [6, 6]]
    added = add(batch, config, LEFT, Marked(photo, "anna.png", points, mask))
    assert added.photo.name == "anna-2.png"
    read = read_config(batch)
    assert read["edit"]["keep"] == (tmp_path / "b_masks").as_posix() and read["edit"]["keep_pixels"]
    assert (tmp_path / "b_masks/anna-2.png.png").read_bytes() == mask.read_bytes()
    assert Image.open(tmp_path / "b_masks/anna.png.png").getextrema() == (0, 0)
    assert read_landmarks(Path(read["align"]["landmarks"])) == {"anna-2.png": points}
    assert batch.read_text().endswith("# mine\n")
    again = add(batch, config, RIGHT, Marked(photo, "anna.png", points, mask))
    assert again.photo == added.photo
