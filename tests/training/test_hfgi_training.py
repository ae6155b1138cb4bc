"""HFGI's training: warps, what the aligner is asked, reconstruction, the export."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unripple.models.hfgi import fuse
from unripple.training import encoders, hfgi, latents, loop
from unripple.training.critics import Critic
from unripple.training.hfgi import HfgiTask
from unripple.training.schedule import Budget
from unripple.training.shards import FaceShards
from unripple.zoo import networks

from .toy_faces import write_shards

SIZE = 64


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    channels = {4: 8, 8: 8, 16: 8, 32: 8, 64: 8}
    for module in (latents, hfgi):
        monkeypatch.setattr(module, "CHANNELS", channels)
    monkeypatch.setattr(encoders, "WIDTHS", (8, 12, 16, 20, 24))
    monkeypatch.setattr(encoders, "UNITS", (1, 1, 1, 1))
    monkeypatch.setattr(encoders, "SIZE", SIZE)
    monkeypatch.setattr(encoders, "N_CODES", 10)
    monkeypatch.setattr(hfgi, "SIZE", SIZE)
    monkeypatch.setattr(hfgi, "STRIDES", (1, 1))  # 64 px pictures, 64 px features
    monkeypatch.setattr(hfgi, "ALIGNER_WIDTHS", (4, 6, 8, 8))
    monkeypatch.setattr(hfgi, "RESIDUAL_WIDTHS", (6, 8, 8))
    monkeypatch.setattr(hfgi, "VALIDATION_FACES", 4)


@pytest.fixture
def task(tmp_path: Path) -> HfgiTask:
    torch.manual_seed(0)
    folder = write_shards(tmp_path / "toys", size=SIZE)
    generator = loop.frozen(latents.small_generator(SIZE), "cpu")
    encoder = loop.frozen(encoders.small_encoder(), "cpu")
    return HfgiTask(
        FaceShards(folder, ("photo",), "train"),
        FaceShards(folder, ("photo",), "val"),
        generator,
        (encoder, torch.zeros(latents.STYLE_DIM)),
        critic=Critic(),
        batch_size=4,
    )


def test_the_identity_map_warps_nothing() -> None:
    pictures = torch.randn(2, 3, 16, 24)
    assert torch.allclose(hfgi.warp(pictures, torch.eye(3).repeat(2, 1, 1)), pictures, atol=1e-5)


def test_a_shift_moves_by_whole_pixels_and_leaves_zeros() -> None:
    pictures = torch.randn(1, 3, 16, 16)
    shift = torch.eye(3)[None].clone()
    shift[:, 0, 2] = 2 * 2 / 16  # samples two pixels further right
    moved = hfgi.warp(pictures, shift)
    assert torch.allclose(moved[..., :-2], pictures[..., 2:], atol=1e-5)
    assert not moved[..., -2:].any()


def test_random_homographies_stay_small_and_differ() -> None:
    torch.manual_seed(0)
    maps = hfgi.random_homographies(200)
    assert (maps[:, 2, 2] == 1).all()
    assert float((maps - torch.eye(3)).abs().max()) < 0.4
    assert float(maps.std(0)[0, 0]) == pytest.approx(0.06, rel=0.2)


def test_a_new_consultation_changes_nothing(task: HfgiTask) -> None:
    photo = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    w_plus, picture = task.invert(photo)
    _, restored = task.consult(task.net.eval(), w_plus, photo - picture, picture)
    assert torch.allclose(restored.clamp(-1, 1), picture, atol=1e-5)


def test_steps_restore_the_photo_and_leave_the_frozen_nets_alone(task: HfgiTask) -> None:
    frozen = [p.clone() for net in (task.generator, task.encoder) for p in net.parameters()]
    batch = task.draw(torch.Generator().manual_seed(0))
    steps = [task.train_step(batch, step) for step in range(12)]
    assert float(steps[-1]["pyramid"]) < 0.9 * float(steps[0]["pyramid"])
    after = [p for net in (task.generator, task.encoder) for p in net.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(frozen, after, strict=True))
    figures = task.validate()
    assert figures["left_shifted"] > 0
    assert {"psnr_db", "psnr_e4e_db", "align", "align_shifted"} <= set(figures)
    assert task.sample().shape == (3 * SIZE, 4 * SIZE, 3)


def test_the_export_is_what_the_stages_load(task: HfgiTask, tmp_path: Path) -> None:
    loop.fit(task, tmp_path / "run", budget=Budget(steps=2))
    (path,) = task.export(tmp_path)
    model = networks.load("hfgi", path, torch.device("cpu"))
    assert model.metadata["inject_after"] == hfgi.INJECT_AFTER
    photo = task.held_out["photo"].float() / 127.5 - 1
    w_plus, picture = task.invert(photo)
    residual = photo - picture
    scale, shift = model.net["residue"](model.net["grid_align"](residual, picture))
    inject = {hfgi.INJECT_AFTER: lambda features: fuse(features, scale, shift)}
    stored = task.generator.synthesize(w_plus, noise="none", inject=inject)
    _, trained = task.consult(task.average, w_plus, residual, picture)
    assert torch.allclose(stored, trained, atol=0.05 * float(stored.abs().max()))
