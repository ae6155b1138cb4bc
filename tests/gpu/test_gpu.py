"""Published numbers on a GPU, exactly and in bf16, and how fast every network runs there.

    python3 -m pytest -m gpu tests/gpu tests/faceworld/test_gpu.py

from the repository's root; `make test-gpu` does the same. Needs torch, numpy, opencv and
pytest, nothing else, and a CUDA device; without one every test is skipped. $GOLDENS names another
folder than tests/goldens.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.networks import CASES, MATRIX_SIDE, matrix_rate, measure, row

from ..parity.goldens import (  # noqa: TID252 (tests are no package to import from)
    GOLDENS,
    read_facts,
    read_golden,
)
from ..parity.ops import FLOAT32_ONLY, NOT_YET, outputs  # noqa: TID252

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU"),
]

FOLDER = Path(os.environ.get("GOLDENS") or GOLDENS)
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/golden.json"))
WITHIN = 0.01
PAIRS = 10


@pytest.fixture(autouse=True)
def freed() -> Iterator[None]:
    """Give the memory back after every test."""
    yield
    gc.collect()
    torch.cuda.empty_cache()


@pytest.fixture(params=NAMES or ["absent"])
def golden(request: pytest.FixtureRequest) -> Any:
    """Every golden whose op is built."""
    if not NAMES:
        pytest.skip(f"needs goldens in {FOLDER}; set GOLDENS to a folder of them")
    folder = FOLDER / request.param
    op = read_facts(folder)["op"]
    if op in NOT_YET:
        pytest.skip(f"{op} is announced, not built")
    if op == "clip.vit_b32":
        pytest.importorskip("open_clip", reason="CLIP comes from open_clip, which is not here")
    return read_golden(folder)


def test_float32_gives_the_published_numbers(golden: Any) -> None:
    computed = outputs(golden, torch.device("cuda"))
    ratios = {name: golden.ratio(name, computed[name]) for name in golden.facts["checks"]}
    assert ratios and {name: ratio for name, ratio in ratios.items() if not ratio <= 1} == {}


def test_bf16_stays_within_one_percent(golden: Any) -> None:
    if golden.facts["op"] in FLOAT32_ONLY:
        pytest.skip(FLOAT32_ONLY[golden.facts["op"]])
    computed = outputs(golden, torch.device("cuda"), torch.bfloat16)
    floats = [name for name in golden.facts["checks"] if not golden.counts(name)]
    errors = {name: golden.deviation(name, computed[name]) for name in floats}
    assert errors and {name: error for name, error in errors.items() if not error <= WITHIN} == {}


@pytest.mark.parametrize("name", CASES)
def test_every_network_is_timed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name.startswith("clip"):
        pytest.importorskip("open_clip", reason="CLIP comes from open_clip, which is not here")
    device = torch.device("cuda")
    speeds = measure(CASES[name], device, pairs=PAIRS)
    card = matrix_rate(device, torch.bfloat16)
    rates = {way: s.flops / s.seconds / card for way, s in speeds.items() if not s.refused}
    with capsys.disabled():
        shares = ", ".join(f"{way} {rate:.1%}" for way, rate in rates.items())
        side = MATRIX_SIDE["cuda"]
        print(f"\n{row(name, speeds)} of bf16 {side} x {side}: {shares}")  # noqa: T201
    # No network outruns the card's own products; more would be a fault of clock or count.
    assert all(0 < rate < 1.05 for rate in rates.values())
