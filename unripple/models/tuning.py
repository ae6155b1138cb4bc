"""Pivotal tuning: a generator's weights move until the codes of one photo, its pivot, draw it.

Source: Roich et al. 2021; losses, rates and the locality regulariser of danielroich/PTI (MIT),
which keeps a whole generator per photo. Here every photo has a copy of its own, and what is kept is
the difference of its weights.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from unripple.models.stylegan2 import Generator, truncated

Distance: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Pictures [B, 3, H, W] in [-1, 1], two of them -> [B]."""

PSI = 0.5  # truncation of the codes at which the locality regulariser looks
_MAPPING = "style."  # the pivot is a code already: no gradient reaches what makes codes


class Terms(NamedTuple):
    """What is minimised, scalars: the weighted sum, the mean square and the distance."""

    total: Tensor
    mse: Tensor
    distance: Tensor


@dataclass(frozen=True)
class Objective:
    """How far a drawing is from the photo.

    Attributes:
        perceptual: LPIPS as published, or what stands in for it; None leaves the term out.
        mse_weight, perceptual_weight: of the sum, 1 each as published.
    """

    perceptual: Distance | None
    mse_weight: float = 1.0
    perceptual_weight: float = 1.0

    def __call__(self, picture: Tensor, target: Tensor) -> Terms:
        """Compare pictures [1, 3, S, S]."""
        mse = F.mse_loss(picture, target)
        distance = mse.new_zeros(())
        if self.perceptual is not None:
            distance = self.perceptual(picture, target).sum()
        return Terms(self.mse_weight * mse + self.perceptual_weight * distance, mse, distance)


@dataclass(frozen=True)
class Locality:
    """Codes near the pivot shall draw what they drew before.

    Attributes:
        mean: the generator's mean code, [W] or [L, W].
        weight: of both its terms (published 0.1, and off).
        reach: how far from the pivot it looks, over all rows of the codes.
        samples: how many codes per step.
    """

    mean: Tensor
    weight: float = 0.1
    reach: float = 30.0
    samples: int = 1


@dataclass(frozen=True)
class Holdout:
    """A picture of the same person that the tuning does not see, and codes of it.

    The photo's mirror image is one, with the encoder's codes: as long as the tuned generator learns
    who this is, it draws that better, too; when it learns this one picture by heart, it draws it
    worse, and so it does edits.

    Attributes:
        codes: [1, L, W].
        target: [1, 3, S, S] in [-1, 1].
        every: steps between looks.
        first: step of the first look. Before it edits only gain, whatever the holdout says.
    """

    codes: Tensor
    target: Tensor
    every: int = 10
    first: int = 90


class Seen(NamedTuple):
    """What a step sees before it moves the weights.

    Attributes:
        step: steps made so far.
        loss: what is minimised, the regulariser included.
        mse: mean square difference of pictures in [-1, 1].
        distance: the perceptual one.
    """

    step: int
    loss: float
    mse: float
    distance: float


