"""The loop that every training shares: budget, learning rate, checkpoints, figures, grids.

A training is a `Task`: some nets, their optimizers, and what one step does. `fit` runs it.
"""

from __future__ import annotations

import json
import logging
import math
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from unripple.conventions import Photo
from unripple.training import checkpoint, grids, precision
from unripple.training.checkpoint import Clock
from unripple.training.schedule import Budget, learning_rate_factor, set_learning_rate
from unripple.zoo.memory import keep_freed_memory

log = logging.getLogger("unripple.training")

Net = TypeVar("Net", bound=nn.Module)
Batch = dict[str, Tensor]
Figures = Mapping[str, Tensor | float]

_BAR = "{desc}: {percentage:5.1f}%|{bar}| {elapsed}<{remaining}"  # on a terminal alone


class Task(Protocol):
    """What one training is made of.

    Attributes:
        role: the model role that it trains (`generator`, `encoder`, `parser`, ...).
        batch_size: pictures per step.
        nets: what is trained, saved and restored; frozen helpers stay out.
        ema: averages of some of the nets, saved and restored too.
        optimizers: saved and restored; `fit` moves their learning rates.
        progress: share of the budget spent, in [0, 1]; `fit` writes it before each step.
    """

    role: str
    batch_size: int
    nets: dict[str, nn.Module]
    ema: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    progress: float

    def start_from(self, path: Path) -> None:
        """Take the averaged weights of a run folder or of an exported safetensors file.

        Raises:
            BadCheckpoint: there are none that fit.
        """
        ...

    def draw(self, rng: torch.Generator) -> Batch:
        """The next batch; all of its chance comes from `rng`."""
        ...

    def train_step(self, batch: Batch, step: int) -> Figures:
        """One optimizer step (averages included); the losses, as scalars."""
        ...

    def validate(self) -> dict[str, float]:
        """Figures on identities that no step saw."""
        ...

    def sample(self) -> Photo:
        """A grid to look at, uint8 [H, W, 3]."""
        ...

    def export(self, folder: Path) -> list[Path]:
        """Write the weights in float16 (`<role>.safetensors`); the files written, weights first."""
        ...

    def notes(self) -> str:
        """Two or three sentences for the card: architecture, data, losses."""
        ...


def parameters(*nets: nn.Module) -> list[nn.Parameter]:
    """All trainable parameters of some nets."""
    return [p for net in nets for p in net.parameters() if p.requires_grad]


def to_device(net: Net, device: torch.device | str) -> Net:
    """Move a net to a device, convolutions channels last in memory."""
    net.to(device)
    net.to(memory_format=torch.channels_last)
    return net


def frozen(net: Net, device: torch.device | str) -> Net:
    """A net that others learn through, but that does not learn itself."""
    return to_device(net.eval().requires_grad_(False), device)


