"""One description of each knob, and the same words on every road."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import unripple
from unripple.cli.main import main
from unripple.conventions import BadConfig
from unripple.io.config import (
    check_degree,
    check_knob,
    complete,
    config_of_run,
    default_config,
    knob,
    read_config,
    schema,
)
from unripple.runtime.sweep import degrees_between
from unripple.webui.session import EditRequest


def numeric(properties: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    for name, entry in properties.items():
        kinds = entry.get("type", [])
        if {"integer", "number"} & set([kinds] if isinstance(kinds, str) else kinds):
            yield f"{at}{name}", entry
        yield from numeric(entry.get("properties", {}), f"{at}{name}.")


NUMBERS = {
    name: entry
    for places in (schema()["properties"], schema()["$defs"])
    for name, entry in numeric({k: v for k, v in places.items() if k != "edits"})
}


def test_every_number_has_both_its_ends() -> None:
    assert {"inpaint.grow_px", "mix.depth.coef", "sweep.frames", "degree"} <= set(NUMBERS)
    for name, entry in NUMBERS.items():
        assert "maximum" in entry and {"minimum", "exclusiveMinimum"} & set(entry), name
        assert knob(name) == entry


NO_NUMBERS = (math.nan, math.inf, -math.inf, 1e300, 10**400, True, "1_0", "٣", "nan", "0x5", "3,5",
              b"3", [], "9" * 5000)  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_no_number_takes_what_is_none(name: str) -> None:
    for value in NO_NUMBERS:
        with pytest.raises(BadConfig) as caught:
            check_knob(name, value, where="--it")
        assert str(caught.value).startswith("--it must be ") and len(str(caught.value)) < 250


@pytest.mark.parametrize("value", [3, 3.0, "3", " 3 ", np.int64(3), np.float32(3)])
def test_a_number_is_one_value_however_it_comes(value: Any) -> None:
    assert repr(check_knob("translate.first_code", value, where="it")) == "3"
    assert repr(check_knob("degree", value, where="it")) == "3.0"


@pytest.mark.parametrize(
    ("knob", "value", "words"),
    [
        ("inpaint.grow_px", 1e300, "inpaint.grow_px must be at most 32, found 1e+300"),
        ("compose.feather_px", -1, "compose.feather_px must be at least 0, found -1"),
        ("translate.first_code", 1.5, "translate.first_code must be a whole number, found a"),
        ("project.iterations", 10**30, "project.iterations must be at most 1000, found one of far"),
        ("mix.detail.use", 1, "mix.detail.use must be one of true, false, auto, found 1"),
    ],
)
def test_config_switch_python_and_snakemake_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], knob: str, value: Any, words: str
) -> None:
    nested: Any = value
    for word in reversed(knob.split(".")):
        nested = {word: nested}
    path = tmp_path / "c.yaml"
    path.write_text("{}")
    run = SimpleNamespace(
        configfiles=[],
        config_settings=SimpleNamespace(configfiles=[path], config=nested,
                                        replace_workflow_config=False),
    )  # fmt: skip
    told = []
    for road in (lambda: complete(nested), lambda: unripple.Editor(settings=nested),
                 lambda: config_of_run(run)):  # fmt: skip
        with pytest.raises(BadConfig) as caught:
            road()
        told.append(str(caught.value))
    assert len(set(told)) == 1 and words in told[0]
    if value != 10**30:  # whose digits YAML refuses
        assert main(["directions", "--config", str(path), "--set", f"{knob}={value}"]) == 2
        assert told[0].partition("found")[0] in capsys.readouterr().err


@pytest.mark.parametrize("degree", [math.nan, math.inf, -101, 1e300, "much"])
def test_degrees_are_the_same_on_every_road(
    degree: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    entry = {"name": "a", "direction": "pose", "degree": degree}
    roads = {
        "config": lambda: complete({"edits": [entry]}),
        "moves": lambda: complete({"edits": [{"name": "a", "moves": {"pose": degree}}]}),
        "python": lambda: unripple.Editor().edit("nowhere.png", pose=degree),
        "sweep": lambda: degrees_between(degree, 3, 5),
        "page": lambda: EditRequest.from_json({"moves": {"pose": degree}}),
        "checker": lambda: check_degree("pose", degree),
    }
    words = set()
    for road in roads.values():
        with pytest.raises(BadConfig) as caught:
            road()
        words.add(str(caught.value).partition(" must be ")[2])
    assert len(words) == 1
    assert main(["edit", "nowhere.png", "--edit", f"pose={degree}", "-o", f"{tmp_path}/o.png"]) == 2
    assert words.pop() in capsys.readouterr().err


def test_names_end_where_they_seem_to() -> None:
    for wrong in ({"models": "embedded\n"}, {"edits": ["B_1\n"]}, {"photos": "a\0b"},
                  {"photos": ""}, {"edits": [{"name": "a\n", "direction": "pose", "degree": 1}]},
                  {"edits": [{"name": "a", "moves": {3: 1}}]}, ["a"], {3: 4},
                  {"edits": ["all"]}):  # fmt: skip
        with pytest.raises(BadConfig) as caught:
            complete(wrong)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
    assert complete({"photos": "a\nb <c>"})["photos"] == "a\nb <c>"


def test_sections_set_by_a_switch_keep_the_files_other_keys(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("inpaint: {painter: telea}\nmix: {detail: {use: no}}\n")
    config = read_config(path, ["inpaint={grow_px: 5}", "mix={detail: {reach_px: 1}}"])
    assert (config["inpaint"]["painter"], config["inpaint"]["grow_px"]) == ("telea", 5)
    assert (config["mix"]["detail"]["use"], config["mix"]["detail"]["reach_px"]) == (False, 1)


def test_a_run_reads_its_files_anew(tmp_path: Path) -> None:
    base, over = tmp_path / "config.yaml", tmp_path / "over.yaml"
    base.write_text("photos: a\ninpaint: {painter: telea, grow_px: 1}\n")
    over.write_text("edits: [{name: no, direction: pose, degree: 1}]\ninpaint: {grow_px: 2}\n")
    given = SimpleNamespace(configfiles=[over], config={"inpaint": {"grow_px": "7"}},
                            replace_workflow_config=False)  # fmt: skip
    run = SimpleNamespace(configfiles=[over, str(base)], config_settings=given)
    config = config_of_run(run)
    assert config["photos"] == "a" and config["edits"][0]["name"] == "no"
    assert config["inpaint"] == {**default_config()["inpaint"], "painter": "telea", "grow_px": 7.0}
    given.replace_workflow_config = True
    assert config_of_run(run)["photos"] == "data/photos"
    words = ["snakemake", "-n", "--config", "photos=a", "photos=b"]
    for twice in (words, ["snakemake", "-C", "inpaint={grow_px: 1, grow_px: 2}"]):
        with pytest.raises(BadConfig, match=r"twice|already"):
            config_of_run(run, twice)
    over.write_text("photos: a\nphotos: b\n")
    with pytest.raises(BadConfig, match=r"over\.yaml: line 2"):
        config_of_run(run)
