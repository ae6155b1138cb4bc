"""The parser's training: augmentation that keeps labels right, loss, figures, export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from unripple.conventions import Face
from unripple.models.bisenet import BiSeNet, sizes_from_state
from unripple.training import augment
from unripple.training.parser import (
    FIELDS,
    ParserTask,
    agreement,
    hard_pixel_loss,
    part_weights,
)
from unripple.training.shards import FaceShards

from .toy_faces import toy_shard, write_shards


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(tmp_path_factory.mktemp("toys"))


@pytest.fixture
def task(folder: Path) -> ParserTask:
    torch.manual_seed(0)
    data, held_out = (FaceShards(folder, FIELDS, split) for split in ("train", "val"))
    return ParserTask(data, held_out, batch_size=4, widths=(8, 8, 16, 16, 16))


def test_the_loss_falls_on_one_batch(task: ParserTask) -> None:
    batch = task.draw(torch.Generator().manual_seed(0))
    first, *_, last = (float(task.train_step(batch, step)["main"]) for step in range(30))
    assert last < 0.7 * first


def test_a_batch_is_a_function_of_its_generator(task: ParserTask) -> None:
    one, same = (task.draw(torch.Generator().manual_seed(3)) for _ in range(2))
    other = task.draw(torch.Generator().manual_seed(4))
    assert torch.equal(one["photo"], same["photo"])
    assert torch.equal(one["labels"], same["labels"])
    assert not torch.equal(one["photo"], other["photo"])
    assert one["photo"].abs().max() < 1.6  # noise may leave [-1, 1] a little


def test_mirrored_pictures_keep_the_persons_own_left(task: ParserTask) -> None:
    shard = toy_shard(0, 64)
    labels = augment.swap_sides(shard["labels"])
    mirror = augment.similarity(torch.zeros(16), torch.ones(16), torch.zeros(16, 2), torch.ones(16))
    mirrored = augment.warp(labels[:, None].float(), mirror, mode="nearest")[:, 0]
    assert augment.is_mirrored(mirror).all()
    columns = torch.arange(64).float()
    for picture in mirrored:  # the person's right eye still lies at the picture's left
        right = columns[(picture == Face.RIGHT_EYE).any(0)].mean()
        left = columns[(picture == Face.LEFT_EYE).any(0)].mean()
        assert right < left
    assert torch.equal(augment.swap_sides(labels), shard["labels"])


def test_only_hard_pixels_enter_the_loss() -> None:
    labels = torch.zeros(1, 8, 8, dtype=torch.long)
    logits = torch.zeros(1, 19, 8, 8)
    logits[:, 0] = 20.0  # all right, and sure of it
    logits[:, :, 0, :4] = 0.0  # four pixels that know nothing
    loss = hard_pixel_loss(logits, labels, part_weights())
    assert loss == pytest.approx(float(torch.tensor(19.0).log()), rel=1e-4)
    logits[:, :, 0, :2] = logits[:, :, 1, :2]  # two are left: the least share asks for four
    half = hard_pixel_loss(logits, labels, part_weights())
    assert half == pytest.approx(float(loss) / 2, rel=1e-4)


def test_agreement_counts_what_is_there() -> None:
    true = torch.zeros(1, 4, 4, dtype=torch.uint8)
    true[0, :2] = Face.SKIN
    assert agreement(true, true) == {"miou": 1.0, "person_iou": 1.0, "accuracy": 1.0}
    predicted = true.clone()
    predicted[0, 0] = Face.HAIR  # a person still, but the wrong part
    figures = agreement(predicted, true)
    assert figures["person_iou"] == 1.0
    assert figures["accuracy"] == 0.75
    assert figures["miou"] == pytest.approx((1 + 0.5) / 2)


def test_the_export_rebuilds_the_net(task: ParserTask, tmp_path: Path) -> None:
    task.train_step(task.draw(torch.Generator()), 0)
    (path,) = task.export(tmp_path)
    with safe_open(path, framework="pt") as file:
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    sizes = sizes_from_state(state)
    assert json.loads(metadata["sizes"]) == json.loads(json.dumps(sizes))
    assert metadata["arch"] == "bisenet.BiSeNet"
    net = BiSeNet(**sizes)
    net.load_state_dict(state)
    plain = {"miou", "person_iou", "accuracy"}
    assert set(task.validate()) == plain | {f"randomised_{name}" for name in plain}
    assert task.sample().shape == (3 * 64, 12 * 64, 3)
