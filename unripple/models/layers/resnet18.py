"""ResNet-18 trunk with its widths as a parameter: a picture becomes five levels of features.

Source: He et al. 2016, table 1 (18 layers); key names as in zllrunning/face-parsing.PyTorch (MIT).
Two finer stems of ours, for small pictures, differ from the published one by their kernel, so that
a state dict tells which one it holds.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

STEM_KERNEL = {4: 7, 2: 5, 1: 3}
"""Stem stride -> kernel. Stride 4 is the published stem: 7x7 at stride 2, then a 3x3 max-pool."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, fan_in: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(fan_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or fan_in != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(fan_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(y + shortcut)


class ResNet18(nn.Module):
    """The trunk.

    Args:
        widths: channels of the stem and of the four stages, five numbers.
        stem_stride: 4 (published), 2 or 1; the stages follow at 1, 2, 4 and 8 times that stride.
    """

    def __init__(self, widths: tuple[int, ...], *, stem_stride: int = 4) -> None:
        super().__init__()
        if len(widths) != 5:
            raise ValueError(f"widths: got {len(widths)} numbers, wanted 5 (stem and four stages)")
        if stem_stride not in STEM_KERNEL:
            raise ValueError(f"stem_stride: got {stem_stride}, wanted one of {list(STEM_KERNEL)}")
        kernel = STEM_KERNEL[stem_stride]
        self.stem_stride = stem_stride
        self.conv1 = nn.Conv2d(3, widths[0], kernel, min(stem_stride, 2), kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1 = _stage(widths[0], widths[1], stride=1)
        self.layer2 = _stage(widths[1], widths[2], stride=2)
        self.layer3 = _stage(widths[2], widths[3], stride=2)
        self.layer4 = _stage(widths[3], widths[4], stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Compute the five levels.

        Args:
            x: normalised pictures, float [B, 3, H, W].

        Returns:
            The stem's output before its max-pool, then the outputs of the four stages.
        """
        stem = F.relu(self.bn1(self.conv1(x)))
        level1 = self.layer1(F.max_pool2d(stem, 3, 2, 1) if self.stem_stride == 4 else stem)
        level2 = self.layer2(level1)
        level3 = self.layer3(level2)
        return stem, level1, level2, level3, self.layer4(level3)


def _stage(fan_in: int, width: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(fan_in, width, stride=stride), BasicBlock(width, width))


def trunk_sizes(state: Mapping[str, Tensor], prefix: str) -> tuple[tuple[int, ...], int]:
    """Read (widths, stem stride) of a trunk whose keys start with `prefix`."""
    stem = state[f"{prefix}conv1.weight"].shape
    stages = (state[f"{prefix}layer{n}.0.conv1.weight"].shape[0] for n in (1, 2, 3, 4))
    strides = {kernel: stride for stride, kernel in STEM_KERNEL.items()}
    return (stem[0], *stages), strides[stem[2]]
