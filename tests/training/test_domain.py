"""Drawings of rendered faces, and the fine-tuning of a generator to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from unripple.conventions import Face
from unripple.training import domain, drawn, generator, latents
from unripple.training.shards import FaceShards
from unripple.zoo import networks

from .factor_faces import write_factor_shards
from .slim import slim

SIZE = 64


def two_parts() -> tuple[torch.Tensor, torch.Tensor]:
    """A face of one colour, lit from the left, before a background."""
    labels = torch.zeros(1, 32, 32, dtype=torch.uint8)
    labels[:, 8:24, 8:24] = Face.SKIN
    photo = torch.full((1, 3, 32, 32), -0.5)
    photo[:, :, 8:24, 8:16] = 0.9
    photo[:, :, 8:24, 16:24] = 0.1
    return photo, labels


def test_parts_are_flat_in_two_tones_and_outlined() -> None:
    photo, labels = two_parts()
    drawing = drawn.drawings(photo, labels)
    light, dark = drawing[0, :, 16, 12], drawing[0, :, 16, 20]
    mean = photo[0, :, 8:24, 8:24].mean((1, 2))
    assert torch.allclose(light, mean, atol=0.03)
    assert torch.allclose(dark + 1, (mean + 1) * drawn.SHADE, atol=0.03)
    assert torch.allclose(drawing[0, :, 3, 3], torch.lerp(photo[0, :, 3, 3], torch.ones(3), 0.7))
    assert (drawing[0, :, 16, 8] < light - 0.5).all()  # half ink
    lines = drawn.outlines(labels)
    assert float(lines[0, 0, 16, 8]) > 0.4 and float(lines[0, 0, 16, 12]) == 0
    assert float(drawing.abs().max()) <= 1


def test_eyes_stay_as_they_are_and_absent_parts_do_no_harm() -> None:
    photo, labels = two_parts()
    labels[:, 12:16, 12:16] = Face.LEFT_EYE
    photo[:, 1, 12:16, 12:16] = torch.rand(4, 4)
    drawing = drawn.drawings(photo, labels)
    assert torch.equal(drawing[..., 13:15, 13:15], photo[..., 13:15, 13:15])
    assert torch.isfinite(drawing).all()


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    slim(monkeypatch)
    monkeypatch.setattr(generator, "VALIDATION_FACES", 4)
    torch.manual_seed(0)
    folder = write_factor_shards(tmp_path / "toys", size=SIZE)
    data = [FaceShards(folder, generator.GeneratorTask.FIELDS, split) for split in ("train", "val")]
    whole = generator.GeneratorTask(*data, size=SIZE, batch_size=2)
    monkeypatch.setattr(generator, "mean_w", lambda _: torch.zeros(latents.STYLE_DIM))
    (base,) = whole.export(tmp_path)
    return domain.DomainTask(*data, base, batch_size=2)


def test_fine_layers_alone_learn_and_are_kept(task: Any, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in task.net.state_dict().items()}
    batch = task.draw(torch.Generator().manual_seed(0))
    losses = [float(task.train_step(batch, step)["loss"]) for step in range(6)]
    assert losses[-1] < losses[0]
    changed = {
        name
        for name, value in task.net.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed and not any("modulation" in name or "style" in name for name in changed)
    assert {name.split(".")[1] for name in changed if name.startswith("convs")} == set("4567")
    (path,) = task.export(tmp_path)
    assert path.name == "generator-ink.safetensors"
    model = networks.load("generator", path, torch.device("cpu"))
    z = torch.randn(2, latents.STYLE_DIM)
    with torch.no_grad():
        stored, trained = (generator.paint(net, z) for net in (model.net, task.average))
    assert torch.allclose(stored, trained, atol=0.05)
    assert json.loads(json.dumps(model.metadata["over"]))["file"] == "generator.safetensors"
    assert "drawn by" in task.notes()


def test_what_is_regressed_are_drawings(task: Any) -> None:
    batch = task.draw(torch.Generator().manual_seed(0))
    _, target, weights = task.prepare(batch, task.weights)
    photo = batch["photo"].float() / 127.5 - 1
    assert torch.allclose(target, drawn.drawings(photo, batch["labels"]), atol=1e-5)
    assert weights.shape == (2, 1, SIZE, SIZE)
