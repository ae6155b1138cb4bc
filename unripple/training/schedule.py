"""How long a training runs, and the learning rate along the way."""

from __future__ import annotations

from dataclasses import dataclass

from torch.optim import Optimizer

from unripple.conventions import BadConfig

WARM_STEPS = 50
DECAY_FROM = 0.3  # early: the 64 px generator gained most while its rate fell (loss 0.43 to 0.37)
FLOOR = 0.05


@dataclass(frozen=True)
class Budget:
    """The end of a training: a number of steps, of minutes, or whichever comes first.

    Raises:
        BadConfig: neither is given, or one is not positive.
    """

    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise BadConfig("a training needs an end: give --steps, --minutes or both")
        if (self.steps is not None and self.steps <= 0) or (
            self.minutes is not None and self.minutes <= 0
        ):
            raise BadConfig(f"--steps and --minutes must be positive: {self}")

    def progress(self, step: int, seconds: float) -> float:
        """Share of the budget that is spent, in [0, 1]; 1 means done."""
        by_step = step / self.steps if self.steps is not None else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes is not None else 0.0
        return min(1.0, max(by_step, by_time))


def learning_rate_factor(progress: float, step: int) -> float:
    """Warm-up over the first steps, flat, then a straight line down to 5%."""
    warm = min(1.0, (step + 1) / WARM_STEPS)
    decay = (1.0 - progress) / (1.0 - DECAY_FROM) if progress > DECAY_FROM else 1.0
    return warm * max(FLOOR, decay)


def set_learning_rate(optimizer: Optimizer, factor: float) -> None:
    """Scale every group's learning rate from the one that it was built with."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
