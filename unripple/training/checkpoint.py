"""Checkpoints that are whole or absent, and that bring a training back exactly."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from unripple.conventions import BadCheckpoint

if TYPE_CHECKING:
    from unripple.training.loop import Task

NAME = "last.pt"


@dataclass
class Clock:
    """Where a training stands: steps done, pictures seen, seconds spent; and how it computes.

    Attributes:
        precision: `float32` or `bfloat16`; empty before the first step.
        processor: where that was chosen (see `precision.processor`).
    """

    step: int = 0
    pictures: int = 0
    seconds: float = 0.0
    precision: str = ""
    processor: str = ""


def save(path: Path, task: Task, clock: Clock, rng: torch.Generator) -> None:
    """Write everything that a training needs to go on as if it had never stopped.

    The file appears under its name only when it is complete and on disk.
    """
    state = {
        "nets": {name: net.state_dict() for name, net in task.nets.items()},
        "ema": {name: net.state_dict() for name, net in task.ema.items()},
        "optimizers": {name: opt.state_dict() for name, opt in task.optimizers.items()},
        "clock": vars(clock),
        "draws": rng.get_state(),
        "random": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read(path: Path) -> dict[str, Any]:
    """The raw content of a checkpoint, on the CPU.

    Raises:
        BadCheckpoint: the file cannot be read.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BadCheckpoint(
            f"{path} cannot be read as a checkpoint ({error}); delete it to start afresh"
        ) from error
    return state


def restore(path: Path, task: Task, rng: torch.Generator) -> Clock:
    """Put a saved training back into a freshly built task, and the random streams with it.

    Raises:
        BadCheckpoint: the file is unreadable or belongs to nets of another shape.
    """
    state = read(path)
    try:
        for name, net in task.nets.items():
            net.load_state_dict(state["nets"][name])
        for name, net in task.ema.items():
            net.load_state_dict(state["ema"][name])
        for name, optimizer in task.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
    except (KeyError, RuntimeError, ValueError) as error:
        raise BadCheckpoint(
            f"{path} was written by another training than this one ({error}); "
            "choose another --out, or --resume never to overwrite it"
        ) from error
    rng.set_state(state["draws"])
    torch.set_rng_state(state["random"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    return Clock(**state["clock"])
