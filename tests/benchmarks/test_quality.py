"""Bounds and tables of the benchmark; what the truth itself reaches; a tiny whole run."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import edits, gallery, heldout, networks_alone, painting, quality
from benchmarks.quality import Bound
from tests.training.toy_faces import toy_shard
from unripple.conventions import Face, UnrippleError
from unripple.faceworld import sample_factors
from unripple.metrics.figures import FIGURES

SIZE = 128
PEOPLE = 4


@pytest.fixture
def stored() -> heldout.Stored:
    """Toy people who turn, in the fields of `heldout.people`."""
    shard = toy_shard(0, SIZE)
    one = {name: value[::2][:PEOPLE] for name, value in shard.items() if name != "plate"}
    other = {name: value[1::2][:PEOPLE] for name, value in shard.items() if name != "plate"}
    found = one | {"plate": shard["plate"][:PEOPLE], "factors": sample_factors(PEOPLE, seed=1)}
    found["inverse_depth"] = found["inverse_depth"].float()
    for turn in heldout.TURNS:
        found |= {f"{turn}_{name}": other[name] for name in ("photo", "alpha")}
        found[f"{turn}_yaw"] = other["pose_deg"][:, 0]
    return found | {
        f"{meeting}_{degrees:g}": one["photo"] if meeting == "seen" else 255 - one["photo"]
        for meeting in heldout.MEETINGS
        for degrees in heldout.MEETINGS_DEG
    }


@pytest.mark.parametrize(
    ("bound", "text", "inside", "outside"),
    [
        (Bound("s", "r", "f", low=2), ">= 2", 2.0, 1.9),
        (Bound("s", "r", "f", high=2), "<= 2", 2.0, 2.1),
        (Bound("s", "r", "f", -1, 1), "-1 to 1", 0.0, 1.5),
        (Bound("s", "r", "f", -1, 1), "-1 to 1", -1.0, math.nan),
    ],
)
def test_bounds(bound: Bound, text: str, inside: float, outside: float) -> None:
    assert str(bound) == text and bound.holds(inside) and not bound.holds(outside)


def test_every_bound_is_of_a_section() -> None:
    assert {bound.section for bound in quality.BOUNDS} <= set(quality.SECTIONS)
    assert len({bound[:3] for bound in quality.BOUNDS}) == len(quality.BOUNDS)


def test_a_figure_that_is_not_there_misses_its_bound() -> None:
    (bound,) = quality.judged({"weights": {"all": {}}})
    assert bound["value"] is None and not bound["met"]
    (bound,) = quality.judged({"weights": {"all": {"megabytes": 3.0}}})
    assert bound == {
        "figure": "weights / all / megabytes", "bound": "<= 40", "value": 3.0, "met": True
    }  # fmt: skip


def test_bounds_stand_beside_their_figures(capsys: pytest.CaptureFixture[str]) -> None:
    quality.show("weights", {"all": {"megabytes": 41.0}, "parser": {"megabytes": 3.0}})
    heads, figures = capsys.readouterr().out.strip().splitlines()
    assert heads.split() == ["weights", "all", "parser"]
    assert figures.split() == ["megabytes", "41", "(<=", "40", "MISSED)", "3"]


def test_unknown_sections_are_named() -> None:
    assert quality.chosen_sections("parser, depth") == ["parser", "depth"]
    with pytest.raises(UnrippleError, match="no section 'dept'; sections: reconstruction"):
        quality.chosen_sections("dept")
    assert quality.main(["--only", "dept"]) == 2


def test_medians_leave_out_what_is_undefined_and_keep_the_size_of_signed_figures() -> None:
    rows = [
        {"a": {"inner_ghost": value, "seam": value, "fill_psnr": math.nan}}
        for value in (-3.0, 1.0, math.nan)
    ]
    assert edits.medians(rows) == {"a": {"inner_ghost": -1.0, "inner_ghost_abs": 2.0, "seam": -1.0}}


def test_a_perfect_parser_gets_one(stored: heldout.Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(stored["labels"].numpy())
    monkeypatch.setattr(networks_alone, "parse", lambda *_, **__: next(answers))
    table = networks_alone.parser(stored)
    assert table["parser"] == {"mean_iou": 1.0, "person_iou": 1.0}
    parts = table["parser, by part"]
    assert parts["hair"] == 1.0 and parts["hat"] == 0.0  # nobody wears one: not in the mean


def test_parts_that_are_mistaken_lose(
    stored: heldout.Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = stored["labels"].numpy().copy()
    wrong[wrong == Face.HAIR] = Face.SKIN
    answers = iter(wrong)
    monkeypatch.setattr(networks_alone, "parse", lambda *_, **__: next(answers))
    table = networks_alone.parser(stored)
    parts = table["parser, by part"]
    hair, skin = ((stored["labels"] == part).sum() for part in (Face.HAIR, Face.SKIN))
    assert parts["hair"] == 0
    assert parts["skin"] == pytest.approx(float(skin / (skin + hair)))
    assert table["parser"]["person_iou"] == 1.0


def test_depth_is_judged_after_the_best_scale_and_shift(
    stored: heldout.Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(7 * one.numpy() - 2 for one in stored["inverse_depth"])
    monkeypatch.setattr(networks_alone, "depth_of", lambda *_, **__: next(answers))
    row = networks_alone.depth(stored)["depth"]
    assert row["abs_rel"] == pytest.approx(0, abs=1e-4) and row["delta1"] == 1.0
    assert row["foreground_iou"] == 1.0


def test_people_who_look_the_same_are_known(stored: heldout.Stored) -> None:
    table = networks_alone.identity(stored)
    assert table["identity"]["auc_30_deg"] == 1.0
    assert table["identity"]["cosine_0_deg"] == pytest.approx(1, abs=1e-5)
    assert table["identity, in other light"]["cosine_0_deg"] < 0.9


def test_the_true_background_is_a_perfect_painting(stored: heldout.Stored) -> None:
    true = heldout.picture(stored["plate"][0])
    hole = painting.holes(stored, 0)["person"]
    row = painting.judge(true, true, hole, networks_alone.perceptual_distance())
    assert row["psnr_db"] == math.inf and row["perceptual"] == pytest.approx(0, abs=1e-5)
    assert row["texture_return"] == pytest.approx(1) and row["texture_energy"] == pytest.approx(1)
    grey = painting.inpaint(true, hole, painting.mean_colour)
    worse = painting.judge(grey, true, hole, networks_alone.perceptual_distance())
    assert worse["texture_energy"] < 0.5 and worse["perceptual"] > 0.1


def test_holes_hold_what_they_must(stored: heldout.Stored) -> None:
    for i in range(PEOPLE):
        holes = painting.holes(stored, i)
        person = heldout.mask(stored["alpha"][i])
        turn = list(heldout.TURNS)[i % 2]
        gone = person & ~heldout.mask(stored[f"{turn}_alpha"][i])
        cloth = stored["labels"][i].numpy() == Face.CLOTH
        assert not (person & ~holes["person"]).any() and not (gone & ~holes["band"]).any()
        assert not (holes["head"] & ~holes["person"]).any()
        assert (cloth & ~holes["head"]).any()


def test_the_first_recipes_keep_the_photos_bytes_and_the_truth_is_perfect(
    stored: heldout.Stored,
) -> None:
    recipes = {name: quality.RECIPES[name] for name in ("hfgi edit", quality.RESULT)}
    bench = edits.Bench(recipes)
    case = heldout.turns(stored, both=False)[0]
    row = bench.measure(case)
    assert set(row) == {*recipes, "truth"}
    assert row[quality.RESULT]["identical_outside_silhouettes"] == 1.0
    assert row["truth"]["counterfactual_psnr"] == 100
    assert row["truth"]["inner_ghost"] == pytest.approx(0, abs=1e-3)
    walked = bench.walk(case, quality.RESULT)
    config = bench.editors[quality.RESULT].config
    alone = edits.by_depth_alone(walked, painting.lama(), config)
    near: Any = walked["foreground"]
    reach = painting.grow(near["before"], config["inpaint"]["grow_px"]) | near["after"]
    assert np.array_equal(alone[~reach], case.photo[~reach])


@pytest.mark.slow
def test_a_tiny_whole_run_writes_what_it_prints(
    stored: heldout.Stored,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = {name: value[:2] for name, value in stored.items()}
    monkeypatch.setattr(quality, "people", lambda *_: few)
    grad = torch.is_grad_enabled()
    try:
        status = quality.main(["--photos", "2", "--out", str(tmp_path)])
    finally:
        torch.set_grad_enabled(grad)
    report = json.loads((tmp_path / "quality.json").read_text())
    assert set(report["tables"]) == set(report["seconds"]) == set(quality.SECTIONS)
    assert len(report["bounds"]) == len(quality.BOUNDS)
    assert all(bound["value"] is not None for bound in report["bounds"])
    assert status == (0 if all(bound["met"] for bound in report["bounds"]) else 1)
    printed = capsys.readouterr().out
    assert all(f"\n{section} " in printed for section in quality.SECTIONS)
    ablated = set(report["tables"]["ablations"])
    assert ablated == {*quality.ABLATIONS, "truth", "ripple from depth foreground"}
    assert set(report["tables"]["edits"][quality.RESULT]) - set(FIGURES) == {
        "ghost_transmission_abs", "inner_ghost_abs", "yaw_error_abs", "inner_ghost_over_faithful",
        "texture_return_above_telea", "psnr_above_edit_db", "psnr_above_faithful_db",
        "identical_outside_silhouettes",
    }  # fmt: skip


def test_the_gallery_shows_everybody_in_order(
    stored: heldout.Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "people", lambda *_: stored)
    monkeypatch.setattr(gallery, "PER_PICTURE", 3)
    monkeypatch.setattr("sys.argv", ["gallery.py", "--photos", "4", "--out", str(tmp_path)])
    assert gallery.main() == 0
    text = (tmp_path / "gallery.md").read_text()
    assert [f"\n| {number} | " in text for number in range(5)] == [True] * 4 + [False]
    files = sorted(path.name for path in (tmp_path / "gallery").iterdir())
    assert files == ["people-00.webp", "people-03.webp"]
    assert all(f"(gallery/{file})" in text for file in files) and "nan" not in text
    turned = gallery.in_order(heldout.turns(stored, both=False))
    assert [case.degree for case in turned] == [-3.0, 3.0, -3.0, 3.0]
    assert all(
        np.array_equal(case.photo, heldout.picture(photo))
        for case, photo in zip(turned, stored["photo"], strict=True)
    )
