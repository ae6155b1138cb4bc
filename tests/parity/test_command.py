"""`python -m tests.parity`: what it prints and when it fails, on goldens made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unripple.models.stylegan2 import Generator

from . import __main__ as command
from . import ops
from .__main__ import main

FILL = """
import json
import numpy as np

def load(folder):
    facts = json.loads((folder / "golden.json").read_text())
    parts = [dict(np.load(folder / f"{part}.npz")) for part in ("state", "inputs", "outputs")]
    return facts, *parts

def compare(facts, expected, actual):
    worst = {}
    for name, check in facts["checks"].items():
        if name not in actual or list(actual[name].shape) != list(check["shape"]):
            raise ValueError(f"output {name!r}: shape")
        error = abs(np.asarray(actual[name], dtype=np.float64) - expected[name]).max()
        worst[name] = float("inf") if np.isnan(error) else error / check["atol"]
    return worst
"""


def write_golden(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """A golden of a tiny StyleGAN2 with its right outputs; `changes` replace facts."""
    torch.manual_seed(seed)
    net = Generator(8, 4, 1, {4: 2, 8: 3})
    inputs = {"z": torch.randn(3, 4), "latents": torch.randn(2, net.n_codes, 4)}
    with torch.no_grad():
        outputs = {"w": net.map(inputs["z"]), "image": net.synthesize(inputs["latents"])}
    checks = {name: {"shape": list(x.shape), "atol": 1e-5} for name, x in outputs.items()}
    folder.mkdir(parents=True)
    facts = {"op": "stylegan2.generator", "checks": checks} | changes
    (folder / "golden.json").write_text(json.dumps(facts))
    (folder.parent / "fill.py").write_text(FILL)
    for name, part in (("state", net.state_dict()), ("inputs", inputs), ("outputs", outputs)):
        np.savez(folder / f"{name}.npz", **{key: x.detach().numpy() for key, x in part.items()})
    return folder


def lines(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]


def test_every_golden_of_a_folder_is_run(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (command, ops):
        monkeypatch.setattr(module, "NOT_YET", frozenset({"later.op"}))
    for name, seed in (("a", 1), ("b", 2)):
        write_golden(tmp_path / name, seed=seed)
    write_golden(tmp_path / "later", op="later.op")
    assert main([str(tmp_path), "--threads", "1"]) == 0
    printed = capsys.readouterr()
    shown = [line.split(maxsplit=2) for line in printed.out.splitlines()]
    assert [line[:2] for line in shown] == [
        ["a", "w"], ["a", "image"], ["b", "w"], ["b", "image"], ["later", "later.op"]
    ]  # fmt: skip
    assert all(float(line[2]) <= 1 for line in shown[:4])
    assert shown[4][2] == "not yet"
    assert printed.err == "parity: not built yet: later.op\n"


def test_a_golden_alone_is_a_folder_too(tmp_path: Path, capsys: Any) -> None:
    folder = write_golden(tmp_path / "one")
    assert main([str(folder), "--threads", "1"]) == 0
    assert [line[0] for line in lines(capsys)] == ["one", "one"]


def test_wrong_numbers_fail(tmp_path: Path, capsys: Any) -> None:
    folder = write_golden(tmp_path / "one")
    outputs = dict(np.load(folder / "outputs.npz"))
    outputs["image"] += 1e-3
    np.savez(folder / "outputs.npz", **outputs)
    assert main([str(folder), "--threads", "1"]) == 1
    good, bad = lines(capsys)
    assert float(good[2]) <= 1
    assert bad[1] == "image" and bad[2].endswith("FAILED") and float(bad[2].split()[0]) > 1


def test_a_number_that_is_none_fails(tmp_path: Path, capsys: Any) -> None:
    folder = write_golden(tmp_path / "one")
    state = dict(np.load(folder / "state.npz"))
    state["style.1.weight"][:] = np.nan
    np.savez(folder / "state.npz", **state)
    assert main([str(folder), "--threads", "1"]) == 1
    assert lines(capsys)[0] == ["one", "w", "inf  FAILED"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"op": "stylegan9.generator"}, "'stylegan9.generator' is unknown"),
        ({"checks": {"style": {"shape": [1], "atol": 1.0}}}, "missing"),
        ({"checks": {"w": {"shape": [9, 9], "atol": 1.0}}}, "shape"),
        ({"checks": {}}, "checks nothing"),
        ({"op": "arcface.embed"}, "KeyError"),
    ],
)
def test_the_next_golden_runs_after_a_failure(
    tmp_path: Path, capsys: Any, changes: dict[str, Any], said: str
) -> None:
    write_golden(tmp_path / "a", **changes)
    write_golden(tmp_path / "b")
    assert main([str(tmp_path), "--threads", "1"]) == 1
    bad, *good = lines(capsys)
    assert said in bad[2] and bad[2].endswith("FAILED")
    assert [line[:2] for line in good] == [["b", "w"], ["b", "image"]]


def test_relative_error_is_the_figure_of_half_the_bits(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Generator, "exact_px", 0)
    folder = write_golden(tmp_path / "one")
    asked = [str(folder), "--threads", "1", "--dtype", "bfloat16", "--within"]
    assert main([*asked, "0.05"]) == 0
    assert main([*asked, "1e-9"]) == 1
    figures = [float(line[2].split()[0]) for line in lines(capsys)]
    assert max(figures) < 0.05 and max(figures) > 1e-5


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no golden\.json"):
        main([str(tmp_path), "--threads", "1"])
