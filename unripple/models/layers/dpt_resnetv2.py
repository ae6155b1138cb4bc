"""The convolutional stem of DPT-Hybrid: ResNetV2 bottlenecks, weight-standardised, group-normed.

Source: Kolesnikov et al. 2020 (BiT), in the ordering with the norms after the convolutions; key
names and numbers of timm 0.4.5 (Apache-2.0), which isl-org/DPT pins. Later timm versions
standardise with sqrt(var + 1e-8), which moves the depth by half a percent: hence a stem of our own.
(timm's ResNetV2 takes a convolution as an argument, but the embedded network would pay its import.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class StdConv2dSame(nn.Module):
    """Convolution with standardised weights and TensorFlow's SAME padding, without bias."""

    def __init__(self, fan_in: int, width: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Conv2d(fan_in, width, kernel, bias=False).weight

    def forward(self, x: Tensor) -> Tensor:
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        std = self.weight.std((1, 2, 3), keepdim=True, unbiased=False)
        kernel = self.weight.shape[-1]
        x = pad_same(x, kernel, self.stride, value=0.0)
        return F.conv2d(x, (self.weight - mean) / (std + 1e-5), stride=self.stride)


class GroupNormReLU(nn.GroupNorm):
    """Group norm over at most 32 groups, with or without a ReLU."""

    def __init__(self, width: int, *, relu: bool = True) -> None:
        super().__init__(math.gcd(width, 32), width, eps=1e-5)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        # float32 whatever the autocast says: on the CPU the bf16 gradient takes three times longer.
        y = super().forward(x.float()).to(x.dtype)
        return F.relu(y) if self.relu else y


class Shortcut(nn.Module):
    """Brings a block's input to the width and stride of its output."""

    def __init__(self, fan_in: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.conv = StdConv2dSame(fan_in, width, 1, stride=stride)
        self.norm = GroupNormReLU(width, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class NormalisedBottleneck(nn.Module):
    """1x1 down to a quarter of the width, 3x3, 1x1 up, beside a shortcut."""

    def __init__(self, fan_in: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        middle = width // 4
        first = stride != 1 or fan_in != width
        self.downsample = Shortcut(fan_in, width, stride=stride) if first else None
        self.conv1 = StdConv2dSame(fan_in, middle, 1)
        self.norm1 = GroupNormReLU(middle)
        self.conv2 = StdConv2dSame(middle, middle, 3, stride=stride)
        self.norm2 = GroupNormReLU(middle)
        self.conv3 = StdConv2dSame(middle, width, 1)
        self.norm3 = GroupNormReLU(width, relu=False)
        nn.init.zeros_(self.norm3.weight)  # training starts from the shortcuts alone

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.norm1(self.conv1(x))
        y = self.norm2(self.conv2(y))
        return F.relu(self.norm3(self.conv3(y)) + shortcut)


class Stem(nn.Module):
    """7x7 convolution of stride 2, norm, ReLU; the max-pool after it has no weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = StdConv2dSame(3, width, 7, stride=2)
        self.norm = GroupNormReLU(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        return F.max_pool2d(pad_same(y, 3, 2, value=-math.inf), 3, 2)


class BottleneckStage(nn.Module):
    """Bottlenecks of one width; the first carries the stride."""

    def __init__(self, fan_in: int, width: int, n_blocks: int, *, stride: int) -> None:
        super().__init__()
        rest = (NormalisedBottleneck(width, width) for _ in range(n_blocks - 1))
        self.blocks = nn.Sequential(NormalisedBottleneck(fan_in, width, stride=stride), *rest)

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)


class ResNetV2(nn.Module):
    """The stem's three stages, at 1/4, 1/8 and 1/16 of the side.

    Args:
        widths: channels of the first convolution and of the three stages, four numbers.
        n_blocks: bottlenecks of the three stages.
    """

    def __init__(self, widths: Sequence[int], n_blocks: Sequence[int]) -> None:
        super().__init__()
        if len(widths) != 4 or len(n_blocks) != 3:
            raise ValueError(f"got widths {widths} and n_blocks {n_blocks}, wanted 4 and 3 numbers")
        self.stem = Stem(widths[0])
        self.stages = nn.ModuleList(
            BottleneckStage(widths[n], widths[n + 1], n_blocks[n], stride=1 if n == 0 else 2)
            for n in range(3)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the outputs of the three stages for pictures [B, 3, H, W]."""
        x = self.stem(x)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        return levels


def pad_same(x: Tensor, kernel: int, stride: int, *, value: float) -> Tensor:
    """Pad as TensorFlow's SAME does: the output has ceil(size / stride) rows and columns."""
    before_after = []
    for size in (x.shape[3], x.shape[2]):
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        before_after.extend([total // 2, total - total // 2])
    return F.pad(x, before_after, value=value) if any(before_after) else x


def resnetv2_sizes(
    state: Mapping[str, Tensor], prefix: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Read (widths, n_blocks) of a stem whose keys start with `prefix`."""
    widths = [state[f"{prefix}stem.conv.weight"].shape[0]]
    n_blocks = []
    for stage in range(3):
        start, end = f"{prefix}stages.{stage}.blocks.", ".conv3.weight"
        convs = [key for key in state if key.startswith(start) and key.endswith(end)]
        widths.append(state[convs[0]].shape[0])
        n_blocks.append(len(convs))
    return tuple(widths), tuple(n_blocks)
