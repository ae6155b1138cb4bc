"""Pivotal tuning: a projection into w, then the generator's weights, a few steps of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.lpips import LPIPS
from unripple.models.stylegan2 import Generator, sizes_from_state
from unripple.ops.projection import make_standard, self_likeness, step_size

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, ready, running  # noqa: TID252
from .lpips import distance

OP = "pti.steps"
SEED, N_SAMPLES = 123, 600
NOISE_WEIGHT = 1e5
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
            tuned = generator(golden, device).requires_grad_(True)  # the fitted noise is left
            before = {name: value.detach().clone() for name, value in tuned.named_parameters()}
            pictures, losses = tuning(tuned, pivot, target, likeness, steps)
        changes = {
            f"change.{name}": value - before[name] for name, value in tuned.named_parameters()
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
    """The code [1, W] of the target; the noise maps of the generator are fitted beside it."""
    w = start.clone().requires_grad_(True)
    noise = [net.stored_noise(i).requires_grad_(True) for i in range(net.n_codes - 1)]
    optimizer = torch.optim.Adam([w, *noise])
    for k in range(steps):
        optimizer.param_groups[0]["lr"] = step_size(k / steps)
        picture = net.synthesize(net.rows(w[None, None]))
        loss = likeness(picture, target).sum() + NOISE_WEIGHT * self_likeness(noise)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        make_standard(noise)
    return w.detach()[None]


def tuning(
    net: Generator, pivot: Tensor, target: Tensor, likeness: LPIPS, steps: int
) -> tuple[list[Tensor], Tensor]:
    """Tune all weights; the pictures and the losses (total, L2, LPIPS) before each step."""
    optimizer = torch.optim.Adam(net.parameters(), lr=TUNING_RATE)
    pictures, losses = [], []
    for _ in range(steps):
        picture = net.synthesize(net.rows(pivot[None]))
        l2, perceived = (picture - target).square().mean(), likeness(picture, target).sum()
        optimizer.zero_grad()
        (l2 + perceived).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        pictures.append(picture.detach())
        losses.append(torch.stack([l2 + perceived, l2, perceived]).detach())
    return pictures, torch.stack(losses)
