"""The loop that all trainings share: resuming, schedules, averages, checkpoints."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unripple.conventions import BadCheckpoint, BadConfig, Photo
from unripple.training import cards, checkpoint, ema, loop
from unripple.training.schedule import DECAY_FROM, Budget, learning_rate_factor


class Line:
    """Fits y = 3x with dropout noise, so that draws and steps both use chance."""

    role = "line"
    batch_size = 4

    def __init__(self, stop_at: int | None = None) -> None:
        torch.manual_seed(7)
        self.net = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.average = ema.shadow(self.net)
        self.nets: dict[str, nn.Module] = {"line": self.net}
        self.ema: dict[str, nn.Module] = {"line": self.average}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "line": loop.adam(loop.parameters(self.net), 1e-2)
        }
        self.progress = 0.0
        self.stop_at = stop_at

    def draw(self, rng: torch.Generator) -> loop.Batch:
        return {"x": torch.randn(self.batch_size, 1, generator=rng)}

    def train_step(self, batch: loop.Batch, step: int) -> loop.Figures:
        loss = (self.net(batch["x"]) - 3 * batch["x"]).square().mean()
        self.optimizers["line"].zero_grad()
        loss.backward()
        self.optimizers["line"].step()
        ema.follow(self.average, self.net, 0.9)
        if step == self.stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"loss": loss}

    def validate(self) -> dict[str, float]:
        torch.rand(3)  # must not disturb the steps
        return {"weight": float(self.net[0].weight.detach().mean())}

    def sample(self) -> Photo:
        return np.zeros((4, 4, 3), np.uint8)

    def export(self, folder: Path) -> list[Path]:
        return [cards.save_half(folder / "line.safetensors", self.average.state_dict())]

    def notes(self) -> str:
        return "A line."


def weights(task: Line) -> Tensor:
    return torch.cat([p.flatten() for net in (task.net, task.average) for p in net.parameters()])


def test_a_stopped_training_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = Line()
    clock, finished = loop.fit(whole, tmp_path / "whole", budget=Budget(steps=30))
    assert finished
    assert clock.step == 30
    assert clock.pictures == 120

    stopped = Line(stop_at=11)
    clock, finished = loop.fit(
        stopped, tmp_path / "parts", budget=Budget(steps=30), validate_minutes=0
    )
    assert not finished
    assert clock.step == 12
    resumed = Line()
    clock, finished = loop.fit(resumed, tmp_path / "parts", budget=Budget(steps=30))
    assert finished
    assert clock.step == 30
    assert torch.equal(weights(whole), weights(resumed))


def test_resume_never_starts_afresh(tmp_path: Path) -> None:
    loop.fit(Line(), tmp_path, budget=Budget(steps=3))
    clock, _ = loop.fit(Line(), tmp_path, budget=Budget(steps=2), resume=False)
    assert clock.step == 2


def test_the_journal_holds_losses_validation_and_a_grid(tmp_path: Path) -> None:
    loop.fit(Line(), tmp_path, budget=Budget(steps=3))
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [record["kind"] for record in records] == ["precision", "train", "validation"]
    assert records[1]["loss"] > 0
    assert records[1]["pictures_per_s"] > 0
    assert (tmp_path / "grid-0000003.png").exists()


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path: Path) -> None:
    task = Line()
    with torch.no_grad():
        task.net[0].weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="loss"):
        loop.fit(task, tmp_path, budget=Budget(steps=2))


def test_a_damaged_or_foreign_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / checkpoint.NAME).write_bytes(b"half a file")
    with pytest.raises(BadCheckpoint, match=r"last\.pt"):
        loop.fit(Line(), tmp_path, budget=Budget(steps=2))
    other = Line()
    other.net = nn.Sequential(nn.Linear(2, 2))
    other.nets = {"line": other.net}
    checkpoint.save(tmp_path / checkpoint.NAME, other, checkpoint.Clock(), torch.Generator())
    with pytest.raises(BadCheckpoint, match="another training"):
        loop.fit(Line(), tmp_path, budget=Budget(steps=2))


def test_the_learning_rate_warms_up_stays_and_falls_to_a_twentieth() -> None:
    late = 10_000
    assert learning_rate_factor(0.0, 0) == pytest.approx(1 / 50)
    assert learning_rate_factor(0.1, late) == 1.0
    assert learning_rate_factor(DECAY_FROM, late) == 1.0
    assert learning_rate_factor((1 + DECAY_FROM) / 2, late) == pytest.approx(0.5)
    assert learning_rate_factor(1.0, late) == pytest.approx(0.05)


def test_a_budget_ends_at_whichever_comes_first() -> None:
    assert Budget(steps=10).progress(5, 1e9) == 0.5
    assert Budget(minutes=2).progress(10**9, 30) == 0.25
    assert Budget(steps=10, minutes=1).progress(2, 90) == 1.0
    with pytest.raises(BadConfig, match="--steps, --minutes"):
        Budget()
    with pytest.raises(BadConfig, match="positive"):
        Budget(steps=0)


def test_the_average_follows_weights_and_copies_buffers() -> None:
    net = nn.BatchNorm1d(2)
    average = ema.shadow(net)
    with torch.no_grad():
        net.weight.fill_(2.0)
        net.running_mean.fill_(5.0)
    ema.follow(average, net, 0.75)
    assert torch.allclose(average.weight, torch.full((2,), 1.25))
    assert torch.equal(average.running_mean, net.running_mean)


def test_weights_are_stored_as_float16_or_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    path = cards.save_half(tmp_path / "a.safetensors", {"w": torch.ones(2), "n": torch.arange(3)})
    stored = load_file(path)
    assert stored["w"].dtype == torch.float16
    assert stored["n"].dtype == torch.int64
    with pytest.raises(ValueError, match="float16"):
        cards.save_half(tmp_path / "b.safetensors", {"w": torch.tensor([1e6])})
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]
