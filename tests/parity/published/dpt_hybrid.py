"""DPT-Hybrid's inverse depth, and the whole prediction of a photo, as published."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unripple.stages import depth as stage

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, running, watched  # noqa: TID252
from .dpt_large import network

OP = "depth.dpt_hybrid"
NET_SIZE_PX = 384


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """Inverse depth of the inputs, and input, prediction and 16-bit picture of the photo."""
    net = network(golden, device)
    inputs = golden.on(device)
    with running(device, dtype):
        computed = {f"depth_{name}": net(inputs[name]) for name in ("x", "x_rect")}
        calls = watched(net)
        prediction = stage.depth(golden.inputs["image"].numpy(), net, net_size_px=NET_SIZE_PX)
    ((seen,), _) = calls[0]
    return {
        **computed,
        "net_input": seen[0],
        "prediction": prediction,
        "png16": _levels(prediction),
    }


def _levels(depth: np.ndarray) -> np.ndarray:
    """The written 16-bit picture: far is 0, near 65535, truncated; flat depth is all 0."""
    far, near = depth.min(), depth.max()
    if near - far <= np.finfo(np.float64).eps:
        return np.zeros(depth.shape, np.uint16)
    levels: np.ndarray = (65535 * (depth - far) / (near - far)).astype(np.uint16)
    return levels
