"""Rendering shards: what is in them, and that finished ones stay."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from unripple import faceworld
from unripple.training import __main__ as door
from unripple.training import data, shards
from unripple.training.shards import FaceShards

RENDER = ["data", "--size", "16", "--eager"]


@pytest.fixture(autouse=True)
def few_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "PEOPLE", 2)
    monkeypatch.setattr(data, "CHUNK", 4)


def test_shards_hold_pairs_and_are_rendered_once(tmp_path: Path) -> None:
    assert door.main([*RENDER, "--out", str(tmp_path), "--shards", "3"]) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["plan.json", *(f"shard-{i:05d}.safetensors" for i in range(3))]

    fields = (*data.FIELDS, "factors", "seed")
    one, other = FaceShards(tmp_path, fields, "train").pairs(8, torch.Generator().manual_seed(0))
    fixed = [i for i, name in enumerate(faceworld.NAMES) if name not in data.POSE]
    assert torch.equal(one["factors"][:, fixed], other["factors"][:, fixed])
    assert torch.equal(one["plate"], other["plate"])
    assert (one["pose_deg"] != other["pose_deg"]).any(1).all()
    behind = (one["alpha"] == 0)[:, None].expand_as(one["photo"])
    assert behind.any()
    assert torch.equal(one["photo"][behind], one["plate"][behind])

    with safe_open(shards.shard_path(tmp_path, 2), framework="pt") as file:
        assert file.metadata()["size"] == "16"
        assert file.metadata()["first_identity"] == "4"
        assert file.get_tensor("inverse_depth").dtype == torch.float16

    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("shard-*")}
    shards.shard_path(tmp_path, 1).unlink()
    assert door.main([*RENDER, "--out", str(tmp_path), "--shards", "3"]) == 0
    for path, stamp in stamps.items():
        assert (path.stat().st_mtime_ns == stamp) == (path.name != "shard-00001.safetensors")


def test_the_held_out_shards_come_first_and_nothing_half_done_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[int] = []

    def note(path: Path, index: int, *_: object, **__: object) -> None:
        order.append(index)

    monkeypatch.setattr(data, "write_shard", note)
    door.main([*RENDER, "--out", str(tmp_path), "--shards", "5"])
    assert order == [3, 4, 0, 1, 2]


def test_a_plan_never_shrinks(tmp_path: Path) -> None:
    data.plan(tmp_path, 8)
    data.plan(tmp_path, 3)
    assert shards.validation_indices(tmp_path) == {6, 7}
