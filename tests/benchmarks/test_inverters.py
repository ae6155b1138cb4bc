"""The table of inverters: nobody is dropped, nothing overwritten, and a run goes on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import inverters
from benchmarks.heldout import Case
from benchmarks.inverters import Bound
from benchmarks.scatter import scatter
from unripple.conventions import UnrippleError

COUNT = 3
PICTURE = np.zeros((8, 8, 3), np.uint8)


class Counted:
    """In place of minutes of networks: figures that tell method and photo."""

    calls: ClassVar[list[tuple[str, int]]] = []
    psnr: ClassVar[dict[str, float]] = {"e4e": 16.0, "pti": 20.0, "pti, 350 steps": 22.0}

    def __init__(self, methods: Any) -> None:
        self.methods = methods

    def digest(self, method: str) -> str:
        return f"{method} 1"

    def measure(self, method: str, cases: list[Case]) -> dict[str, float]:
        number = int(cases[0].yaw_deg)
        self.calls.append((method, number))
        row = dict.fromkeys(inverters.FIGURES, float(number))
        row["psnr"] = self.psnr[method] + number
        row["edit_psnr"] = self.psnr[method] + 3
        return row | {"inner_ghost": math.nan if number else 0.5}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    def cases(count: int, folder: Path) -> Any:
        for i in range(count):
            yield [Case(PICTURE, PICTURE, PICTURE[..., 0] > 0, PICTURE, PICTURE[..., 0] > 0, i, 3)]

    monkeypatch.setattr(inverters, "cases_of", cases)
    monkeypatch.setattr(inverters, "Bench", Counted)
    Counted.calls = []
    Counted.psnr = {"e4e": 16.0, "pti": 20.0, "pti, 350 steps": 22.0}


def run(folder: Path, *more: str, only: str = "e4e; pti; pti, 350 steps") -> int:
    common = ["--photos", str(COUNT), "--out", str(folder), "--only", only]
    return inverters.main([*common, *more])


def test_every_photo_counts_for_every_method_and_a_second_run_measures_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The published scripts drop the last batch, and write one method's figures over another's."""
    assert run(tmp_path) == 0
    assert len(Counted.calls) == 2 * COUNT + 1  # the slow one looks at fewer
    assert len(list(tmp_path.rglob("0*.json"))) == 2 * COUNT + 1
    report = json.loads((tmp_path / "inverters.json").read_text())
    assert report["photos"] == COUNT
    assert {name: row["psnr"] for name, row in report["table"].items()} == {
        "e4e": 17.0,
        "pti": 21.0,
        "pti, 350 steps": 22.0,
    }
    assert [row["photos"] for row in report["table"].values()] == [COUNT, COUNT, 1]
    assert report["table"]["e4e"]["inner_ghost"] == 0.5  # undefined ones are left out
    first = capsys.readouterr().out
    Counted.calls = []
    assert run(tmp_path) == 0
    assert Counted.calls == [] and capsys.readouterr().out == first


def test_a_run_that_was_ended_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = Counted.measure

    def ended(self: Counted, method: str, cases: list[Case]) -> dict[str, float]:
        if len(self.calls) == 4:
            raise KeyboardInterrupt
        return measure(self, method, cases)

    monkeypatch.setattr(Counted, "measure", ended)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.setattr(Counted, "measure", measure)
    run(tmp_path)
    assert len(Counted.calls) == len(set(Counted.calls)) == 2 * COUNT + 1


def test_figures_of_other_settings_or_half_a_file_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, only="e4e")
    Counted.calls = []
    (tmp_path / "e4e" / "0001.json").write_text('{"digest": "e4e 1", "fig')
    run(tmp_path, only="e4e")
    assert Counted.calls == [("e4e", 1)]
    monkeypatch.setattr(Counted, "digest", lambda self, method: f"{method} 2")
    Counted.calls = []
    run(tmp_path, only="e4e")
    assert len(Counted.calls) == COUNT


def test_a_missed_bound_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Counted.psnr = {**Counted.psnr, "pti, 350 steps": 20.5}
    assert run(tmp_path) == 1
    assert "MISSED pti, 350 steps: psnr above e4e >= 5: 4.50" in capsys.readouterr().out


def test_a_bound_of_a_method_that_was_not_measured_says_nothing() -> None:
    bound = Bound("pti", "psnr", 1.0, than="e4e")
    assert bound.value({"pti": {0: {"psnr": 3.0}}}) is None
    assert bound.value({"pti": {0: {"psnr": 3.0}}, "e4e": {1: {"psnr": 1.5}}}) is None
    few, all_ = {8: {"psnr": 3.0}}, {0: {"psnr": 9.0}, 8: {"psnr": 1.5}}
    assert bound.value({"pti": few, "e4e": all_}) == 1.5  # photo by photo


def test_methods_whose_weights_are_not_here_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Path("unused"), only="restyle") == 2
    said = capsys.readouterr().out
    assert "left out: restyle (models: the set 'embedded' has no restyle" in said
    with pytest.raises(UnrippleError, match="no method 'ptj'; methods: e4e; "):
        inverters.chosen_methods("ptj")


def test_what_an_edit_needs_is_weighed_without_pictures() -> None:
    found: Any = {
        "project": {"w_plus": np.zeros((4, 8), np.float32)},
        "invert": {"picture": PICTURE, "views": PICTURE, "difference": np.zeros(100, np.float16)},
    }
    assert inverters.kept_bytes(found) == (128 + 4 * 8 * 4) + (128 + 200)


def test_the_plot_names_every_method(tmp_path: Path) -> None:
    run(tmp_path, "--plot", str(tmp_path / "plot.svg"))
    root = ElementTree.parse(tmp_path / "plot.svg").getroot()
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"e4e", "pti", "pti, 350 steps"} <= set(texts)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == 3


def test_points_on_each_other_have_labels_side_by_side() -> None:
    points = {"one & only": (1.0, 2.0), "two": (1.0, 2.0)}
    root = ElementTree.fromstring(scatter(points, ("x", "y")))
    labels = {one.text: float(one.get("y", "")) for one in root if one.text in points}
    assert set(labels) == set(points) and abs(np.subtract(*labels.values())) >= 14
