"""In which precision a training computes: timed where it runs, never assumed.

bfloat16 is the faster one on processors and GPUs that have it in hardware, and up to 78 times
slower on others. So a training times a few of its own steps in both before it begins, puts back
whatever they changed, and takes the faster.
"""

from __future__ import annotations

import copy
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.optim import Optimizer

from unripple.models.layers.precision import computes_bfloat16
from unripple.training.checkpoint import Clock
from unripple.training.schedule import set_learning_rate

if TYPE_CHECKING:
    from unripple.training.loop import Task

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
FORMER_DEFAULT = "bfloat16"  # what every training computed in until its checkpoint said it
SECONDS = 2.0  # of timing, both precisions together
ROUNDS = 8
CLEAR = 4.0  # times slower: then one step, which may take a minute, is enough
MUCH_SLOWER = 2.0  # a resumed training keeps its precision, and with it its numbers, up to here

_computing: ContextVar[str | None] = ContextVar("precision", default=None)


def autocast(device: torch.device | str) -> torch.autocast:
    """What the nets of a training compute in; weights and optimizer stay float32.

    Within `computing` it is the precision said there, elsewhere what the device has in hardware.
    """
    precision = _computing.get()
    half = computes_bfloat16(device) if precision is None else precision == "bfloat16"
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=half)


@contextmanager
def computing(precision: str) -> Iterator[None]:
    """Within it, `autocast` gives this precision (`float32` or `bfloat16`)."""
    token = _computing.set(precision)
    try:
        yield
    finally:
        _computing.reset(token)


@dataclass(frozen=True)
class PrecisionChoice:
    """The precision of a training, on which processor, why, and how fast both were (if timed)."""

    precision: str
    processor: str
    why: str
    pictures_per_s: dict[str, float] = field(default_factory=dict)


def choose(task: Task, rng: torch.Generator, clock: Clock, asked: str = "auto") -> PrecisionChoice:
    """The precision to train in.

    A resumed training keeps that of its checkpoint, so that it ends in the same bits, unless it is
    asked for another, or runs on another kind of processor where that would be much slower.

    Args:
        task: built and, if it resumes, restored; it is left as it was, to the bit.
        rng: of the draws; likewise.
        clock: where the training stands, and what it computed in so far.
        asked: `float32`, `bfloat16`, or `auto`.
    """
    here = processor(device_of(task))
    before = (clock.precision or FORMER_DEFAULT) if clock.step else None
    if asked != "auto":
        changed = f", instead of {before} as so far" if before not in (None, asked) else ""
        return PrecisionChoice(asked, here, f"asked for{changed}")
    if before is not None and clock.processor == here:
        return PrecisionChoice(before, here, "as so far")
    rates = measured(task, rng, clock.step)
    faster = max(rates, key=rates.__getitem__)
    speeds = f"{rates[faster]:.3g} pictures/s, {rates[other(faster)]:.3g} in {other(faster)}"
    if before is None:
        return PrecisionChoice(faster, here, f"the faster one here: {speeds}", rates)
    kept = before if rates[faster] <= MUCH_SLOWER * rates[before] else faster
    elsewhere = f"resumed from {before} on {clock.processor or 'a processor not named'}"
    if kept == before:
        return PrecisionChoice(
            kept, here, f"{elsewhere} and kept; faster here is {faster}: {speeds}", rates
        )
    return PrecisionChoice(kept, here, f"{elsewhere}, which is much slower here: {speeds}", rates)


def other(precision: str) -> str:
    """The one of the two that this is not."""
    (name,) = DTYPES.keys() - {precision}
    return name


def device_of(task: Task) -> torch.device:
    """Where the nets of a task live."""
    return next(p.device for net in task.nets.values() for p in net.parameters())


def processor(device: torch.device) -> str:
    """The kind of a processor as far as it decides which precision is fast."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    half = "with" if computes_bfloat16(device) else "without"
    vectors = torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()} {vectors} {half} bfloat16"


def measured(
    task: Task,
    rng: torch.Generator,
    step: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Pictures per second of a task's steps in both precisions, its quickest step in each.

    They are timed in turn, so that what else the machine does slows both. The first round also
    makes what later ones find made, so there are two, unless that one is clear already.
    """
    spent: dict[str, list[float]] = {name: [] for name in DTYPES}
    with unchanged(task, rng):
        for optimizer in task.optimizers.values():
            set_learning_rate(optimizer, 0.0)  # a cold optimizer's steps need not be survived
        for again in range(ROUNDS):
            for name in DTYPES:
                with computing(name):
                    spent[name].append(seconds_of(task, rng, step + again, clock))
            quick, slow = sorted(min(times) for times in spent.values())
            clear = again > 0 or slow > CLEAR * quick
            if clear and sum(map(sum, spent.values())) >= SECONDS:
                break
    return {name: task.batch_size / min(times) for name, times in spent.items()}


def seconds_of(
    task: Task, rng: torch.Generator, step: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """How long drawing a batch and one step on it take."""
    device = device_of(task)
    started = clock()
    task.train_step(task.draw(rng), step)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - started


@contextmanager
def unchanged(task: Task, rng: torch.Generator) -> Iterator[None]:
    """What steps change within it, is as before afterwards: nets, averages, optimizers, chance."""
    parts: list[nn.Module | Optimizer]
    parts = [*task.nets.values(), *task.ema.values(), *task.optimizers.values()]
    states = [copy.deepcopy(part.state_dict()) for part in parts]
    draws = rng.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        rng.set_state(draws)
        for part, state in zip(parts, states, strict=True):
            part.load_state_dict(state)
        for net in task.nets.values():
            net.zero_grad(set_to_none=True)
