"""LPIPS on AlexNet, and the squared difference, as both inversion projects measure them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unripple.models import lpips
from unripple.ops.resample import resize_bilinear
from unripple.ops.tensors import to_tensor

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, ready, running  # noqa: TID252
from .made_pictures import pairs

OP = "metrics.lpips"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """Distances pair by pair and over the batch, and what the taps of the first picture say."""
    net = distance(golden, "", device)
    made = pairs(golden.inputs)
    sized = [np.stack([resize_bilinear(pair[n], (256, 256)) for pair in made]) for n in (0, 1)]
    one, other = (to_tensor(photos, device=device) for photos in sized)
    with running(device, dtype):
        each = torch.cat([net(a[None], b[None]) for a, b in zip(one, other, strict=True)])
        together = net(one, other).mean()
        taps = net.features(other[:1])
    l2 = (one - other).square().mean((1, 2, 3))
    computed: dict[str, Any] = {
        "resized_a": one,
        "resized_b": other,
        "l2": l2,
        "l2_mean": l2.mean(),
    }
    for project in ("sfe", "hyperstyle"):
        computed |= {f"{project}_lpips": each, f"{project}_lpips_batch": together}
    return computed | {f"tap_{n}": tap for n, tap in enumerate(taps)}


def distance(golden: Golden, prefix: str, device: torch.device) -> lpips.LPIPS:
    """LPIPS of the weights under a prefix; the published container cuts their names."""
    layers = part(golden.state, f"{prefix}net.layers.")
    lins = part(golden.state, f"{prefix}lin.")
    trunk_state = {f"features.{key}": value for key, value in layers.items()}
    state = {f"lin{key[0]}.model{key[1:]}": value for key, value in lins.items()}
    trunk = ready(lpips.AlexNet(**lpips.sizes_from_state(trunk_state)), trunk_state, device)
    weights = ready(lpips.Weights(**lpips.sizes_from_state(state)), state, device)
    return lpips.LPIPS(trunk, weights).to(device)
