"""The benchmark of turns: its table."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.turns import table, without


def test_errors_are_sizes_and_the_rest_keeps_its_sign() -> None:
    rows = [
        {"geometry": {"yaw_error": error, "ghost_transmission": -0.2}, "truth": {"yaw_error": 0.0}}
        for error in (-3.0, 1.0, -2.0)
    ]
    text = table(rows)
    assert "| yaw_error | 2.000 | 0.000 |" in text
    assert "| ghost_transmission | -0.200 |  |" in text
    assert "3 people" in text


def test_a_way_is_measured_anew_without_the_others(tmp_path: Path) -> None:
    place = tmp_path / "000.json"
    place.write_text(json.dumps({"generator": {"seam": 1.0}, "geometry": {"seam": 0.5}}))
    without(place, ["geometry"])
    assert json.loads(place.read_text()) == {"generator": {"seam": 1.0}}
