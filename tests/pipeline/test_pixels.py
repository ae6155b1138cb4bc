"""Who makes an edit of shape or colour: the photo's pixels, or the generator."""

from __future__ import annotations

from typing import Any

import pytest

from unripple.conventions import BadConfig
from unripple.io.config import Edit, complete
from unripple.pipeline.jobs import Job, job_from_config
from unripple.pipeline.pixels import pixel_words
from unripple.zoo.zoo import Zoo

NAME = "edit"


def job(moves: dict[str, float], **sections: Any) -> Any:
    config = complete(sections)
    edit = Edit(NAME, tuple(sorted(moves.items())))
    return job_from_config(config, "edit", NAME, Zoo(config["models"]), edit=edit)


def test_what_the_generator_knows_each_photo_decides() -> None:
    made = job({"smile": 1.0})
    assert "pixels" not in made.settings
    assert made.settles["open"]["pixels"] == {"smile": 1.0}


def test_what_the_generator_does_not_know_the_pixels_do() -> None:
    made = job({"nose_width": 1.0, "yaw": -10.0})
    assert made.settings["pixels"] == {"nose_width": 1.0}
    assert made.settings["turn_deg"] == pytest.approx(-10)
    assert not made.settles
    assert {"head", "parser", "direction nose_width"} <= set(made.weights)


def test_either_may_be_chosen() -> None:
    assert job({"smile": 1.0}, edit={"attributes": "pixels"}).settings["pixels"] == {"smile": 1.0}
    chosen = job({"smile": 1.0}, edit={"attributes": "generator"})
    assert not chosen.settles and "pixels" not in chosen.settings


def test_the_generator_is_refused_what_it_has_no_direction_for() -> None:
    with pytest.raises(BadConfig, match=r"no direction nose_width.*edit\.attributes is generator"):
        job({"nose_width": 1.0}, edit={"attributes": "generator"})
    with pytest.raises(BadConfig, match="hair_curl in the same edit only the generator can do"):
        job({"nose_width": 1.0, "hair_curl": 2.0})


def test_other_edits_know_nothing_of_it() -> None:
    for moves in ({"hair_curl": 2.0}, {"yaw": -10.0}, {"hair_curl": 1.0, "smile": 1.0}):
        made = job(moves)
        assert not made.settles and "pixels" not in made.settings
        assert "attributes" not in made.settings


def test_an_open_job_travels_as_text() -> None:
    made = job({"smile": 1.0})
    told = Job.from_json("edit", NAME, made.to_json())
    assert (told.settings, told.settles) == (made.settings, made.settles)
    assert told.settled_by({}, {})["settings"]["open"]["pixels"] == {"smile": 1.0}


def test_a_word_brings_others_along_by_its_sign_unless_they_are_named() -> None:
    assert pixel_words({"age": 1.0}) == {"age": 1.0, "wrinkles": 1.0, "grey": 0.4}
    assert pixel_words({"age": -1.0}) == {"age": -1.0, "wrinkles": -1.0, "bags": -1.0}
    assert pixel_words({"gender": 0.0}) == {"gender": 0.0}
    assert pixel_words({"gender": -2.0, "lipstick": 0.0})["lipstick"] == 0.0
    assert set(pixel_words({"gender": 1.0})) == {"gender", "stubble", "brow_light"}
