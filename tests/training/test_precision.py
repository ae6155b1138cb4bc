"""What a training computes in: the faster one, timed without a trace, kept on resume, and said."""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from unripple.models.layers.precision import computes_bfloat16, quick
from unripple.training import __main__ as door
from unripple.training import checkpoint, loop, pose, precision
from unripple.training.checkpoint import Clock
from unripple.training.schedule import Budget
from unripple.training.shards import FaceShards

from .toy_faces import write_shards

Rates = Callable[..., None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(tmp_path_factory.mktemp("shards"))


def task(folder: Path) -> pose.PoseTask:
    torch.manual_seed(3)
    data, held_out = (FaceShards(folder, pose.FIELDS, part) for part in ("train", "val"))
    return pose.PoseTask(data, held_out, batch_size=4)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Rates:
    """Let real steps seem to take so many seconds in each precision."""
    real = precision.seconds_of

    def pretend(**seconds: float) -> None:
        def seconds_of(*arguments: Any) -> float:
            real(*arguments)
            return seconds[str(precision._computing.get())]

        monkeypatch.setattr(precision, "seconds_of", seconds_of)

    return pretend


def state(one: pose.PoseTask) -> list[Tensor]:
    """All that a training carries on: weights, averages, what Adam remembers, chance."""
    parts = [*one.nets.values(), *one.ema.values()]
    adam = one.optimizers["pose"].state_dict()
    kept = [value for part in parts for value in part.state_dict().values()]
    kept += [value for entry in adam["state"].values() for value in entry.values()]
    rates = [group["lr"] for group in adam["param_groups"]]
    return [*kept, torch.tensor(rates), torch.get_rng_state()]


def same(one: list[Tensor], two: list[Tensor]) -> bool:
    return len(one) == len(two) and all(map(torch.equal, one, two))


def last(out: Path) -> Clock:
    return Clock(**checkpoint.read(out / checkpoint.NAME)["clock"])


@pytest.mark.parametrize("steps", [0, 2])
def test_timing_leaves_no_trace(folder: Path, steps: int) -> None:
    measured, rng = task(folder), torch.Generator().manual_seed(1)
    for step in range(steps):
        measured.train_step(measured.draw(rng), step)
    before, draws = [value.clone() for value in state(measured)], rng.get_state()
    rates = precision.measured(measured, rng, steps)
    assert min(rates.values()) > 0
    assert same(before, state(measured))
    assert torch.equal(draws, rng.get_state())
    assert all(p.grad is None for p in measured.net.parameters())


@pytest.mark.parametrize("faster", ["float32", "bfloat16"])
def test_a_training_takes_the_faster_one_and_ends_as_if_it_had_been_asked_for(
    folder: Path, tmp_path: Path, timed: Rates, caplog: pytest.LogCaptureFixture, faster: str
) -> None:
    timed(**{faster: 0.5, precision.other(faster): 1.0})
    auto, asked = task(folder), task(folder)
    with caplog.at_level(logging.INFO, "unripple.training"):
        loop.fit(auto, tmp_path / "auto", budget=Budget(steps=3))
    assert f"pose: computing in {faster} (the faster one here: 8 pictures/s, 4 in " in caplog.text
    loop.fit(asked, tmp_path / "asked", budget=Budget(steps=3), compute=faster)
    assert same(state(auto), state(asked))
    assert last(tmp_path / "auto").precision == faster
    first, *_ = (tmp_path / "auto" / "log.jsonl").read_text().splitlines()
    assert json.loads(first)["pictures_per_s"] == {faster: 8, precision.other(faster): 4}


def test_the_precisions_give_other_bits(folder: Path, tmp_path: Path) -> None:
    ends = []
    for name in precision.DTYPES:
        trained = task(folder)
        loop.fit(trained, tmp_path / name, budget=Budget(steps=2), compute=name)
        ends.append(state(trained))
    assert not same(*ends), "else the tests above prove nothing"


def test_a_resumed_training_keeps_its_precision_on_its_processor(
    folder: Path, tmp_path: Path, timed: Rates
) -> None:
    loop.fit(task(folder), tmp_path, budget=Budget(steps=2), compute="float32")
    timed(float32=9.0, bfloat16=0.1)
    clock, _ = loop.fit(task(folder), tmp_path, budget=Budget(steps=4))
    assert (clock.step, clock.precision) == (4, "float32")
    told = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [one["why"] for one in told if one["kind"] == "precision"] == ["asked for", "as so far"]


@pytest.mark.parametrize(
    ("before", "seconds", "kept", "told"),
    [
        ("bfloat16", {"float32": 1, "bfloat16": 1.9}, "bfloat16", "and kept; faster here is float"),
        ("bfloat16", {"float32": 1, "bfloat16": 2.1}, "float32", "much slower here"),
        ("float32", {"float32": 1, "bfloat16": 9}, "float32", "and kept"),
        ("", {"float32": 1, "bfloat16": 9}, "float32", "resumed from bfloat16 on a processor not"),
    ],
)
def test_on_another_processor_it_changes_only_what_is_much_slower_there(
    folder: Path, timed: Rates, before: str, seconds: dict[str, float], kept: str, told: str
) -> None:
    timed(**seconds)
    clock = Clock(step=5, precision=before, processor="another one" if before else "")
    chosen = precision.choose(task(folder), torch.Generator(), clock)
    assert chosen.precision == kept
    assert told in chosen.why


def test_what_is_asked_for_wins_and_is_said(folder: Path) -> None:
    clock = Clock(step=5, precision="float32", processor="another one")
    chosen = precision.choose(task(folder), torch.Generator(), clock, "bfloat16")
    assert (chosen.precision, chosen.why) == ("bfloat16", "asked for, instead of float32 as so far")


def test_a_step_that_takes_a_minute_is_timed_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def seconds_of(*_: object) -> float:
        taken.append(str(precision._computing.get()))
        return {"float32": 1.0, "bfloat16": 78.0}[taken[-1]]

    monkeypatch.setattr(precision, "seconds_of", seconds_of)
    rates = precision.measured(task(folder), torch.Generator(), 0)
    assert taken == ["float32", "bfloat16"]
    assert rates == {"float32": 4.0, "bfloat16": 4 / 78}


def test_the_command_line_fixes_it(folder: Path, tmp_path: Path) -> None:
    words = ["pose", "--device", "cpu", "--batch", "4", "--data", str(folder), "--steps", "1"]
    words += ["--out", str(tmp_path / "run"), "--models", str(tmp_path / "models")]
    assert door.main([*words, "--precision", "float32"]) == 0
    assert last(tmp_path / "run").precision == "float32"
    assert "| device | cpu, in float32 |" in (tmp_path / "models" / "pose.md").read_text()
    with pytest.raises(SystemExit):
        door.main([*words, "--precision", "float16"])


@pytest.mark.parametrize(
    ("machine", "onednn", "avx512", "amx", "native"),
    [
        ("x86_64", False, False, False, False),
        ("x86_64", True, False, False, False),  # AVX-512 without bf16: oneDNN emulates it
        ("x86_64", True, True, False, True),
        ("AMD64", True, False, True, True),
        ("aarch64", True, False, False, True),
        ("arm64", False, False, False, False),
    ],
)
def test_bfloat16_is_used_unmeasured_only_where_it_is_in_hardware(
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    onednn: bool,
    avx512: bool,
    amx: bool,
    native: bool,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert computes_bfloat16("cpu") == native
    for context in (quick("cpu"), precision.autocast("cpu")):
        with context:
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == (
                torch.bfloat16 if native else torch.float32
            )
    assert computes_bfloat16("cuda")
