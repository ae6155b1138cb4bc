"""ResNet-50 trunk with its widths as a parameter: a picture becomes one vector of features.

Source: He et al. 2016, table 1 (50 layers), with the stride on the 3x3 convolution ("v1.5"); key
names of torchvision (BSD-3-Clause). Written here for its sizes, which torchvision's class derives
from one number, and to spare that import.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS_50 = (64, 256, 512, 1024, 2048)
UNITS_50 = (3, 4, 6, 3)


class Bottleneck(nn.Module):
    """1x1 down to a quarter of the width, 3x3 with the stride, 1x1 up, beside a shortcut."""

    def __init__(self, fan_in: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        middle = width // 4
        self.conv1 = nn.Conv2d(fan_in, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or fan_in != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(fan_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(y + shortcut)


class ResNet50(nn.Module):
    """The trunk.

    Args:
        widths: channels of the stem and of the four stages, five numbers, of which those of the
            stages are multiples of 4.
        units: bottlenecks of the four stages.
    """

    def __init__(
        self, widths: tuple[int, ...] = WIDTHS_50, units: tuple[int, ...] = UNITS_50
    ) -> None:
        super().__init__()
        if len(widths) != 5 or len(units) != 4:
            raise ValueError(f"got widths {widths} and units {units}, wanted 5 and 4 numbers")
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1 = _stage(widths[0], widths[1], units[0], stride=1)
        self.layer2 = _stage(widths[1], widths[2], units[1], stride=2)
        self.layer3 = _stage(widths[2], widths[3], units[2], stride=2)
        self.layer4 = _stage(widths[3], widths[4], units[3], stride=2)

    def features(self, picture: Tensor) -> Tensor:
        """Turn pictures [B, 3, H, W] into float32 [B, widths[-1]], the mean over the last map."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(picture))), 3, 2, 1)
        deep: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return deep.float().mean((2, 3))


def _stage(fan_in: int, width: int, units: int, *, stride: int) -> nn.Sequential:
    rest = (Bottleneck(width, width) for _ in range(units - 1))
    return nn.Sequential(Bottleneck(fan_in, width, stride=stride), *rest)


def trunk_sizes(state: Mapping[str, Tensor]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Read (widths, units) of a trunk."""
    widths, units = [state["conv1.weight"].shape[0]], []
    for stage in ("layer1.", "layer2.", "layer3.", "layer4."):
        widths.append(state[f"{stage}0.conv3.weight"].shape[0])
        units.append(sum(k.startswith(stage) and k.endswith(".conv3.weight") for k in state))
    return tuple(widths), tuple(units)
