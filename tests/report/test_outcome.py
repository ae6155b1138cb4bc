"""How a run ended, in a line, and which photos failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unripple.report.outcome import NAMED, outcome_of, read_outcome

PAGE = Path("results/report.html")


def told(edits: int, failures: int) -> dict[str, Any]:
    failed = [
        {"photo": f"cat-{n}", "stage": "align", "edit": "", "reason": "NoFace: none"}
        for n in range(failures)
    ]
    return {"edits": [{}] * edits, "failures": failed}


def test_a_good_run_ends_in_one_line() -> None:
    assert outcome_of(told(36, 0)).lines(PAGE) == ["36 edits, 0 failed: open results/report.html"]


def test_failed_photos_are_named_first() -> None:
    assert outcome_of(told(1, 1)).lines(PAGE) == [
        "failed: cat-0 at align: NoFace: none",
        "1 edit, 1 failed: open results/report.html",
    ]
    many = outcome_of(told(0, NAMED + 5)).lines(PAGE)
    assert many[-2:] == ["... and 5 more", "0 edits, 15 failed: open results/report.html"]


def test_no_table_is_no_outcome(tmp_path: Path) -> None:
    assert read_outcome(tmp_path) is None
    (tmp_path / "measure.json").write_text("{}")
    assert read_outcome(tmp_path) is None
    (tmp_path / "measure.json").write_text(json.dumps(told(2, 0)))
    assert read_outcome(tmp_path) == outcome_of(told(2, 0))
