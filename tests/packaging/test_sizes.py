"""What the embedded weights weigh: every clone and every wheel carries them."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.zoo.weights import read_header

MOST_MB = {"hypernet": 7.0, "generator-ink": 1.0}
ALL_MB = 80.0


@pytest.mark.parametrize("name", list(MOST_MB))
def test_small_weights_stay_small_and_in_half_precision(repo: Path, name: str) -> None:
    path = repo / "data" / "models" / f"{name}.safetensors"
    assert path.stat().st_size < MOST_MB[name] * 1e6
    _, table = read_header(path)
    assert {entry["dtype"] for entry in table.values()} <= {"F16", "I64"}


def test_all_together_are_what_a_clone_can_carry_and_have_a_card(repo: Path) -> None:
    files = sorted((repo / "data" / "models").glob("*.safetensors"))
    assert sum(path.stat().st_size for path in files) < ALL_MB * 1e6
    assert all(path.with_suffix(".md").exists() for path in files)
