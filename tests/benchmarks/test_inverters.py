"""The table of inverters: nobody is dropped, nothing overwritten, and a run goes on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import heldout_changes, inverter_bench, inverters, tuning_curve
from benchmarks.heldout import Case
from benchmarks.inverter_bench import KINDS, Measured
from benchmarks.inverters import Bound
from benchmarks.scatter import scatter, ticks
from unripple.conventions import UnrippleError
from unripple.faceworld import INDEX, sample_factors

COUNT = 3
PICTURE = np.zeros((8, 8, 3), np.uint8)
METHODS = "e4e; pti; pti, 150 steps"


class Counted:
    """In place of minutes of networks: figures that tell method and photo."""

    calls: ClassVar[list[tuple[str, int]]] = []
    psnr: ClassVar[dict[str, float]] = {}

    def __init__(self, methods: Any) -> None:
        self.methods = methods

    def digest(self, method: str) -> str:
        return f"{method} 1"

    def measure(self, method: str, cases: list[Case], *, shown: bool = False) -> Measured:
        number = int(cases[0].yaw_deg)
        self.calls.append((method, number))
        db = self.psnr.get(method, 40.0)
        row = {"psnr": db + number, "lpips": 0.5, "took_cpu_s": 1.0, "cpu_s": 0.5}
        for kind in KINDS:
            row |= {f"{kind}_psnr": db + 3, f"{kind}_person": db, f"{kind}_lpips": 0.4}
        for kind in KINDS[:2]:
            row |= {f"{kind}_inner_ghost": math.nan if number else 0.5}
        features = np.random.default_rng(number).normal(size=(4, 6)).astype(np.float16)
        drawn = np.full((5, 8, 8, 3), 40 + number, np.uint8)
        return Measured(row, features, drawn if shown else None)


def case(number: int) -> Case:
    return Case(PICTURE, PICTURE, PICTURE[..., 0] > 0, PICTURE, PICTURE[..., 0] > 0, number, 3)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        inverters, "cases_of", lambda count, folder: [[case(i)] * 4 for i in range(count)]
    )
    monkeypatch.setattr(inverters, "Bench", Counted)
    monkeypatch.setattr(inverters, "SLOW_PHOTOS", 1)
    Counted.calls = []
    Counted.psnr = {"e4e": 16.0, "pti": 20.0, "pti, 150 steps": 22.0}


def run(folder: Path, *more: str, only: str = METHODS) -> int:
    common = ["--photos", str(COUNT), "--out", str(folder), "--only", only]
    return inverters.main([*common, *more])


def test_every_photo_counts_for_every_method_and_a_second_run_measures_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The published scripts drop the last batch, and write one method's figures over another's."""
    assert run(tmp_path) == 0
    assert len(Counted.calls) == 3 * COUNT + 1  # with the truth; the slow one looks at fewer
    assert len(list(tmp_path.rglob("0*.npz"))) == 3 * COUNT + 1
    report = json.loads((tmp_path / "inverters.json").read_text())
    assert report["photos"] == COUNT
    assert {name: row["psnr"] for name, row in report["table"].items()} == {
        "e4e": 17.0,
        "pti": 21.0,
        "pti, 150 steps": 22.0,
        "truth": 41.0,
    }
    assert [row["photos"] for row in report["table"].values()] == [COUNT, COUNT, 1, COUNT]
    assert report["table"]["e4e"]["turn_inner_ghost"] == 0.5  # undefined ones are left out
    first = capsys.readouterr().out
    Counted.calls = []
    assert run(tmp_path) == 0
    assert Counted.calls == [] and capsys.readouterr().out == first


def test_what_is_there_is_told_without_measuring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, only="e4e")
    (tmp_path / "e4e" / "0002.npz").unlink()
    Counted.calls = []
    assert run(tmp_path, "--kept", only="e4e; pti") == 0
    assert not Counted.calls
    said = capsys.readouterr().out
    assert "left out: pti (nothing measured so far)" in said and "| e4e | 2 | 16.5 |" in said


