"""Pivotal tuning: a projection into w, then the generator's weights, a few steps of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.lpips import LPIPS
from unripple.models.pivots import Pivot, Spread
from unripple.models.stylegan2 import Generator, sizes_from_state
from unripple.models.tuning import Objective, Tuning

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, ready, running  # noqa: TID252
from .lpips import distance

OP = "pti.steps"
SEED, N_SAMPLES = 123, 600
TUNING_RATE = 3e-4


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """The mean w, the pivot, pictures before and after the tuning, losses and some changes."""
    inputs = golden.on(device)
    steps = int(inputs["steps"])
    with running(device, dtype):
        target = F.interpolate(inputs["grid"], size=(64, 64), mode="bilinear", align_corners=True)
        likeness = distance(golden, "lpips.", device)
        net = generator(golden, device)
        z = np.random.RandomState(SEED).randn(N_SAMPLES, net.style_dim).astype(np.float32)
        average = net.map(torch.from_numpy(z).to(device)).mean(0)
        with torch.enable_grad():
            pivot = projected(net, average, target, likeness, steps)
            before = generator(golden, device)  # the fitted noise is left
            tuned, pictures, losses = tuning(before, pivot, target, likeness, steps)
        changes = {
            f"change.{name}": value.detach() - before.get_parameter(name)
            for name, value in tuned.named_parameters()
        }
        return {
            **{name: value for name, value in changes.items() if name in golden.facts["checks"]},
            "w_average": average,
            "pivot": pivot,
            "losses": losses,
            "picture_pivot": pictures[0],
            "picture": tuned.synthesize(tuned.rows(pivot[None])),
        }


def generator(golden: Golden, device: torch.device) -> Generator:
    """A fresh one, with its stored noise."""
    state = {key: value.clone() for key, value in part(golden.state, "decoder.").items()}
    return ready(Generator(**sizes_from_state(state)), state, device)


def projected(net: Generator, start: Tensor, target: Tensor, likeness: LPIPS, steps: int) -> Tensor:
    """The code [1, W] of the target; the golden does not shake it."""
    objective = Objective(likeness, mse_weight=0.0)
    search = Pivot(net, target, objective, Spread(start, deviation=0.0), steps=steps)
    for _ in search.run():
        pass
    return search.w.detach()[0]


def tuning(
    net: Generator, pivot: Tensor, target: Tensor, likeness: LPIPS, steps: int
) -> tuple[Generator, list[Tensor], Tensor]:
    """Tune all weights; the tuned one, pictures and losses (total, L2, LPIPS) before each step."""
    codes = net.rows(pivot[None])
    run = Tuning(net, codes, target, Objective(likeness), rate=TUNING_RATE)
    pictures, losses = [], []
    for _ in range(steps):
        pictures.append(run.net.synthesize(codes).detach())
        seen = run.look()
        losses.append(torch.tensor([seen.loss, seen.mse, seen.distance]))
        run.move()
    return run.net, pictures, torch.stack(losses)
