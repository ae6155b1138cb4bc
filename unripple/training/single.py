"""What the trainings of one net with one optimizer share; see `loop.Task`."""

from __future__ import annotations

import argparse
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from unripple.conventions import Photo
from unripple.training import cards, ema, grids, start
from unripple.training.loop import (
    Batch,
    Figures,
    Net,
    adam,
    optimizer_step,
    parameters,
    to_device,
)
from unripple.training.precision import autocast
from unripple.training.shards import FaceShards

LONGEST_DECAY = 0.998
GRADIENT_NORM = 5.0


def decay_at(step: int) -> float:
    """Decay of the running average: its memory is a tenth of the steps so far, 500 at most.

    Trainings of minutes make hundreds of steps; a fixed slow average would still hold the start.
    """
    return min(LONGEST_DECAY, (1 + step) / (10 + step))


def in_parts(function: Callable[[Tensor], Tensor], rows: Tensor, size: int = 16) -> Tensor:
    """Apply a function to a few rows at a time, so that a validation needs no more memory than a
    training step."""
    return torch.cat([function(rows[i : i + size]) for i in range(0, len(rows), size)])


def task_arguments(chosen: argparse.Namespace, fields: Sequence[str]) -> dict[str, Any]:
    """The arguments that such a task takes: its faces, opened, and the shared options."""
    return {
        "data": FaceShards(chosen.data, fields, "train", chosen.device),
        "held_out": FaceShards(chosen.data, fields, "val", chosen.device),
        "batch_size": chosen.batch,
        "device": chosen.device,
        "lr": chosen.lr,
    }


class OneNet(ABC, Generic[Net]):
    """One net, its average and its optimizer; subclasses say what a step is.

    Args:
        net: what to train.
        batch_size: pictures per step.
        device: where the net lives.
        optimizer: of its parameters.
    """

    role: str
    arch: str  # module.Class below unripple.models, for the weights file's metadata
    size_px: int = 128  # side of the pictures that the net is trained for

    def __init__(
        self,
        net: Net,
        *,
        batch_size: int,
        device: str,
        optimizer: Callable[[list[nn.Parameter]], Optimizer],
    ) -> None:
        self.batch_size, self.device, self.progress = batch_size, device, 0.0
        self.name = self.role  # of the exported file
        self.net = to_device(net, device)
        self.average = ema.shadow(self.net)
        self.nets: dict[str, nn.Module] = {self.role: self.net}
        self.ema: dict[str, nn.Module] = {self.role: self.average}
        self.optimizers: dict[str, Optimizer] = {self.role: optimizer(parameters(self.net))}

    def start_from(self, path: Path) -> None:
        """Start from another run's average, or from exported weights."""
        start.load(start.averaged(path, self.role), path, self.net, self.average)

    @abstractmethod
    def draw(self, rng: torch.Generator) -> Batch:
        """A batch, augmented, on the device."""

    @abstractmethod
    def train_step(self, batch: Batch, step: int) -> Figures:
        """One step of the optimizer, averages included; the losses, as scalars."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Figures on identities that no step saw."""

    @abstractmethod
    def sample(self) -> Photo:
        """A grid to look at, uint8 [H, W, 3]."""

    @abstractmethod
    def notes(self) -> str:
        """For the card."""

    def export(self, folder: Path) -> list[Path]:
        """Write the averaged net to `<folder>/<name>.safetensors`."""
        path = folder / f"{self.name}.safetensors"
        state = self.average.state_dict()
        return [cards.save_half(path, state, role=self.role, **self.metadata())]

    def metadata(self) -> dict[str, str]:
        """What the weights file says of itself."""
        return {"arch": self.arch, "size": str(self.size_px)}


class SingleNet(OneNet[nn.Module]):
    """Task of one net: subclasses say what a batch is, what the loss is, and how good the net is.

    Args:
        net: what to train.
        batch_size: pictures per step.
        device: where the net lives.
        lr: of Adam.
    """

    net_sizes: dict[str, Any]  # arguments that rebuild the net

    def __init__(self, net: nn.Module, *, batch_size: int, device: str, lr: float) -> None:
        super().__init__(
            net, batch_size=batch_size, device=device, optimizer=lambda own: adam(own, lr)
        )

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Scalars; the one named `loss` is minimised."""

    @torch.no_grad()
    def predict(self, photo: Tensor) -> Tensor:
        """What the averaged net says of pictures uint8 [B, 3, S, S], a few at a time."""
        with autocast(self.device):
            return in_parts(lambda part: self.average(grids.from_uint8(part)), photo)

    def train_step(self, batch: Batch, step: int) -> Figures:
        """One step of Adam."""
        self.net.train()
        figures = self.losses(batch)
        optimizer_step(figures["loss"], self.optimizers[self.role], clip=GRADIENT_NORM)
        ema.follow(self.average, self.net, decay_at(step))
        return {name: value.detach() for name, value in figures.items()}

    def metadata(self) -> dict[str, str]:
        """What the weights file says of itself."""
        return {**super().metadata(), "sizes": json.dumps(self.net_sizes)}


class FaceNet(SingleNet):
    """Task of one net that learns from rendered faces.

    Args:
        net: what to train.
        data, held_out: shards with `fields`.
        batch_size: pictures per step.
        device: where the net lives.
        lr: of Adam; None for `rate`.
    """

    fields: tuple[str, ...]  # what it needs of a face
    rate: float = 2e-3
    n_held_out: int = 128  # faces that it is judged by

    def __init__(
        self,
        net: nn.Module,
        data: FaceShards,
        held_out: FaceShards,
        *,
        batch_size: int,
        device: str = "cpu",
        lr: float | None = None,
    ) -> None:
        lr = self.rate if lr is None else lr
        super().__init__(net, batch_size=batch_size, device=device, lr=lr)
        self.data, self.held_out = data, held_out.first(self.n_held_out)

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Options of its own."""
        parser.add_argument("--lr", type=float, default=cls.rate)

    @classmethod
    def build(cls, chosen: argparse.Namespace) -> Self:
        """Open the data and build the net."""
        arguments = task_arguments(chosen, cls.fields)
        own: Any = cls  # which builds its net by itself
        return own(arguments.pop("data"), arguments.pop("held_out"), **arguments)
