"""Pairs of pictures that goldens of metrics describe and do not store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from unripple.conventions import Photo
from unripple.ops.resample import resize_bicubic


def pairs(inputs: Mapping[str, Tensor]) -> list[tuple[Photo, Photo]]:
    """Smooth pictures, and the same with a smooth change and noise; the last one's negative."""
    grid, shift, noise, strength, grain = (
        inputs[name].numpy() for name in ("grid", "shift", "noise", "strength", "grain")
    )
    size = (noise.shape[1], noise.shape[2])
    made = []
    for i in range(len(grid)):
        one = resize_bicubic(grid[i], size)
        field = resize_bicubic(shift[i], size).astype(np.int64) - 128
        change = field * strength[i] // 100 + noise[i].astype(np.int64) * grain[i] // 100
        other = np.clip(one + change, 0, 255).astype(np.uint8)
        made.append((one, other))
    made[-1] = (made[-1][0], 255 - made[-1][0])
    return made
