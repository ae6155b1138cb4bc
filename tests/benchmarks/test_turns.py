"""The benchmark of turns: its table."""

from __future__ import annotations

from benchmarks.turns import table


def test_errors_are_sizes_and_the_rest_keeps_its_sign() -> None:
    rows = [
        {"geometry": {"yaw_error": error, "ghost_transmission": -0.2}, "truth": {"yaw_error": 0.0}}
        for error in (-3.0, 1.0, -2.0)
    ]
    text = table(rows)
    assert "| yaw_error | 2.000 | 0.000 |" in text
    assert "| ghost_transmission | -0.200 |  |" in text
    assert "3 people" in text
