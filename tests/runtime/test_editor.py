"""A live session gives the bytes of the DAG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unripple
from tests.tiny import picture, walk, write_project
from unripple.conventions import NoFace, SeveralFaces, UnknownName, UnrippleError
from unripple.io.config import Edit, complete, read_config
from unripple.io.provenance import SOURCE_TYPE, source_type
from unripple.io.results import Results
from unripple.io.sheet import update_sheet
from unripple.report.assemble import assemble
from unripple.zoo.networks import Model
from unripple.zoo.zoo import Zoo


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    return write_project(folder, {"anna.png": (64, 64), "bob.png": (90, 120)})


@pytest.fixture
def settings(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(project)
    return read_config(Path("config.yaml"))


@pytest.fixture(scope="module")
def walked(project: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        walk(read_config(Path("config.yaml")))
    return project


@pytest.mark.parametrize(("photo", "cores"), [("anna", 1), ("bob", 1), ("bob", 3)])
def test_the_saved_file_is_the_dags(
    walked: Path, settings: dict[str, Any], photo: str, cores: int, tmp_path: Path
) -> None:
    editor = unripple.Editor(settings=settings, cores=cores)
    editor.edit(f"data/photos/{photo}.png", pose=-3).save(tmp_path / "out.png")
    from_dag = walked / "results" / "paste" / "look_left" / f"{photo}.picture.png"
    assert (tmp_path / "out.png").read_bytes() == from_dag.read_bytes()
    assert source_type(tmp_path / "out.png") == SOURCE_TYPE


@pytest.mark.parametrize("cores", [1, 3])
def test_every_stage_gives_the_values_of_the_dag(
    walked: Path, settings: dict[str, Any], cores: int
) -> None:
    editor = unripple.Editor(settings=settings, cores=cores)
    result = editor.edit("data/photos/bob.png", pose=-3)
    results = Results()
    for name, artifact in result.artifacts.items():
        stage, _, level = name.partition("@")
        of = level or (None if stage in ("align", "project", "invert") else "look_left")
        stored = results.store.get(results.read_manifest(stage, of, "00000").keys["bob"])
        assert stored.keys() == artifact.keys()
        for part, value in artifact.items():
            assert np.array_equal(stored[part], value), (name, part)


def test_pixels_in_memory_give_the_picture_of_the_file(settings: dict[str, Any]) -> None:
    settings = {**settings, "align": {"mode": "aligned"}}
    editor = unripple.Editor(settings=settings)
    from_file = editor.edit("data/photos/anna.png", pose=-3).picture
    assert np.array_equal(editor.edit(picture(0), pose=-3).picture, from_file)


def test_the_second_edit_of_a_photo_shares_the_inversion(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = unripple.Editor(settings=settings)
    editor.edit("data/photos/anna.png", pose=-3)
    asked: list[str] = []
    load = Zoo.load

    def listening(self: Zoo, role: str) -> Model:
        asked.append(role)
        return load(self, role)

    monkeypatch.setattr(Zoo, "load", listening)
    editor.edit("data/photos/anna.png", pose=2)
    assert "encoder" not in asked and "generator" in asked


def test_directions_add_up_and_warn(settings: dict[str, Any]) -> None:
    by_generator = {**settings, "edit": {**settings["edit"], "attributes": "generator"}}
    editor = unripple.Editor(settings=by_generator)
    result = editor.edit("data/photos/anna.png", pose=-9, smile=1)
    degrees, foreign = result.warnings  # the tiny generator can draw nobody
    assert degrees.split(" lies")[0] == "pose = -9" and "not of its world" in foreign
    assert set(editor.directions) >= {"pose", "smile"}
    with pytest.raises(UnknownName, match="did you mean 'pose'"):
        editor.edit("data/photos/anna.png", poze=-9)


def test_the_original_is_saved_over_only_on_request(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    settings = {**settings, "align": {"mode": "aligned"}}
    photo = tmp_path / "anna.png"
    photo.write_bytes(Path("data/photos/anna.png").read_bytes())
    (tmp_path / "link.png").symlink_to("anna.png")
    result = unripple.Editor(settings=settings).edit(photo, pose=-3)
    for name in ("anna.png", "link.png"):
        with pytest.raises(UnrippleError, match="is the photo itself"):
            result.save(tmp_path / name)
    assert photo.read_bytes() == Path("data/photos/anna.png").read_bytes()
    result.save(photo, overwrite=True)
    assert photo.read_bytes() != Path("data/photos/anna.png").read_bytes()


def test_stages_can_be_looked_at(settings: dict[str, Any]) -> None:
    result = unripple.Editor(settings=settings).edit("data/photos/anna.png", pose=-3)
    for name in result.artifacts:
        shown = result.stage(name)
        assert shown.dtype == np.uint8 and shown.shape[2] == 3, name
    assert result.strip.shape == (64, 8 * 64 + 7 * 4, 3)


def test_a_photo_without_landmarks_in_the_file_is_refused(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.png"
    stranger.write_bytes(Path("data/photos/anna.png").read_bytes())
    with pytest.raises(NoFace, match="the landmarks file does not name this photo"):
        unripple.Editor(settings=settings).edit(stranger, pose=1)


def test_stages_of_an_edit_ask_for_one(settings: dict[str, Any]) -> None:
    editor = unripple.Editor(settings=settings)
    assert set(editor.run("data/photos/anna.png", "parse")) == {
        "align",
        "project",
        "invert",
        "parse@photo",
    }
    with pytest.raises(UnknownName, match="stage ripple works on an edit"):
        editor.run("data/photos/anna.png", "ripple")


def test_the_report_shows_all_and_lists_failures(
    walked: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (walked / "data" / "photos" / "broken.png").write_bytes(b"")
    walk(settings)
    shards = sorted({row.shard for row in update_sheet(Path("data/photos"))})
    html, figures = assemble(settings, shards, Results())
    table = json.loads(figures)
    assert [(row["photo"], row["edit"]) for row in table["edits"]] == [
        ("anna", "look_left"),
        ("bob", "look_left"),
    ]
    assert table["edits"][0]["identity_cosine"] is not None
    assert table["medians"]["identity_cosine"] <= 1
    (failure,) = table["failures"]
    assert failure["photo"] == "broken" and failure["stage"] == "align"
    assert "0 bytes" in failure["reason"]
    assert html.count("data:image/webp;base64,") == 2 * 2  # of the photo, and of its edit
    assert "broken" in html and "0 bytes" in html


def test_photos_beyond_the_limit_are_shown_by_figures(
    walked: Path, settings: dict[str, Any]
) -> None:
    few = complete({**settings, "report": {"max_photos": 1}})
    html, figures = assemble(few, ["00000"], Results())
    assert html.count("data:image/webp;base64,") == 2
    assert len(json.loads(figures)["edits"]) == 2


def test_importing_unripple_costs_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, unripple, unripple.cli.main as m; m.build_parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "unripple.pipeline.graph" in loaded
    assert not loaded & {"torch", "timm", "sklearn", "snakemake"}


def test_all_faces_of_a_photo_are_edited_in_one_picture(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from unripple.stages import align as stage

    small = np.array([[20, 20], [30, 20], [25, 26], [21, 31], [29, 31]], np.float32)
    monkeypatch.setattr(stage, "faces_by_network", lambda *_, **__: [small, small * 1.5])
    align = {"mode": "embedded", "faces": "all"}
    result = unripple.Editor(settings={**settings, "align": align}).edit(picture(0), pose=-3)
    assert len(result.faces) == 2 and result.artifacts is result.faces[0]
    pasted = [face["paste"] for face in result.faces]
    touched = pasted[0]["touched"] | pasted[1]["touched"]
    assert np.array_equal(result.picture[~touched], picture(0)[~touched])
    for one, other in (pasted, pasted[::-1]):
        alone = one["touched"] & ~other["touched"]
        assert np.array_equal(result.picture[alone], one["picture"][alone])
    one = unripple.Editor(settings={**settings, "align": {**align, "faces": "largest"}})
    assert np.array_equal(one.edit(picture(0), pose=-3).picture, pasted[0]["picture"])
    with pytest.raises(SeveralFaces, match=r"--set align\.faces=largest"):
        unripple.Editor(settings={**settings, "align": {"mode": "embedded"}}).run(
            picture(0), "align"
        )


def test_an_edit_is_named_or_given_by_degrees_and_not_both() -> None:
    with pytest.raises(UnrippleError, match="edit: a says what to do; leave the degrees out"):
        unripple.Editor().edit(picture(0), Edit("a", (("smile", 1.0),)), pose=-3)
