"""Shard jobs compute what is lacking, and one photo's trouble costs no other."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny import SIZE, picture, walk, write_directions, write_models
from unripple.conventions import BadPhoto, StoreError
from unripple.io.config import Config, complete
from unripple.io.results import Results
from unripple.io.sheet import SHEET, read_sheet, update_sheet
from unripple.pipeline.graph import STEPS
from unripple.pipeline.jobs import job_from_config
from unripple.pipeline.limits import Limits
from unripple.runtime import shard
from unripple.runtime.pool import Do
from unripple.runtime.shard import run_shard
from unripple.zoo.zoo import Zoo

STAGES = ("align", "project", "translate")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("weights")
    models = write_models(folder)
    return {"models": models, "directions": write_directions(folder / "directions.safetensors")}


@pytest.fixture
def config(weights: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Two photos that are crops already, in the current folder."""
    monkeypatch.chdir(tmp_path)
    add_photo("anna.png", 1)
    add_photo("bob.png", 2)
    edits = [{"name": "left", "direction": "pose", "degree": -3}]
    return complete({**weights, "align": {"mode": "aligned"}, "edits": edits})


def add_photo(name: str, seed: int, height: int = SIZE, width: int = SIZE) -> None:
    from PIL import Image

    Path("data/photos").mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed, height, width)).save(Path("data/photos", name))


def keys(stage: str, of: str | None = None) -> dict[str, str]:
    return dict(Results().read_manifest(stage, of, "00000").keys)


