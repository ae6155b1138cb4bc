"""DlibFace: 128 numbers of a face; those of one person lie within .6 of each other, mostly.

Source: dlib (Boost Software License), its example `dnn_face_recognition_ex.cpp`; a ResNet of 29
convolutions, weights CC0 (Davis King). The affine layer after each convolution is folded into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAME_PERSON = 0.6
"""Distance below which two pictures count as of one person."""
SIZE_PX = 150
MEANS = (122.782, 117.001, 104.298)  # of red, green and blue in its training
STEM = (32, 3, 7)
WIDTHS = (*[32] * 3, *[64] * 4, *[128] * 3, *[256] * 4)
"""Channels of the residual blocks; one that is wider than what comes in also halves its sides."""
LAST_HALVES = len(WIDTHS) - 1  # the last block does as well
NUMBERS = 128


class Block(nn.Module):
    """Two convolutions beside a shortcut, which is cut or filled up with zeros to their shape.

    Args:
        inputs, outputs: channels.
        halves: whether the sides are halved.
    """

    def __init__(self, inputs: int, outputs: int, *, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        # dlib pads only where the stride is 1.
        self.first = nn.Conv2d(
            inputs, outputs, 3, stride=2 if halves else 1, padding=0 if halves else 1
        )
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H', W']."""
        made = self.second(F.relu(self.first(x)))
        beside = F.avg_pool2d(x, 2) if self.halves else x
        return F.relu(_sum(made, beside))


def _sum(one: Tensor, other: Tensor) -> Tensor:
    """The sum of two stacks of pictures of different sizes: what one lacks is 0."""
    channels, high, wide = (max(pair) for pair in zip(one.shape[1:], other.shape[1:], strict=True))

    def filled(x: Tensor) -> Tensor:
        return F.pad(
            x, (0, wide - x.shape[3], 0, high - x.shape[2], 0, channels - x.shape[1])
        )  # last axis first

    return filled(one) + filled(other)


class DlibFace(nn.Module):
    """The network."""

    def __init__(self) -> None:
        super().__init__()
        outputs, inputs, side = STEM
        self.stem = nn.Conv2d(inputs, outputs, side, stride=2)
        ins = (outputs, *WIDTHS[:-1])
        self.blocks = nn.Sequential(
            *(
                Block(before, after, halves=after > before or number == LAST_HALVES)
                for number, (before, after) in enumerate(zip(ins, WIDTHS, strict=True))
            )
        )
        self.numbers = nn.Linear(WIDTHS[-1], NUMBERS, bias=False)

    def forward(self, faces: Tensor) -> Tensor:
        """Aligned faces, RGB [B, 3, 150, 150] in [-1, 1] -> [B, 128]."""
        means = torch.tensor(MEANS, dtype=faces.dtype, device=faces.device).view(1, 3, 1, 1)
        x = ((faces + 1) * 127.5 - means) / 256
        x = F.max_pool2d(F.relu(self.stem(x)), 3, stride=2)
        embedding: Tensor = self.numbers(self.blocks(x).mean((2, 3)))
        return embedding


def convolutions() -> tuple[str, ...]:
    """Names of the convolutions in the order in which a picture meets them."""
    inner = (f"blocks.{n}.{part}" for n in range(len(WIDTHS)) for part in ("first", "second"))
    return ("stem", *inner)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:  # noqa: ARG001
    """There is one size."""
    return {}