class Tuning:
    """One photo's generator on its way to the photo.

    Args:
        generator: stays as it is.
        pivot: codes of the photo, [1, L, W].
        target: the photo, [1, 3, S, S] in [-1, 1].
        objective: what is minimised.
        rate: of Adam; 3e-4 is published.
        locality: the regulariser; None, as published, leaves it out.
        holdout: what the weights shall not get worse at; None, as published, looks at none.
        resume: `stored` of the same tuning, interrupted: it goes on to the very same weights.

    Attributes:
        net: the tuned generator.
        step: steps made so far.
        overdone: whether the holdout was drawn better before; `difference` is that of then.
    """

    def __init__(
        self,
        generator: Generator,
        pivot: Tensor,
        target: Tensor,
        objective: Objective,
        *,
        rate: float = 3e-4,
        locality: Locality | None = None,
        holdout: Holdout | None = None,
        resume: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> None:
        self.net, self._origin = copy.deepcopy(generator), generator
        self._pivot, self._target, self._objective = pivot, target, objective
        self._locality, self._holdout = locality, holdout
        self._weights = [one.requires_grad_(True) for one in tunable(self.net).values()]
        self._adam = torch.optim.Adam(self._weights, lr=rate, foreach=False)
        self.step, self.overdone = 0, False
        self._held, self._best = float("inf"), parameters_to_vector(self._weights).detach()
        if resume is not None:
            self._resume(resume)

    def run(self, steps: int) -> Iterator[Seen]:
        """Look, and move unless the caller has seen enough: breaking off leaves what was seen."""
        while True:
            if self._holdout is not None:
                self._check(self._holdout, last=self.step == steps)
            yield self.look()
            if self.overdone or self.step >= steps:
                return
            self.move()

    @torch.no_grad()
    def _check(self, holdout: Holdout, *, last: bool) -> None:
        """Remember the weights that draw the holdout best so far."""
        if not last and (self.step < holdout.first or self.step % holdout.every):
            return
        terms = self._objective(drawn(self.net, holdout.codes, holdout.target), holdout.target)
        held = float(terms.mse if self._objective.perceptual is None else terms.distance)
        self.overdone = held > self._held
        if not self.overdone:
            self._held, self._best = held, parameters_to_vector(self._weights).detach()

    def look(self) -> Seen:
        """Draw the pivot and find out which way the weights should go."""
        self._adam.zero_grad()
        with torch.enable_grad():
            terms = self._objective(drawn(self.net, self._pivot, self._target), self._target)
            total = terms.total
            if self._locality is not None:
                total = total + self._strayed(self._locality)
            total.backward()  # type: ignore[no-untyped-call]
        numbers = (float(one.detach()) for one in (total, terms.mse, terms.distance))
        return Seen(self.step, *numbers)

    def move(self) -> None:
        """One step of Adam."""
        self._adam.step()
        self.step += 1

    def _strayed(self, locality: Locality) -> Tensor:
        """How much codes near the pivot draw something else than before."""
        total = self._pivot.new_zeros(())
        for sample in range(locality.samples):
            near = self._near(locality, sample)
            with torch.no_grad():
                before = drawn(self._origin, near, self._target)
            now = drawn(self.net, near, self._target)
            terms = self._objective(now, before)
            total = total + locality.weight * (terms.mse + terms.distance)
        return total / locality.samples

    @torch.no_grad()
    def _near(self, locality: Locality, sample: int) -> Tensor:
        """A code [1, L, W] at the reach from the pivot, towards one drawn at random.

        The stream depends on the step alone, so that neither an interruption nor another photo of
        the shard changes what is drawn.
        """
        rng = torch.Generator().manual_seed(self.step * locality.samples + sample)
        z = torch.randn(1, 1, self._origin.style_dim, generator=rng).to(self._pivot.device)
        rows = self._origin.rows(self._origin.map(z))
        aim = truncated(rows, locality.mean.to(rows), psi=PSI) - self._pivot
        return self._pivot + locality.reach * aim / aim.norm()

    @property
    def difference(self) -> Tensor:
        """What was added to the weights, float32 [N], in the order of `tunable`."""
        with torch.no_grad():
            now = self._best if self._holdout else parameters_to_vector(self._weights)
            return now - parameters_to_vector(tunable(self._origin).values())

    @property
    def stored(self) -> dict[str, npt.NDArray[Any]]:
        """All that decides what comes next, as arrays."""
        kept = {"weights": parameters_to_vector(self._weights)}
        if self._holdout is not None:
            kept |= {"best": self._best, "held": torch.tensor(self._held, dtype=torch.float64)}
        if self.step:
            state = [self._adam.state[one] for one in self._weights]
            kept |= {
                name: torch.cat([own[name].flatten() for own in state])
                for name in ("exp_avg", "exp_avg_sq")
            }
        arrays = {name: value.detach().cpu().numpy() for name, value in kept.items()}
        return {**arrays, "step": np.array(self.step)}

    def _resume(self, stored: Mapping[str, npt.NDArray[Any]]) -> None:
        device = self._weights[0].device
        flat = {name: torch.from_numpy(np.array(stored[name])).to(device) for name in stored}
        self.step = int(flat.pop("step"))
        if self._holdout is not None:
            self._best, self._held = flat["best"], float(flat["held"])
        with torch.no_grad():
            vector_to_parameters(flat["weights"].clone(), self._weights)
        if not self.step:
            return
        lengths = [one.numel() for one in self._weights]
        moments = {name: torch.split(flat[name], lengths) for name in ("exp_avg", "exp_avg_sq")}
        for number, one in enumerate(self._weights):
            self._adam.state[one] = {
                "step": torch.tensor(float(self.step)),
                **{name: parts[number].view_as(one).clone() for name, parts in moments.items()},
            }


def tunable(generator: Generator) -> dict[str, nn.Parameter]:
    """The weights between codes and picture, by name, in the generator's order."""
    return {
        name: one for name, one in generator.named_parameters() if not name.startswith(_MAPPING)
    }


def drawn(generator: Generator, codes: Tensor, target: Tensor) -> Tensor:
    """Codes [1, L, W] drawn as large as the target, with the stored noise, not clamped."""
    picture = generator.synthesize(codes)
    size = target.shape[-1]
    if picture.shape[-1] == size:
        return picture
    return F.interpolate(picture, size=(size, size), mode="bilinear", align_corners=False)


@torch.no_grad()
def tuned(generator: Generator, difference: Tensor) -> Generator:
    """A copy of a generator with a `Tuning.difference` [N] added, of whatever precision.

    Raises:
        ValueError: the difference is another generator's.
    """
    net = copy.deepcopy(generator)
    weights = list(tunable(net).values())
    lengths = [one.numel() for one in weights]
    if difference.shape != (sum(lengths),):
        raise ValueError(
            f"difference: got {list(difference.shape)}, wanted [{sum(lengths)}] for this generator"
        )
    for one, own in zip(weights, torch.split(difference, lengths), strict=True):
        one.add_(own.view_as(one).to(one))
    return net