def test_two_processes_measure_what_one_does(tmp_path: Path) -> None:
    assert run(tmp_path / "one") == run(tmp_path / "two", "--jobs", "2") == 0
    kept = [
        {path.relative_to(tmp_path / name): dict(np.load(path)) for path in of}
        for name in ("one", "two")
        for of in [sorted((tmp_path / name).rglob("0*.npz"))]
    ]
    assert kept[0].keys() == kept[1].keys() and len(kept[0]) == 3 * COUNT + 1
    for path, arrays in kept[0].items():
        for name, array in arrays.items():
            assert np.array_equal(array, kept[1][path][name], equal_nan=array.dtype.kind == "f")


def test_what_fails_in_a_process_of_its_own_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Counted, method: str, cases: list[Case], *, shown: bool = False) -> Measured:
        raise UnrippleError("no such thing")

    monkeypatch.setattr(Counted, "measure", broken)
    with pytest.raises(UnrippleError, match="no such thing"):
        run(tmp_path, "--jobs", "2")


def test_a_run_that_was_ended_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = Counted.measure

    def ended(self: Counted, method: str, cases: list[Case], *, shown: bool = False) -> Measured:
        if len(self.calls) == 4:
            raise KeyboardInterrupt
        return measure(self, method, cases, shown=shown)

    monkeypatch.setattr(Counted, "measure", ended)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.setattr(Counted, "measure", measure)
    run(tmp_path)
    assert len(Counted.calls) == len(set(Counted.calls)) == 3 * COUNT + 1


def test_figures_of_other_settings_or_half_a_file_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, only="e4e")
    Counted.calls = []
    path = tmp_path / "e4e" / "0001.npz"
    path.write_bytes(path.read_bytes()[:200])
    run(tmp_path, only="e4e")
    assert Counted.calls == [("e4e", 1)]
    monkeypatch.setattr(Counted, "digest", lambda self, method: f"{method} 2")
    Counted.calls = []
    run(tmp_path, only="e4e")
    assert len(Counted.calls) == 2 * COUNT


def test_a_missed_bound_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Counted.psnr = {**Counted.psnr, "pti, 150 steps": 20.5}
    assert run(tmp_path) == 1
    assert "MISSED pti, 150 steps: psnr above e4e >= 5: 4.50" in capsys.readouterr().out


