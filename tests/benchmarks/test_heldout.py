"""Who is held out, that they stay the same people, and which turns they make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import heldout
from unripple.conventions import UnrippleError
from unripple.faceworld import INDEX, PITCH_MAX_DEG, YAW_MAX_DEG

SIZE = 16


def rendered(factors: torch.Tensor, seeds: torch.Tensor, size: int) -> heldout.Stored:
    """In place of minutes of rendering: pictures that tell their seeds."""
    count = len(factors)
    shown = (seeds % 200).to(torch.uint8)[:, None, None, None].expand(count, 3, size, size)
    alpha = torch.zeros(count, size, size, dtype=torch.uint8)
    alpha[:, :, 4:12] = 255
    stored = {"photo": shown, "plate": shown, "alpha": alpha, "factors": factors}
    for turn, sign in heldout.TURNS.items():
        stored |= {
            f"{turn}_photo": shown,
            f"{turn}_alpha": alpha.roll(sign, 2),
            f"{turn}_yaw": torch.full((count,), 20.0 * sign),
        }
    return {name: value.clone() for name, value in stored.items()}


def test_the_first_people_are_the_same_however_many_are_asked() -> None:
    many = heldout.factors_of_people(256)
    assert torch.equal(heldout.factors_of_people(12), many[:12])
    assert float(many[:, INDEX["yaw"]].abs().max()) * YAW_MAX_DEG < YAW_MAX_DEG - heldout.TURN_DEG
    assert float(many[:, INDEX["pitch"]].abs().max()) * PITCH_MAX_DEG < 8
    assert len(torch.unique(many, dim=0)) == 256


def test_there_are_only_so_many_people() -> None:
    with pytest.raises(UnrippleError, match="5000 photos: the benchmark has"):
        heldout.factors_of_people(5000)


def test_people_are_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heldout, "_rendered", rendered)
    many = heldout.people(heldout.CHUNK + 3, SIZE, tmp_path)
    assert len(many["photo"]) == heldout.CHUNK + 3
    assert len(list(tmp_path.glob("people-*.pt"))) == len(list(tmp_path.iterdir())) == 2

    def never(*_: object) -> heldout.Stored:
        raise AssertionError("rendered again")

    monkeypatch.setattr(heldout, "_rendered", never)
    few = heldout.people(3, SIZE, tmp_path)
    assert all(torch.equal(few[name], many[name][:3]) for name in many)
    assert torch.equal(many["factors"], heldout.factors_of_people(heldout.CHUNK + 3))


def test_people_turn_to_both_sides_or_to_one_by_turns() -> None:
    stored = rendered(heldout.factors_of_people(5), 100 + torch.arange(5), SIZE)
    both = heldout.turns(stored)
    assert [case.degree for case in both] == [-3.0] * 5 + [3.0] * 5
    assert [case.yaw_deg for case in both] == [-20.0] * 5 + [20.0] * 5
    one = heldout.turns(stored, both=False)
    assert [(int(case.photo[0, 0, 0]), case.degree) for case in one] == [
        (100, -3.0), (102, -3.0), (104, -3.0), (101, 3.0), (103, 3.0)
    ]  # fmt: skip
    assert np.array_equal(one[0].after, np.roll(one[0].before, -1, axis=1))
