"""Keys follow all that decides the bytes, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny import write_directions, write_models
from unripple.conventions import BadCheckpoint, BadConfig, UnknownName, UnrippleError
from unripple.io.config import Config, Edit, complete
from unripple.io.digest import value_sha256
from unripple.pipeline.jobs import Job, job_from_config
from unripple.zoo.directions import Direction
from unripple.zoo.directions import write_directions as write_own
from unripple.zoo.zoo import Zoo


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("job")
    models = write_models(folder)
    edits = [
        {"name": "look_left", "direction": "pose", "degree": -3},
        {"name": "smile", "direction": "smile", "degree": 2},
    ]
    directions = write_directions(folder / "directions.safetensors")
    return {"models": models, "directions": directions, "edits": edits}


def job(base: dict[str, Any], stage: str, of: str | None = "look_left", **sections: Any) -> Job:
    config: Config = complete({**base, **sections})
    return job_from_config(config, stage, of, Zoo(config["models"]))


def key(job: Job) -> str:
    return value_sha256(job.ingredients({"align": "ab"}))


def test_a_knob_changes_the_keys_of_its_stage_alone(base: dict[str, Any]) -> None:
    wider = {"inpaint": {"grow_px": 9}}
    assert key(job(base, "inpaint", **wider)) != key(job(base, "inpaint"))
    for stage in ("ripple", "compose", "paste"):
        assert key(job(base, stage, **wider)) == key(job(base, stage))


def test_the_composition_is_painted_anew_only_where_the_paint_differs(base: dict[str, Any]) -> None:
    assert key(job(base, "inpaint", compose={"method": "or"})) == key(job(base, "inpaint"))
    assert key(job(base, "inpaint", compose={"method": "direct"})) != key(job(base, "inpaint"))


def test_the_method_of_inversion_decides_the_edit_too(base: dict[str, Any]) -> None:
    assert key(job(base, "edit", invert={"method": "e4e"})) != key(job(base, "edit"))


def test_new_weights_change_the_keys(base: dict[str, Any], tmp_path: Path) -> None:
    other = tmp_path / "inpainter.safetensors"
    data = bytearray(Path(base["models"]["inpainter"]).read_bytes())
    data[-1] ^= 1
    other.write_bytes(data)
    changed = {**base, "models": {**base["models"], "inpainter": str(other)}}
    assert key(job(changed, "inpaint")) != key(job(base, "inpaint"))
    assert key(job(changed, "parse")) == key(job(base, "parse"))


def test_the_same_weights_elsewhere_keep_the_keys(base: dict[str, Any], tmp_path: Path) -> None:
    other = tmp_path / "copy.safetensors"
    other.write_bytes(Path(base["models"]["parser"]).read_bytes())
    moved = {**base, "models": {**base["models"], "parser": str(other)}}
    assert key(job(moved, "parse")) == key(job(base, "parse"))


def test_edits_differ_by_their_moves_and_not_by_their_name(base: dict[str, Any]) -> None:
    def moved(name: str, degree: float) -> str:
        edits = [{"name": name, "direction": "pose", "degree": degree}]
        return key(job(base, "translate", name, edits=edits))

    assert moved("a", -3) == moved("b", -3.0)
    assert moved("a", -3) != moved("a", -2)


def test_a_photo_found_in_its_own_way_is_keyed_by_that_ways_weights(base: dict[str, Any]) -> None:
    aligned = job(base, "align", None, align={"mode": "aligned"})
    assert aligned.ingredients({})["weights"] == {}
    assert set(aligned.ingredients({}, {"mode": "embedded"})["weights"]) == {"landmarks"}


def test_the_device_is_no_ingredient(base: dict[str, Any]) -> None:
    config = complete(base)
    here = job_from_config(config, "parse", "photo", Zoo(config["models"], "cpu"))
    there = job_from_config(config, "parse", "photo", Zoo(config["models"], "cuda"))
    assert key(here) == key(there)


@pytest.mark.parametrize("stage", ["align", "translate", "inpaint", "measure"])
def test_a_job_survives_the_command_line(base: dict[str, Any], stage: str) -> None:
    of = None if stage == "align" else "look_left"
    sent = job(base, stage, of)
    received = Job.from_json(stage, of, sent.to_json())
    assert key(received) == key(sent)
    assert received.to_json() == sent.to_json()


def test_a_spoilt_job_is_refused() -> None:
    for text in ("{", "[]", '{"setting": {}}'):
        with pytest.raises(UnrippleError, match="--job"):
            Job.from_json("parse", "photo", text)


def test_the_turn_that_was_asked_is_known_where_the_direction_tells(base: dict[str, Any]) -> None:
    assert job(base, "measure").settings["asked_turn_deg"] == pytest.approx(-20.1)
    assert job(base, "measure", "smile").settings["asked_turn_deg"] is None


def test_degrees_out_of_range_are_warned_of(base: dict[str, Any]) -> None:
    far = [{"name": "far", "direction": "pose", "degree": 5}]
    assert "outside the usable range" in job(base, "translate", "far", edits=far).warnings()[0]
    assert job(base, "translate").warnings() == []


def test_what_is_missing_is_named(base: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"no edit 'lookleft'.* did you mean 'look_left'"):
        job(base, "compose", "lookleft")
    strange = [{"name": "a", "direction": "poze", "degree": 1}]
    with pytest.raises(UnknownName, match="did you mean 'pose'"):
        _ = job(base, "translate", "a", edits=strange).weights
    gone = {**base, "models": {**base["models"], "parser": str(tmp_path / "gone.safetensors")}}
    with pytest.raises(BadCheckpoint, match=r"gone\.safetensors: no such weights file"):
        _ = job(gone, "parse").weights


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"first_code": 10}, "config: translate.first_code must be at most 9, found 10: this gen"),
        ({"first_code": 40, "end_code": 41}, "translate.first_code must be at most 9, found 40"),
        ({"end_code": 11}, "config: translate.end_code must be at most 10, found 11"),
    ],
)
def test_codes_that_the_generator_lacks_are_refused(
    base: dict[str, Any], knobs: dict[str, int], words: str
) -> None:
    with pytest.raises(BadConfig, match=words):
        job(base, "translate", translate=knobs)
    assert job(base, "translate", translate={"first_code": 9, "end_code": 10}).weights


def test_codes_of_a_direction_that_the_generator_lacks_are_refused(
    base: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "d.safetensors"
    vector = np.zeros(3, np.float32)
    write_own(path, [Direction("late", vector, None, "", "", codes=(9, 11))])
    edit = [{"name": "a", "direction": "late", "degree": 1}]
    with pytest.raises(BadConfig, match=r"direction late\.end_code must be at most 10, found 11"):
        job(base, "translate", "a", directions=str(path), edits=edit)


def test_degrees_of_edits_made_by_hand_are_checked(base: dict[str, Any]) -> None:
    config = complete(base)
    edit = Edit("a", (("pose", float("nan")),))
    with pytest.raises(BadConfig, match="degree must be a number, found nan"):
        job_from_config(config, "translate", "a", Zoo(config["models"]), edit=edit)