def optimizer_step(loss: Tensor, optimizer: Optimizer, *, clip: float | None = None) -> None:
    """One step of an optimizer; `clip` bounds the gradient's norm."""
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    if clip is not None:
        learned = [p for group in optimizer.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(learned, clip)
    optimizer.step()


def adam(
    parameters: list[nn.Parameter], lr: float, betas: tuple[float, float] = (0.9, 0.99)
) -> torch.optim.Adam:
    """Adam in its fused form, which costs a fraction of the plain one on CPU and GPU."""
    return torch.optim.Adam(parameters, lr=lr, betas=betas, fused=True)


def fit(
    task: Task,
    out: Path,
    *,
    budget: Budget,
    seed: int = 0,
    resume: bool = True,
    save_minutes: float = 5.0,
    report_seconds: float = 30.0,
    validate_minutes: float = 3.0,
    compute: str = "auto",
) -> tuple[Clock, bool]:
    """Train until the budget is spent or the process is asked to stop.

    Writes into `out`: `last.pt` (checkpoint), `log.jsonl` (losses and figures), `grid-*.png`.
    SIGTERM and SIGINT finish the step, save and return.

    Args:
        task: freshly built; on resume its state comes from `out/last.pt`.
        out: the run's folder.
        budget: steps, minutes, or both.
        seed: of the draws and of every random number in the steps.
        resume: go on from `out/last.pt` when it exists.
        save_minutes: between checkpoints.
        report_seconds: between progress lines.
        validate_minutes: between validations and grids.
        compute: in `float32`, `bfloat16` or the faster one (`auto`); see `precision.choose`.

    Returns:
        where the training stands, and whether the budget is spent.

    Raises:
        BadCheckpoint: the checkpoint in `out` cannot be resumed.
        FloatingPointError: a loss is no longer finite.
    """
    keep_freed_memory()
    rng = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    clock, last = Clock(), out / checkpoint.NAME
    if resume and last.exists():
        clock = checkpoint.restore(last, task, rng)
        log.info("%s: resumed at step %d", task.role, clock.step)
    task.progress = budget.progress(clock.step, clock.seconds)
    chosen = precision.choose(task, rng, clock, compute)
    clock.precision, clock.processor = chosen.precision, chosen.processor
    journal = TrainingLog(task.role, out, clock)
    journal.log_precision(chosen, clock)
    done_before, started = clock.seconds, time.monotonic()
    due = {"save": 60 * save_minutes, "validate": 60 * validate_minutes, "report": report_seconds}
    at = dict.fromkeys(due, clock.seconds)
    with (
        precision.computing(chosen.precision),
        _stop_signals() as stop,
        logging_redirect_tqdm(),
        tqdm(desc=task.role, total=100, bar_format=_BAR, disable=None, leave=False) as bar,
    ):
        while (progress := budget.progress(clock.step, clock.seconds)) < 1.0 and not stop:
            task.progress = progress
            bar.update(100 * progress - bar.n)
            for optimizer in task.optimizers.values():
                set_learning_rate(optimizer, learning_rate_factor(progress, clock.step))
            journal.add(task.train_step(task.draw(rng), clock.step))
            clock.step += 1
            clock.pictures += task.batch_size
            clock.seconds = done_before + time.monotonic() - started
            due_now = {name for name, every in due.items() if clock.seconds - at[name] >= every}
            at.update(dict.fromkeys(due_now, clock.seconds))
            if "report" in due_now:
                journal.report(clock, progress)
            if "validate" in due_now:
                journal.look(task, clock)
            if "save" in due_now:
                checkpoint.save(last, task, clock, rng)
        journal.report(clock, progress)
        checkpoint.save(last, task, clock, rng)
        finished = progress >= 1.0
        if finished:
            task.progress = 1.0
            journal.look(task, clock)
    return clock, finished


class TrainingLog:
    """Means of the losses between reports, written as lines for people and for programs."""

    def __init__(self, role: str, out: Path, clock: Clock) -> None:
        self.role = role
        self.out = out
        self.sums: dict[str, Tensor | float] = defaultdict(float)
        self.counts: dict[str, int] = defaultdict(int)
        self.since = (clock.seconds, clock.pictures)
        out.mkdir(parents=True, exist_ok=True)

    def log_precision(self, chosen: precision.PrecisionChoice, clock: Clock) -> None:
        """Which precision is computed in, and why."""
        log.info("%s: computing in %s (%s)", self.role, chosen.precision, chosen.why)
        self._record(
            "precision", clock, {"why": chosen.why, "pictures_per_s": chosen.pictures_per_s}
        )

    def add(self, figures: Figures) -> None:
        """Keep a step's losses; tensors stay where they are, so that a GPU is not awaited."""
        for name, value in figures.items():
            self.sums[name] += value.detach() if isinstance(value, Tensor) else value
            self.counts[name] += 1

    def report(self, clock: Clock, progress: float) -> None:
        """One progress line."""
        if not self.counts:
            return
        means = {name: float(self.sums[name]) / n for name, n in self.counts.items()}
        seconds, pictures = self.since
        speed = (clock.pictures - pictures) / max(clock.seconds - seconds, 1e-9)
        self.since = (clock.seconds, clock.pictures)
        self.sums.clear()
        self.counts.clear()
        self._line("train", clock, {"progress": progress, "pictures_per_s": speed, **means})
        broken = [name for name, value in means.items() if not math.isfinite(value)]
        if broken:
            raise FloatingPointError(f"{self.role}: {broken} not finite by step {clock.step}")

    def look(self, task: Task, clock: Clock) -> None:
        """Validation figures and a grid; the steps' random numbers go on as if it had not been."""
        with torch.random.fork_rng():
            self._line("validation", clock, task.validate())
            grids.write(self.out / f"grid-{clock.step:07d}.png", task.sample())

    def _line(self, kind: str, clock: Clock, figures: Mapping[str, float]) -> None:
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        log.info("%s step %d  %.0f s  %s", self.role, clock.step, clock.seconds, shown)
        self._record(kind, clock, figures)

    def _record(self, kind: str, clock: Clock, values: Mapping[str, Any]) -> None:
        record = {"kind": kind, **vars(clock), **values}
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that becomes non-empty when the process is asked to stop."""
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    watched = (signal.SIGTERM, signal.SIGINT)
    before = {name: signal.getsignal(name) for name in watched}
    try:
        for name in watched:
            signal.signal(name, note)
    except ValueError:  # not the main thread: nobody can signal us here
        yield received
        return
    try:
        yield received
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
