"""The strip: one tile per stage that can be seen, in running order, whatever the table says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import unripple
from tests.tiny import picture, walk, write_project
from unripple.conventions import StoreError, UnknownName
from unripple.io.config import complete, find_edit, read_config
from unripple.io.results import PHOTO, Results
from unripple.io.truth import PhotoTruth
from unripple.pipeline.graph import STEPS
from unripple.report import assemble as report
from unripple.report import strip
from unripple.runtime.cache import LayeredCache, MemoryCache
from unripple.runtime.editor import LAST_STEP
from unripple.runtime.subject import find_source
from unripple.runtime.sweep import degrees_between, sweep, there_and_back
from unripple.runtime.view import as_picture, over


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("project"), {"anna.png": (64, 64)})
    truth = folder / "data" / "photos" / "truth" / "anna" / "look_left"
    truth.mkdir(parents=True)
    Image.fromarray(picture(9)).save(truth / "photo.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        walk(read_config(Path("config.yaml")))
    return folder


@pytest.fixture
def config(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(project)
    return read_config(Path("config.yaml"))


def finished(config: dict[str, Any], cache: Any = None) -> dict[str, Any]:
    editor = unripple.Editor(settings=config, cache=cache)
    return editor.run(find_source("anna", config), LAST_STEP, find_edit(config, "look_left"))


def test_one_tile_per_stage_in_running_order(config: dict[str, Any]) -> None:
    artifacts = finished(config)
    drawn = strip.tiles_of(artifacts, "look_left", PhotoTruth(counterfactual=picture(9)))
    assert [(tile.stage, tile.of_photo) for tile in drawn] == [
        ("align", True), ("invert", True), ("edit", False), ("parse", True), ("parse", False),
        ("ripple", False), ("depth", True), ("depth", False), ("foreground", False),
        ("inpaint", False), ("compose", False), ("paste", False), (strip.TRUTH, False),
    ]  # fmt: skip
    order = [tile.stage for tile in drawn[:-1]]
    assert order == sorted(order, key=list(STEPS).index)
    for tile in drawn[:-1]:
        name = f"{tile.stage}@{PHOTO}" if tile.of_photo else tile.stage
        name = tile.stage if name not in artifacts else name
        shown = artifacts[name][STEPS[tile.stage].shows]
        if shown.dtype == np.bool_:
            wanted = over(artifacts["edit"]["picture"], shown)
        else:
            wanted = as_picture(STEPS[tile.stage].shows, shown)
        assert np.array_equal(tile.picture, wanted), tile.stage


def test_the_picture_holds_every_tile_unchanged(config: dict[str, Any]) -> None:
    drawn = strip.tiles_of(finished(config), "look_left")
    sheet = strip.draw(drawn, side_px=64)
    assert sheet.shape == (64 + 26, len(drawn) * 70 - 6, 3)
    for number, tile in enumerate(drawn):
        assert np.array_equal(sheet[:64, number * 70 : number * 70 + 64], tile.picture)
    assert (sheet[64:] != 255).any()
    assert strip.draw(drawn, side_px=64, captions=False).shape[0] == 64


def test_a_stage_without_a_caption_is_called_by_its_word() -> None:
    sharpen = dataclasses.replace(STEPS["compose"], name="sharpen", edit_title="")
    steps = {"align": STEPS["align"], "sharpen": sharpen}
    shown = {"align": picture(0), "sharpen": picture(1)}
    drawn = list(strip.tiles("e", lambda stage, of, name: shown.get(stage), None, steps))
    assert [tile.title for tile in drawn] == ["photo", "sharpen"]


def test_over_tints_inside_and_pales_outside() -> None:
    black = np.zeros((1, 2, 3), np.uint8)
    laid = over(black, np.array([[True, False]]), rgb=(200, 0, 0))
    assert laid.tolist() == [[[120, 0, 0], [89, 89, 89]]]


def test_what_a_run_has_finished_is_not_computed_again(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = finished(config)
    monkeypatch.setattr("unripple.zoo.zoo.Zoo.load", lambda *_: pytest.fail("loads a network"))
    found = finished(config, LayeredCache(Results().store, MemoryCache()))
    assert found.keys() == wanted.keys()
    assert np.array_equal(found["paste"]["picture"], wanted["paste"]["picture"])


def test_what_is_new_stays_out_of_the_store(config: dict[str, Any]) -> None:
    before = list(Results().store.stored())
    other = complete({**config, "ripple": {"grow_px": 7}})
    finished(other, LayeredCache(Results().store, MemoryCache()))
    assert list(Results().store.stored()) == before


def test_a_photo_is_found_by_id_and_by_file(config: dict[str, Any]) -> None:
    by_id, by_file = (find_source(word, config) for word in ("anna", "data/photos/anna.png"))
    assert by_id == by_file and by_id.points is not None
    with pytest.raises(UnknownName, match=r"no photo 'ana' .*did you mean 'anna'"):
        find_source("ana", config)


@pytest.mark.parametrize("crop", [True, False])
def test_a_frame_is_the_edit_at_its_degree(config: dict[str, Any], crop: bool) -> None:
    editor = unripple.Editor(settings=config)
    frames = list(sweep(editor, find_source("anna", config), "pose", [-2, 1.5], crop=crop))
    for degree, frame in zip([-2, 1.5], frames, strict=True):
        result = unripple.Editor(settings=config).edit("data/photos/anna.png", pose=degree)
        wanted = result.stage("compose") if crop else result.picture
        assert np.array_equal(frame, wanted)


def test_degrees_go_from_end_to_end_and_back_without_a_pause() -> None:
    assert degrees_between(-3, 3, 5) == [-3, -1.5, 0, 1.5, 3]
    assert degrees_between(1, 0, 2) == [1, 0]
    assert there_and_back([1, 2, 3]) == [1, 2, 3, 2]
    assert there_and_back([1, 2]) == [1, 2]


# ------------------------------------------------------------------------------------- the report


def data_of(html: str) -> dict[str, Any]:
    start = html.index('id="data">') + len('id="data">')
    data: dict[str, Any] = json.loads(html[start : html.index("</script>", start)])
    return data


def test_the_report_places_every_tile_in_running_order(config: dict[str, Any]) -> None:
    html, _ = report.assemble(config, ["00000"], Results())
    data = data_of(html)
    (tiles,) = data["layouts"]
    assert [tile[0] for tile in tiles] == [
        *(place.title for place in strip.places("look_left")), strip.TRUTH,
    ]  # fmt: skip
    ((_, _, _, photo_strip, edit_strip, *_),) = data["rows"]
    assert data["strips"].keys() == {photo_strip, edit_strip}
    for title, of_photo, at, within, file in tiles:
        path = Path("results", report.FOLDER, photo_strip if of_photo else edit_strip)
        with Image.open(path) as picture_of:
            assert picture_of.size == (within * (64 + 4), 64) and at < within
        if file:
            assert Path("results", file.format(photo="anna", edit="look_left")).exists(), title
    with Image.open(Path("results", report.FOLDER, edit_strip)) as shown:
        assert b"trainedAlgorithmicMedia" in shown.info["xmp"].replace(b"Trained", b"trained")


def test_strips_are_drawn_once_and_old_ones_go(config: dict[str, Any]) -> None:
    first, _ = report.assemble(config, ["00000"], Results())
    folder = Path("results", report.FOLDER)
    (folder / "old.webp").write_bytes(b"")
    times = {path: path.stat().st_mtime_ns for path in folder.glob("*.webp")}
    again, _ = report.assemble(config, ["00000"], Results())
    assert again == first
    assert not (folder / "old.webp").exists()
    assert all(path.stat().st_mtime_ns == times[path] for path in folder.glob("*.webp"))


def test_many_photos_leave_their_strips_in_the_folder(config: dict[str, Any]) -> None:
    html, _ = report.assemble({**config, "report": {**config["report"], "embed_photos": 0}},
        ["00000"], Results())  # fmt: skip
    data = data_of(html)
    assert data["strips"] == {} and data["folder"] == f"{report.FOLDER}/"
    assert Path("results", report.FOLDER, data["rows"][0][3]).exists()


def test_a_stage_that_did_not_run_is_an_error(config: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="not made yet"):
        report.assemble(config, ["00001"], Results())
