"""A photo's pivot: one code of w, found by optimisation beside the generator's noise.

Source: Karras et al. 2020, appendix D, with the constants of danielroich/PTI (MIT). The noise maps
are fitted so that they do not push the code about; they are left behind with the copy of the
generator that they belong to.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unripple.models.projection import make_standard, self_likeness, step_size
from unripple.models.stylegan2 import Generator
from unripple.models.tuning import Objective, drawn

NOISE_WEIGHT = 1e5
SHAKEN = 0.05  # how far the code is shaken at first, in the spread of w
CALM = 0.75  # share of the steps after which it is no more
SAMPLES = 10_000
_STATE = ("exp_avg", "exp_avg_sq")


class Spread(NamedTuple):
    """Where w lies: its mean [W], and the root of the mean square distance to it."""

    mean: Tensor
    deviation: float


@torch.no_grad()
def spread_of(generator: Generator, *, samples: int = SAMPLES, seed: int = 123) -> Spread:
    """Sample w, as published from numpy's stream 123."""
    z = np.random.RandomState(seed).randn(samples, generator.style_dim).astype(np.float32)
    w = generator.map(torch.from_numpy(z).to(generator.constant.device))
    mean = w.mean(0)
    return Spread(mean, float((w - mean).square().sum().div(samples).sqrt()))


class Pivot:
    """One photo's code on its way.

    Args:
        generator: stays as it is.
        target: the photo, [1, 3, S, S] in [-1, 1].
        objective: what is minimised, beside the noise's likeness to itself.
        spread: where the code starts, and how far it is shaken.
        steps: how many there will be; step sizes depend on that.
        resume: `stored` of the same search, interrupted.

    Attributes:
        w: the code, [1, 1, W].
        step: steps made so far.
    """

    def __init__(
        self,
        generator: Generator,
        target: Tensor,
        objective: Objective,
        spread: Spread,
        *,
        steps: int,
        resume: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> None:
        self._net = copy.deepcopy(generator)
        self._target, self._objective, self._spread = target, objective, spread
        self.steps, self.step = steps, 0
        self.w = spread.mean.clone()[None, None].requires_grad_(True)
        maps = range(generator.n_codes - 1)
        self._noise = [self._net.stored_noise(i).requires_grad_(True) for i in maps]
        self._adam = torch.optim.Adam([self.w, *self._noise], foreach=False)
        if resume is not None:
            self._resume(resume)

    def run(self) -> Iterator[float]:
        """Step by step, the loss before each."""
        while self.step < self.steps:
            yield self.move()

    def move(self) -> float:
        """One step; the loss before it."""
        done = self.step / self.steps
        self._adam.param_groups[0]["lr"] = step_size(done)
        self._adam.zero_grad()
        with torch.enable_grad():
            codes = self._net.rows(self.w + self._shake(done))
            picture = drawn(self._net, codes, self._target)
            terms = self._objective(picture, self._target)
            loss = terms.total + NOISE_WEIGHT * self_likeness(self._noise)
            loss.backward()  # type: ignore[no-untyped-call]
        self._adam.step()
        make_standard(self._noise)
        self.step += 1
        return float(loss.detach())

    def _shake(self, done: float) -> Tensor:
        """The stream depends on the step alone, so an interruption changes nothing."""
        width = SHAKEN * self._spread.deviation * max(0.0, 1.0 - done / CALM) ** 2
        rng = torch.Generator().manual_seed(self.step)
        return width * torch.randn(self.w.shape, generator=rng).to(self.w.device)

    @property
    def stored(self) -> dict[str, npt.NDArray[Any]]:
        """All that decides what comes next, as arrays."""
        arrays = {"step": np.array(self.step)}
        for number, one in enumerate((self.w, *self._noise)):
            arrays[f"{number}"] = one.detach().cpu().numpy()
            for name in _STATE if self.step else ():
                arrays[f"{number}.{name}"] = self._adam.state[one][name].cpu().numpy()
        return arrays

    def _resume(self, stored: Mapping[str, npt.NDArray[Any]]) -> None:
        self.step = int(stored["step"])
        for number, one in enumerate((self.w, *self._noise)):
            with torch.no_grad():
                one.copy_(torch.from_numpy(np.array(stored[f"{number}"])))
            if self.step:
                moments = {
                    name: torch.from_numpy(np.array(stored[f"{number}.{name}"])).to(one.device)
                    for name in _STATE
                }
                self._adam.state[one] = {"step": torch.tensor(float(self.step)), **moments}