def computed(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Stage and photo of everything that was not there already."""
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    return [
        f"{line.split()[0]} {line.split()[-3]}" for line in lines if "there already" not in line
    ]


def test_a_second_run_computes_nothing(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    walk(config, STAGES)
    before = {path: path.stat().st_mtime_ns for path in Path("results/store").rglob("*")}
    caplog.clear()
    with caplog.at_level(logging.INFO):
        walk(config, STAGES)
    assert computed(caplog) == []
    assert {path: path.stat().st_mtime_ns for path in Path("results/store").rglob("*")} == before


def test_what_is_there_needs_no_network(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    walk(config, STAGES)

    def load(self: Zoo, role: str) -> None:
        raise AssertionError(f"{role} was loaded for nothing")

    monkeypatch.setattr(Zoo, "load", load)
    walk(config, STAGES)


def test_networks_are_loaded_once_for_all_photos(config: Config) -> None:
    walk(config, ("align",))
    loads = []

    def uncounted() -> contextlib.AbstractContextManager[None]:
        loads.append("now")
        return contextlib.nullcontext()

    def each(names: Sequence[str], do: Do[Any], limits: Limits) -> Iterator[tuple[str, Any]]:
        yield from ((name, do(name, uncounted)) for name in names)

    job = job_from_config(config, "project", None, Zoo(config["models"]))
    rows = read_sheet(SHEET)
    manifest = run_shard(job, "00000", rows, {row.photo for row in rows}, Results(), each=each)
    assert set(manifest.keys) == {"anna", "bob"}
    assert loads == ["now"]


def test_a_new_photo_costs_one_photo(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    walk(config, STAGES)
    before = keys("translate", "left")
    add_photo("carla.png", 3)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        walk(config, STAGES)
    assert computed(caplog) == [f"{stage} carla:" for stage in ("align", "project")] + [
        "translate carla:"
    ]
    after = keys("translate", "left")
    assert {name: after[name] for name in before} == before and set(after) - set(before) == {
        "carla"
    }


def test_photos_of_equal_bytes_share_their_artifacts(config: Config) -> None:
    Path("data/photos/twin.png").write_bytes(Path("data/photos/anna.png").read_bytes())
    walk(config, STAGES)
    assert keys("project")["anna"] == keys("project")["twin"]
    assert Path("results/align/twin.picture.png").samefile("results/align/anna.picture.png")


def test_a_broken_photo_fails_alone_and_is_passed_on(config: Config) -> None:
    Path("data/photos/broken.png").write_bytes(b"no picture")
    walk(config, STAGES)
    for stage, of in (("align", None), ("project", None), ("translate", "left")):
        manifest = Results().read_manifest(stage, of, "00000")
        assert set(manifest.keys) == {"anna", "bob"}
        why = manifest.failures["broken"]
        assert (why.stage, why.type) == ("align", "BadPhoto")
        assert "not a picture" in why.message


def test_a_mended_photo_is_taken_up_again(config: Config) -> None:
    Path("data/photos/broken.png").write_bytes(b"no picture")
    walk(config, STAGES)
    add_photo("broken.png", 5)
    walk(config, STAGES)
    assert set(keys("translate", "left")) == {"anna", "bob", "broken"}


def test_old_pictures_of_a_photo_that_fails_now_are_gone(config: Config) -> None:
    walk(config, STAGES)
    assert Path("results/align/bob.picture.png").exists()
    Path("data/photos/bob.png").write_bytes(b"")
    walk(config, STAGES)
    assert not list(Path("results").glob("*/bob.*"))
    assert Path("results/align/anna.picture.png").exists()


def test_an_unforeseen_error_costs_one_photo(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    project = STEPS["project"].call

    def stumbles(work: Any) -> Any:
        if work.inputs["align"]["picture"][0, 0, 0] == picture(1)[0, 0, 0]:  # anna's
            raise ZeroDivisionError("a bug")
        return project(work)

    object.__setattr__(STEPS["project"], "call", stumbles)
    try:
        walk(config, STAGES)
    finally:
        object.__delattr__(STEPS["project"], "call")
    manifest = Results().read_manifest("project", None, "00000")
    assert set(manifest.keys) == {"bob"}
    assert str(manifest.failures["anna"]) == "ZeroDivisionError: a bug"
    assert any(record.exc_info for record in caplog.records)


def test_a_full_disk_stops_the_job_and_leaves_no_manifest(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    update_sheet(Path("data/photos"))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        walk(config, ("align",))
    assert not [path for path in Path("results").rglob("*") if path.is_file()]


def test_a_lost_artifact_is_named_with_its_cure(config: Config) -> None:
    walk(config, ("align",))
    Results().store.remove(keys("align")["anna"])
    with pytest.raises(StoreError, match="unripple verify --repair"):
        walk(config, ("project",))


def test_the_sheet_may_say_how_one_photo_is_aligned(config: Config) -> None:
    add_photo("wide.png", 4, 80, 120)
    update_sheet(Path("data/photos"))
    sheet = Path("data/sheet.tsv")
    sheet.write_text(sheet.read_text().replace("wide.png\t00000\t", "wide.png\t00000\tfile"))
    points = [[40, 30], [56, 30], [48, 38], [42, 47], [54, 47]]
    Path("points.json").write_text(json.dumps({"wide": points}))
    walk(complete({**config, "align": {"mode": "aligned", "landmarks": "points.json"}}), ("align",))
    assert set(keys("align")) == {"anna", "bob", "wide"}
    landmarks = Results().store.get(keys("align")["wide"])["landmarks"]
    assert np.array_equal(landmarks, np.array(points, np.float32))


@pytest.fixture
def several(config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """One photo of one face, and one of two, of which all are asked for."""
    from unripple.stages import align as stage

    small = np.array([[20, 20], [30, 20], [25, 26], [21, 31], [29, 31]], np.float32)
    faces = {SIZE: [small], 100: [small, small * 2]}
    monkeypatch.setattr(stage, "faces_by_network", lambda photo, *_, **__: faces[photo.shape[0]])
    Path("data/photos/bob.png").unlink()
    add_photo("group.png", 4, 100, 100)
    return complete({**config, "align": {"mode": "embedded", "faces": "all"}})


def test_every_face_of_a_photo_becomes_a_subject(config: Config, several: Config) -> None:
    walk(several, STAGES)
    walk(several, STAGES)
    assert set(keys("translate", "left")) == {"anna", "group+1", "group+2"}
    assert Path("results/align/group+2.picture.png").exists()
    walk(complete({**config, "align": {"mode": "embedded", "faces": "refuse"}}), STAGES)
    manifest = Results().read_manifest("translate", "left", "00000")
    assert set(manifest.keys) == {"anna"}
    assert manifest.failures["group"].type == "SeveralFaces"
    assert not list(Path("results/align").glob("group+*"))


def test_beside_one_picture_per_face_there_is_one_with_all(
    several: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = tuple(stage for stage in STEPS if stage != "measure")
    walk(several, every)
    first = keys("paste", "left")
    assert {"group", "group+1", "group+2"} <= set(keys("paste", "left"))
    pasted = [Results().store.get(keys("paste", "left")[f"group{n}"]) for n in ("", "+1", "+2")]
    joint, *single = pasted
    assert np.array_equal(joint["touched"], single[0]["touched"] | single[1]["touched"])
    shared = single[0]["touched"] & single[1]["touched"]
    for one in single:
        alone = one["touched"] & ~shared
        assert np.array_equal(joint["picture"][alone], one["picture"][alone])
    outside = ~joint["touched"]
    assert np.array_equal(joint["picture"][outside], single[0]["picture"][outside])
    assert Path("results/paste/left/group.picture.png").exists()
    assert Path("results/paste/left/group+2.picture.png").exists()
    Results().store.remove(first["group"])
    walk(several, ("paste",))
    assert keys("paste", "left") == first and Results().store.has(first["group"])
    monkeypatch.setattr(shard, "compute_or_load", _fails_for_the_second(first))
    walk(several, ("paste",))
    manifest = Results().read_manifest("paste", "left", "00000")
    assert set(manifest.keys) == {"anna", "group+1"}
    assert set(manifest.failures) == {"group", "group+2"}
    assert not Path("results/paste/left/group.picture.png").exists()


def _fails_for_the_second(keys: dict[str, str]) -> Callable[..., tuple[list[str], bool]]:
    """Stands in for `compute_or_load` at `paste`: of two faces, the second cannot be done."""
    real = shard.compute_or_load

    def compute_or_load(*given: Any) -> tuple[list[str], bool]:
        found = real(*given)
        if found[0] == [keys["group+2"]]:
            raise BadPhoto("the second face")
        return found

    return compute_or_load


def test_manifests_that_disagree_are_refused(config: Config) -> None:
    walk(config, STAGES)
    path = Path("results/project/00000.json")
    content = json.loads(path.read_text())
    del content["photos"]["bob"]
    path.write_text(json.dumps(content))
    job = job_from_config(config, "invert", None, Zoo(config["models"]))
    rows = read_sheet(Path("data/sheet.tsv"))
    with pytest.raises(StoreError, match="bob is missing from the manifest of project"):
        run_shard(job, "00000", rows, {"anna", "bob"}, Results())
