"""Turns in degrees: along which directions the generator goes, and what it cannot do."""

from __future__ import annotations

from typing import Any

import pytest

from unripple.conventions import BadConfig
from unripple.io.config import Edit, complete, edits
from unripple.io.digest import value_sha256
from unripple.pipeline.jobs import degree_warnings, job_from_config
from unripple.pipeline.turns import as_directions, turn_of
from unripple.zoo.zoo import Zoo, directions_path

PATH = directions_path()


def settings(stage: str, moves: dict[str, float], **sections: Any) -> dict[str, Any]:
    config = complete({"edits": [{"name": "one", "moves": moves}], **sections})
    return dict(job_from_config(config, stage, "one", Zoo()).settings)


def test_yaw_is_pose_in_degrees() -> None:
    assert as_directions({"yaw": -20.0}, PATH) == ({"pose": -3.0}, ())
    assert as_directions({"pitch": 17.0}, PATH) == ({"pitch": 3.0}, ())
    assert as_directions({"yaw": 10.0, "smile": 2.0}, PATH) == ({"pose": 1.5, "smile": 2.0}, ())


@pytest.mark.parametrize("stage", ["translate", "edit", "measure"])
def test_a_turn_in_degrees_has_the_keys_of_its_direction(stage: str) -> None:
    in_degrees, along = (settings(stage, moves) for moves in ({"yaw": -20.0}, {"pose": -3.0}))
    assert value_sha256(in_degrees) == value_sha256(along)


def test_what_no_direction_can_do_is_left_to_geometry() -> None:
    assert as_directions({"roll": 5.0, "yaw_to": 0.0}, PATH) == ({}, ("roll", "yaw_to"))
    made = settings("edit", {"yaw": -20.0, "roll": 5.0})
    assert (made["turn"], made["turn_deg"], made["roll_deg"]) == ("geometry", -20.0, 5.0)
    made = settings("edit", {"yaw_to": 0.0, "pitch": 4.0})
    assert (made["turn"], made["turn_deg"], made["towards"]) == ("geometry", 0.0, {"yaw": 0.0})
    assert made["pitch_deg"] == 4.0


@pytest.mark.parametrize(
    ("moves", "sections", "why"),
    [
        ({"roll": 5.0}, {"edit": {"turn": "generator"}}, "by roll, and edit.turn is generator"),
        ({"yaw_to": 0.0, "smile": 1.0}, {}, "by yaw_to, and something else is changed"),
        ({"roll": 5.0}, {"recipe": "ceteris_paribus"}, "recipe ceteris_paribus turns no heads"),
    ],
)
def test_the_generator_says_what_it_cannot_turn(
    moves: dict[str, float], sections: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadConfig, match=f"{why}.*set edit.turn to geometry or auto"):
        settings("edit", moves, **sections)


@pytest.mark.parametrize(
    ("moves", "why"),
    [
        ({"yaw": 5.0, "yaw_to": 0.0}, "yaw .* and yaw_to .* are both given"),
        ({"yaw": 5.0, "pose": 1.0}, "yaw and pose both turn the head"),
        ({"pitch": 95.0}, "pitch must be from -90 to 90 degrees, found 95"),
    ],
)
def test_turns_that_contradict_are_refused(moves: dict[str, float], why: str) -> None:
    with pytest.raises(BadConfig, match=why):
        as_directions(moves, PATH)


def test_turns_beyond_what_convinces_are_warned_of() -> None:
    assert not degree_warnings("embedded", {"yaw": -40.0, "roll": 30.0})
    (told,) = degree_warnings("embedded", {"yaw": 41.0, "smile": 1.0})
    assert "yaw = 41 turns further than the 40 degrees" in told


def test_an_edit_of_the_config_may_say_degrees() -> None:
    config = complete({"edits": [{"name": "left", "direction": "yaw", "degree": -20}]})
    assert edits(config) == [Edit("left", (("yaw", -20.0),))]
    assert turn_of(dict(edits(config)[0].moves)) == {"yaw": -20.0}


def test_what_is_asked_of_a_measured_turn() -> None:
    assert settings("measure", {"yaw": -20.0})["asked_turn_deg"] == -20.0
    assert settings("measure", {"yaw": -20.0, "roll": 3.0})["asked_turn_deg"] == -20.0
    assert settings("measure", {"roll": 3.0})["asked_turn_deg"] == 0.0
    assert settings("measure", {"yaw_to": 0.0})["asked_turn_deg"] is None
