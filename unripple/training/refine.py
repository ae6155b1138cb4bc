"""Refine a translation by descent through the generator, until what it draws is what is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.stylegan2 import Generator
from unripple.training.edit_pairs import Pairs
from unripple.training.latents import code
from unripple.training.loop import optimizer_step
from unripple.training.precision import autocast

BATCH = 8
LR = 0.08  # of Adam, in units of w, whose spread is about 1.1; flat for a third, then to 0
LEVELS = 3
OUTSIDE = 0.15  # weight of a pixel that should stay; the mix-ups restore most of them anyway
ROBUST = 0.5  # from there on differences of pictures count by their size, not by its square
SIZE_COST = 0.02  # of a mean square offset of 1, where doing nothing costs 1


class FitQuality(NamedTuple):
    """How an offset's change of pictures compares with the true one, inside the true region.

    Attributes:
        share: least-squares slope of the drawn change against the true one: 1 draws all of it.
        correlation: of the two, through the origin: 1 draws nothing else.
        cost: what `refined` lowers.
    """

    share: float
    correlation: float
    cost: float


def refined(
    generator: Generator, pairs: Pairs, offset: Tensor, *, exaggeration: float, steps: int
) -> Tensor:
    """Descend from an offset to one whose change of the pictures is the true one.

    Args:
        generator: frozen.
        pairs: people before and after.
        offset: to start from, float32 [n_codes, W].
        exaggeration: how many times the true change is wanted.
        steps: of Adam, each with BATCH people.

    Returns:
        Another offset, float32 [n_codes, W].

    Source: own. Lowers, relative to changing nothing, the robust distance between what the offset
    changes in the generator's pictures and the exaggerated true change (`_cost`), plus a little for
    the offset's size.
    """
    w, before = _start(generator, pairs)
    moved = offset.clone().requires_grad_()
    optimizer = torch.optim.Adam([moved], lr=LR, betas=(0.9, 0.95))
    target = exaggeration * pairs.change
    unit = _cost_of_nothing(target, pairs.region)
    for step, rows in enumerate(_batches(len(w), steps)):
        # Flat, then straight to 0: the last steps average over people instead of following each.
        optimizer.param_groups[0]["lr"] = LR * min(1.0, 1.5 * (1 - step / steps))
        drawn = _paint(generator, w[rows], moved) - before[rows]
        cost = _cost(drawn - target[rows], pairs.region[rows]) / unit
        optimizer_step(cost + SIZE_COST * moved.square().mean(), optimizer)
    return moved.detach()


@torch.no_grad()
def fit(generator: Generator, pairs: Pairs, offset: Tensor, *, exaggeration: float) -> FitQuality:
    """Measure an offset [n_codes, W] on people; see `Fit`."""
    w, before = _start(generator, pairs)
    parts = [_paint(generator, part, offset) for part in torch.split(w, BATCH)]
    drawn = torch.cat(parts) - before
    target = exaggeration * pairs.change
    cost = _cost(drawn - target, pairs.region) / _cost_of_nothing(target, pairs.region)
    inside = F.avg_pool2d(pairs.region, 2)
    ours, true = (F.avg_pool2d(change, 2) for change in (drawn, pairs.change))
    both, own, all_of_it = (
        (inside * a * b).sum() for a, b in ((ours, true), (ours, ours), (true, true))
    )
    share = both / all_of_it.clamp_min(1e-9)
    correlation = both / (own * all_of_it).sqrt().clamp_min(1e-9)
    return FitQuality(float(share), float(correlation), float(cost))


@torch.no_grad()
def _start(generator: Generator, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """Codes w [B, W] of people, and the generator's pictures of them."""
    device = next(generator.parameters()).device
    w = generator.map(code(pairs.factors, generator.style_dim).to(device)).float()
    still = w.new_zeros(generator.n_codes, w.shape[1])
    return w, torch.cat([_paint(generator, part, still) for part in torch.split(w, BATCH)])


def _paint(generator: Generator, w: Tensor, offset: Tensor) -> Tensor:
    with autocast(w.device):
        return generator.synthesize(w[:, None] + offset, noise="none").float()


def _batches(count: int, steps: int) -> Iterator[Tensor]:
    """Rows of each step: all people in turn, in another order every time."""
    rng = torch.Generator().manual_seed(0)
    order = torch.cat(
        [torch.randperm(count, generator=rng) for _ in range(1 + steps * BATCH // count)]
    )
    for step in range(steps):
        yield order[step * BATCH : (step + 1) * BATCH]


def _cost(missed: Tensor, region: Tensor) -> Tensor:
    """Robust size of what is missed, over a pyramid, the true region first.

    Pooling is linear, so the pyramid of a difference is the difference of the pyramids: a line that
    is drawn a pixel aside still counts at the coarser levels.
    """
    weight = region + OUTSIDE * (1 - region)
    total = missed.new_zeros(())
    for level in range(LEVELS):
        if level:
            missed, weight = F.avg_pool2d(missed, 2), F.avg_pool2d(weight, 2)
        size = F.smooth_l1_loss(missed, torch.zeros_like(missed), beta=ROBUST, reduction="none")
        # Coarser levels count double each: their differences are averages, and so smaller.
        total = total + 2**level * (weight * size).mean()
    return total


def _cost_of_nothing(target: Tensor, region: Tensor) -> Tensor:
    """The cost of changing nothing."""
    return _cost(target, region).clamp_min(1e-9)