def test_what_all_of_it_would_take_is_bounded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two methods on 256 photos and one on 1, a second each."""
    run(tmp_path)
    assert "met    core minutes for 256 photos <= 180: 9" in capsys.readouterr().out
    monkeypatch.setattr(inverters, "CORE_MINUTES", 8.0)
    assert run(tmp_path) == 1
    assert "MISSED core minutes" in capsys.readouterr().out


def test_a_bound_of_a_method_that_was_not_measured_says_nothing() -> None:
    bound = Bound("pti", "psnr", 1.0, than="e4e")
    assert bound.value({"pti": {0: {"psnr": 3.0}}}) is None
    assert bound.value({"pti": {0: {"psnr": 3.0}}, "e4e": {1: {"psnr": 1.5}}}) is None
    few, all_ = {8: {"psnr": 3.0}}, {0: {"psnr": 9.0}, 8: {"psnr": 1.5}}
    assert bound.value({"pti": few, "e4e": all_}) == 1.5  # photo by photo


def test_methods_whose_weights_are_not_here_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Path("unused"), only="restyle; psp") == 2
    said = capsys.readouterr().out
    assert "left out: restyle (models: the set 'embedded' has no restyle" in said
    assert "left out: psp (" in said and "encoder.safetensors is no pSp" in said
    with pytest.raises(UnrippleError, match="no method 'ptj'; methods: e4e; "):
        inverters.chosen_methods("ptj")


def test_what_an_edit_needs_is_weighed_without_pictures() -> None:
    found: Any = {
        "project": {"w_plus": np.zeros((4, 8), np.float32)},
        "invert": {"picture": PICTURE, "views": PICTURE, "difference": np.zeros(100, np.float16)},
    }
    assert inverter_bench.kept_bytes(found) == (128 + 4 * 8 * 4) + (128 + 200)


def test_sets_are_compared_with_other_people() -> None:
    """So the truth is no nearer to itself than chance, and far sets are farther."""
    rng = np.random.default_rng(0)
    true = {i: rng.normal(size=(4, 8)) for i in range(40)}
    far = {i: rng.normal(2.0, 1.0, size=(4, 8)) for i in range(40)}
    floor, other = inverter_bench.set_distance(true, true), inverter_bench.set_distance(far, true)
    assert abs(floor) < 300 < other
    assert math.isnan(inverter_bench.set_distance({i: true[i] for i in range(4)}, true))
    assert math.isnan(inverter_bench.set_distance({2 * i: true[0] for i in range(20)}, true))


def test_the_page_has_tables_a_plot_and_the_same_people(tmp_path: Path) -> None:
    run(tmp_path, "--docs", str(tmp_path / "docs"))
    text = (tmp_path / "docs" / "inverters.md").read_text()
    assert "| pti, 150 steps | 1 | 22.0 |" in text and "{" not in text
    assert "- met: pti: psnr above e4e >= 2: 4.00" in text
    assert "| SFE | .019 | .002 | 3.535 | .922 |" in text  # published, in a table of its own
    for shown in ("inversion", "turned", "smile", "glasses"):
        assert f"(inverters/{shown}-00.webp)" in text
        with Image.open(tmp_path / "docs" / "inverters" / f"{shown}-00.webp") as sheet:
            rows = 4 if shown == "inversion" else 5  # the photo, the truth, three methods
            assert sheet.size == (110 + COUNT * 11, rows * 11)
    root = ElementTree.parse(tmp_path / "docs" / "inverters.svg").getroot()
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"e4e", "pti", "pti, 150 steps", "truth"} <= set(texts)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == 4


def test_points_on_each_other_have_labels_side_by_side() -> None:
    points = {"one & only": (1.0, 2.0), "two": (1.0, 2.0)}
    root = ElementTree.fromstring(scatter(points, ("x", "y")))
    labels = {one.text: float(one.get("y", "")) for one in root if one.text in points}
    assert set(labels) == set(points) and abs(np.subtract(*labels.values())) >= 14


def test_ticks_are_round_and_few() -> None:
    assert ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(17.3, 63.5) == [20.0, 30.0, 40.0, 50.0, 60.0]
    assert ticks(-0.01, 0.06) == [-0.01, 0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06]


def row_at(step: float, mirrored: float, edits: float) -> dict[str, float]:
    figures = dict.fromkeys(("inversion", *KINDS), edits)
    return {"step": step, "mirrored": mirrored, "distance": 0.3, **figures}


def test_auto_stops_before_the_mirrored_photo_is_drawn_worse() -> None:
    seen = (0.9, 0.5, 0.6, 0.4, 0.3, 0.2, 0.25, 0.1)
    start = tuning_curve.FIRST - 40
    rows = [row_at(start + 10.0 * n, held, 20.0 + n) for n, held in enumerate(seen)]
    # What rose before the first look counts not.
    assert rows[tuning_curve.stopped(rows)]["step"] == tuning_curve.FIRST + 10
    falling = [row_at(start + 10.0 * n, 1.0 - 0.1 * n, 20.0) for n in range(7)]
    assert tuning_curve.stopped(falling) == 6
    said = tuning_curve.verdict([rows, rows])
    assert "auto: 25.00 dB after 100 steps" in said
    assert "best for all, 120 steps: 27.00 dB" in said
    root = ElementTree.fromstring(tuning_curve.plot([rows]))
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert len(lines) == 4 and all(len(one.get("points", "").split()) == 8 for one in lines)


def test_a_smile_and_glasses_go_to_their_other_side() -> None:
    factors = sample_factors(64, seed=5)
    smiles, degrees = heldout_changes.changed(factors, "smile")
    own, new = (one[:, INDEX["smile"]] for one in (factors, smiles))
    assert torch.allclose((new - own) * 3, degrees) and float(new.abs().max()) <= 1
    wears = factors[:, INDEX["glasses"]] > 0.5
    glasses, degrees = heldout_changes.changed(factors, "glasses")
    assert torch.equal(glasses[:, INDEX["glasses"]] > 0.5, ~wears)
    assert torch.equal(degrees, torch.where(wears, -3.0, 3.0))
    others = [i for name, i in INDEX.items() if not name.startswith("glasses")]
    assert torch.equal(glasses[:, others], factors[:, others])
