"""Shards and folders of photos: what is drawn, what is held out, what appears meanwhile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unripple.conventions import BadPhoto, UnrippleError
from unripple.training import shards
from unripple.training.shards import FaceShards, FolderPhotos

from .toy_faces import PEOPLE, toy_shard, write_shards

FIELDS = ("photo", "plate", "labels", "factors", "seed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(tmp_path_factory.mktemp("toys"), size=16)


def test_the_last_two_shards_are_held_out(folder: Path) -> None:
    train, held_out = FaceShards(folder, FIELDS, "train"), FaceShards(folder, FIELDS, "val")
    assert set(train.shards) == {0, 1}
    assert set(held_out.shards) == {2, 3}
    assert len(train) == len(held_out) == 4 * PEOPLE


def test_rows_belong_together(folder: Path) -> None:
    faces = FaceShards(folder, FIELDS, "train")
    stored = toy_shard(0, 16)
    first = faces.first(2 * PEOPLE)
    for field in ("photo", "labels", "factors", "seed"):
        assert torch.equal(first[field], stored[field])
    assert torch.equal(first["plate"], stored["plate"].repeat_interleave(2, 0))


def test_pairs_are_one_person_at_two_poses(folder: Path) -> None:
    faces = FaceShards(folder, FIELDS, "train")
    one, other = faces.pairs(64, torch.Generator().manual_seed(0))
    assert torch.equal(one["plate"], other["plate"])
    assert torch.equal(one["factors"][:, 1:], other["factors"][:, 1:])
    assert (one["factors"][:, 0] != other["factors"][:, 0]).all()
    assert (one["seed"] // 2 == other["seed"] // 2).all()
    assert {0, 1} == set((one["seed"] % 2).tolist())


def test_draws_follow_from_the_generator(folder: Path) -> None:
    faces = FaceShards(folder, ("seed",), "train")
    draws = [faces.batch(32, torch.Generator().manual_seed(seed))["seed"] for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_shards_that_appear_later_are_taken_up_and_the_plan_holds_out_its_own(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / shards.PLAN).write_text(json.dumps({"shards": 6}))
    for index in (0, 2, 3):
        shutil.copy(shards.shard_path(folder, index), tmp_path)
    faces = FaceShards(tmp_path, ("seed",), "train")
    assert set(faces.shards) == {0, 2, 3}
    with pytest.raises(UnrippleError, match="no val shards"):
        FaceShards(tmp_path, ("seed",), "val")
    shutil.copy(shards.shard_path(folder, 1), tmp_path)
    shutil.copy(shards.shard_path(folder, 1), shards.shard_path(tmp_path, 5))
    faces.batch(2, torch.Generator())
    assert set(faces.shards) == {0, 2, 3}, "too early to look again"
    monkeypatch.setattr(shards, "RESCAN_SECONDS", 0.0)
    faces.batch(2, torch.Generator())
    assert set(faces.shards) == {0, 1, 2, 3}
    assert set(FaceShards(tmp_path, ("seed",), "val").shards) == {5}


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    shards.shard_path(tmp_path, 0).write_bytes(b"no shard")
    with pytest.raises(UnrippleError, match=r"shard-00000\.safetensors"):
        FaceShards(tmp_path, ("photo",), "val")


def test_an_empty_folder_says_how_to_render(tmp_path: Path) -> None:
    with pytest.raises(UnrippleError, match=r"unripple\.training data"):
        FaceShards(tmp_path)


def test_a_plain_folder_of_photos(tmp_path: Path) -> None:
    for i in range(34):
        Image.new("RGB", (40, 40), (i, 2 * i, 200)).save(tmp_path / f"{i:05d}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    train, held_out = (FolderPhotos(tmp_path, 16, split) for split in ("train", "val"))
    assert [path.name for path in held_out.paths] == ["00000.png", "00032.png"]
    assert len(train) == 32
    photo = train.batch(5, torch.Generator().manual_seed(0))["photo"]
    assert photo.shape == (5, 3, 16, 16)
    assert photo.dtype == torch.uint8
    assert (photo[:, 2] == 200).all()
    assert torch.equal(photo[:, 1], 2 * photo[:, 0])


def test_an_unreadable_photo_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 half")
    with pytest.raises(BadPhoto, match=r"broken\.jpg"):
        FolderPhotos(tmp_path, 16, "val")


def test_photos_come_from_whatever_lies_there(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / "a.png")
    assert isinstance(shards.open_photos(folder, size=16, split="val"), FaceShards)
    assert isinstance(shards.open_photos(tmp_path, size=16, split="val"), FolderPhotos)
