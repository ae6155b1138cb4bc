"""A generator's picture as the encoders of its domain see it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def pooled(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Average a square picture down to the shape that an encoder takes.

    Where that shape is no square (cars: 192 x 256), the same rows are left out above and below:
    the generator of cars draws 512 x 512, of which rows 64 to 447 are the picture.

    Args:
        picture: [B, 3, S, S].
        size: height and width, px.

    Returns:
        [B, 3, *size].

    Source: adaptive average pooling and crop of yuval-alaluf/hyperstyle and restyle-encoder (MIT).
    """
    height, width = size
    side = picture.shape[-1]
    rows = side * height // width
    first = (side - rows) // 2
    return F.adaptive_avg_pool2d(picture[:, :, first : first + rows], size)
