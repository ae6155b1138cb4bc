"""A parser asked at several sizes, and about the mirror image, and its answers added up.

Source: Gaoyiminggithub/Graphonomy (MIT), `exp/inference/inference.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Photo
from unripple.ops.resample import resize_bilinear
from unripple.ops.tensors import device_of, to_tensor

SCALES = (1, 0.5, 0.75, 1.25, 1.5, 1.75)


def fused_logits(
    picture: Photo,
    net: Callable[[Tensor], Tensor],
    *,
    flip_swaps: Iterable[tuple[int, int]],
    scales: Sequence[float] = SCALES,
) -> Tensor:
    """Sum a parser's logits over several sizes of a picture, each the mean with its mirror image.

    Args:
        picture: RGB uint8 [H, W, 3].
        net: parser, float [B, 3, h, w] in [-1, 1], channels BLUE, GREEN, RED -> logits
            [B, classes, h, w].
        flip_swaps: pairs of classes that change places in the mirror (left and right).
        scales: sizes to ask at, relative to the picture.

    Returns:
        float32 [1, classes, H, W] on the network's device: a sum, not a mean. Its argmax over the
        classes are the labels.

    Raises:
        ShapeMismatch: not RGB bytes, or too small a picture for the smallest scale.
    """
    swaps, device = list(flip_swaps), device_of(net)
    height, width = picture.shape[:2]
    total: Tensor | None = None
    with torch.inference_mode():
        for scale in scales:
            sized = resize_bilinear(picture, (int(height * scale), int(width * scale)))
            bgr = to_tensor(np.ascontiguousarray(sized[:, :, ::-1]), device=device)
            logits = net(torch.cat([bgr, bgr.flip(3)])).float()
            mean = (logits[:1] + unflipped(logits[1:], swaps)) / 2
            if mean.shape[2:] != (height, width):
                mean = F.interpolate(mean, (height, width), mode="bilinear", align_corners=True)
            total = mean if total is None else total + mean
    if total is None:
        raise ValueError("scales: got none, wanted at least one")
    return total


def unflipped(logits: Tensor, swaps: Sequence[tuple[int, int]]) -> Tensor:
    """Turn the logits [B, C, H, W] of mirrored pictures into those of the pictures."""
    order = list(range(logits.shape[1]))
    for left, right in swaps:
        order[left], order[right] = order[right], order[left]
    return logits[:, order].flip(3)
