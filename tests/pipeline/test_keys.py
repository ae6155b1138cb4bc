"""Keys of artifacts, as they were recorded: who moves code about must not lose finished work.

A key that changes on purpose (a stage's version was raised, a weights file is another) is recorded
anew by `python -m tests.pipeline.test_keys`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from unripple.io.config import Config, complete, edits
from unripple.io.digest import value_sha256
from unripple.pipeline.graph import RECIPES
from unripple.pipeline.jobs import Job, job_from_config
from unripple.runtime.cache import MemoryCache
from unripple.runtime.compute import Source, compute_or_load
from unripple.zoo.zoo import Zoo

RECORDED = Path(__file__).with_name("keys.json")

_TURNS = [{"name": "left", "direction": "pose", "degree": -3}]
CASES: dict[str, dict[str, Any]] = {
    "demo": {},
    "turn and more": {
        "edits": [
            {"name": "both", "moves": {"pose": -3, "glasses": 3}},
            {"name": "bangs", "translation": "B_1"},
        ]
    },
    "e4e": {"edits": _TURNS, "invert": {"method": "e4e"}},
    "turned by geometry": {"edits": _TURNS, "edit": {"turn": "geometry", "strength": 0.5}},
    "turned by the generator": {"edits": _TURNS, "edit": {"turn": "generator"}},
    "optimised": {"edits": _TURNS, "project": {"method": "optimise", "batch": 4}},
    "by adam": {
        "edits": _TURNS,
        "project": {"method": "optimise", "optimiser": "adam", "perceptual_weight": 0},
    },
    "not optimised": {"edits": _TURNS, "project": {"method": "optimise", "iterations": 0}},
    "direct": {"edits": _TURNS, "compose": {"method": "direct"}, "inpaint": {"painter": "telea"}},
    "or": {"edits": _TURNS, "compose": {"method": "or"}, "inpaint": {"painter": "borrow"}},
    "knobs": {
        "edits": _TURNS,
        "translate": {"first_code": 1, "end_code": 4},
        "ripple": {"grow_px": 5},
        "parse": {"scales": "one"},
        "paste": {"feather_px": 2},
        "inpaint": {"painter": "navier_stokes", "use_depth": False},
        "measure": {"identity": False},
        "digital_source_type": False,
    },
    "mtcnn": {"edits": _TURNS, "align": {"mode": "mtcnn", "faces": "largest"}},
    "marked": {"edits": _TURNS, "align": {"mode": "file"}},
    "aligned": {"edits": _TURNS, "align": {"mode": "aligned"}},
    "ceteris paribus": {
        "recipe": "ceteris_paribus",
        "edits": [
            {"name": "bangs", "translation": "B_1"},
            {"name": "left", "direction": "pose", "degree": -3},
        ],
    },
    "mixes": {
        "recipe": "ceteris_paribus",
        "edits": [
            {"name": "bangs", "translation": "B_1"},
            {"name": "left", "direction": "pose", "degree": -3},
        ],
        "restore": {"restorer": "none"},
        "mix": {
            "order": ["depth", "segmentation", "detail", "domain"],
            "detail": {"use": True, "only": ["B_1"]},
            "depth": {"coef": 2, "except": ["left"]},
            "domain": {"margin_px": 3},
        },
    },
}
"""Configs of the embedded models, by what is tried: what differs from the defaults."""


def keys_of(sections: dict[str, Any]) -> dict[str, str]:
    """The key of every step of a config at every place, of one photo whose file is unknown."""
    config: Config = complete(sections)
    zoo = Zoo(config["models"])
    keys: dict[tuple[str, str | None], str] = {}
    for step in RECIPES[config["recipe"]].values():
        for of in step.places(tuple(edit.name for edit in edits(config))):
            job = job_from_config(config, step.stage, of, zoo)
            inputs = {name: keys[place] for name, place in step.inputs(of).items()}
            keys[step.stage, of] = value_sha256(job.ingredients(inputs))
            sent = Job.from_json(step.stage, of, job.to_json())
            assert value_sha256(sent.ingredients(inputs)) == keys[step.stage, of]
    return {f"{stage} {of or ''}".strip(): key for (stage, of), key in keys.items()}


def keys_of_a_photo(repo: Path) -> dict[str, list[str]]:
    """The keys of a sample photo's first steps, its file's and its own settings' part in them."""
    config = complete({})
    zoo, cache, found = Zoo(config["models"]), MemoryCache(), {}
    photo = sorted((repo / "data" / "photos").glob("*.png"))[0]
    for stage, inputs in (("align", ()), ("project", ("align",))):
        job = job_from_config(config, stage, None, zoo)
        keys = {name: found[name][0] for name in inputs}
        found[stage], _ = compute_or_load(job, Source(photo.stem, photo), keys, cache)
    return found


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


@pytest.mark.parametrize("case", CASES)
def test_keys_are_those_recorded(case: str) -> None:
    recorded = json.loads(RECORDED.read_text())["keys"][case]
    assert {place: _short(key) for place, key in keys_of(CASES[case]).items()} == recorded


def test_keys_of_a_photo_are_those_recorded(repo: Path) -> None:
    assert keys_of_a_photo(repo) == json.loads(RECORDED.read_text())["photo"]


if __name__ == "__main__":
    every = {
        case: {place: _short(key) for place, key in keys_of(sections).items()}
        for case, sections in CASES.items()
    }
    photo = keys_of_a_photo(Path(__file__).parents[2])
    RECORDED.write_text(json.dumps({"keys": every, "photo": photo}, indent=1) + "\n")
