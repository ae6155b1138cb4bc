"""Modified aligned Xception, a trunk of separable convolutions at 1/16 of the picture's side.

Source: Chen et al. 2018 (DeepLab v3+), figure 4; layout and key names of
Gaoyiminggithub/Graphonomy (MIT).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.precision import full_precision

WIDTHS = (32, 64, 128, 256, 728, 1024, 1536, 1536, 2048)
"""Channels of the published trunk: two stem convolutions, three entry blocks (the last one sets the
middle), the exit block, three last convolutions."""

N_MIDDLE = 16


class SeparableConv(nn.Module):
    """Depthwise 3x3 convolution, batch norm, pointwise convolution, batch norm.

    Takes and gives float32. Autocast acts on the pointwise convolution alone, where the work is.

    Args:
        fan_in, width: channels in and out.
        stride: 2 halves the side, rounded up.
        dilation: of the 3x3 kernel; the zero padding keeps the size at stride 1.
        relu: rectify after both norms; else the unit is linear.
    """

    def __init__(
        self, fan_in: int, width: int, *, stride: int = 1, dilation: int = 1, relu: bool = False
    ) -> None:
        super().__init__()
        self.relu = relu
        self.depthwise = nn.Conv2d(
            fan_in, fan_in, 3, stride, dilation, dilation, groups=fan_in, bias=False
        )
        self.depthwise_bn = nn.BatchNorm2d(fan_in)
        self.pointwise = nn.Conv2d(fan_in, width, 1, bias=False)
        self.pointwise_bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        with full_precision(x):
            deep: Tensor = self.depthwise_bn(self.depthwise(x))
        mixed: Tensor = self.pointwise(F.relu(deep) if self.relu else deep)
        with full_precision(x):
            wide: Tensor = self.pointwise_bn(mixed.float())
        return F.relu(wide) if self.relu else wide


class XceptionBlock(nn.Module):
    """Linear separable units with ReLUs between them, beside a skip.

    A block that starts with a ReLU rectifies its input for the skip as well: the published one
    works in place, and the weights were trained so.

    Args:
        fan_in: channels in.
        widths: channels out of every unit.
        stride: of the last unit and of the skip.
        relu_first: start with a ReLU.
    """

    def __init__(
        self, fan_in: int, widths: Sequence[int], *, stride: int = 1, relu_first: bool = True
    ) -> None:
        super().__init__()
        self.relu_first = relu_first
        self.skip: nn.Conv2d | None = None
        if stride != 1 or fan_in != widths[-1]:
            self.skip = nn.Conv2d(fan_in, widths[-1], 1, stride, bias=False)
            self.skipbn = nn.BatchNorm2d(widths[-1])
        # The published keys count the ReLUs; the first one is `forward`'s.
        layers: list[nn.Module] = [nn.Identity()] if relu_first else []
        for n, (before, width) in enumerate(zip((fan_in, *widths), widths, strict=False)):
            last = n == len(widths) - 1
            layers.append(SeparableConv(before, width, stride=stride if last else 1))
            layers.append(nn.ReLU())
        self.rep = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        if self.relu_first:
            x = F.relu(x)
        residual: Tensor = self.rep(x)
        return residual + self.shortcut(x)

    def shortcut(self, x: Tensor) -> Tensor:
        """What is added to the residual of the (rectified) input."""
        if self.skip is None:
            return x
        return self.skipbn(self.skip(x))


class DetailBlock(XceptionBlock):
    """A block of two units at full and a third at half resolution, whose middle is a result too."""

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__(fan_in, (width, width))
        self.skip = nn.Conv2d(fan_in, width, 1, 2, bias=False)
        self.skipbn = nn.BatchNorm2d(width)
        self.block2_lastconv = nn.Sequential(nn.ReLU(), SeparableConv(width, width, stride=2))

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the second unit's output, which no ReLU has touched, and the block's."""
        x = F.relu(x)
        detail: Tensor = self.rep(x)
        return detail, self.block2_lastconv(detail) + self.shortcut(x)


class Xception(nn.Module):
    """The trunk.

    Args:
        widths: nine channel counts, see `WIDTHS`.
        n_middle: middle blocks, each of three units and with an identity skip.

    Raises:
        ValueError: not nine widths.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS, n_middle: int = N_MIDDLE) -> None:
        super().__init__()
        if len(widths) != len(WIDTHS):
            raise ValueError(f"widths: got {tuple(widths)}, wanted {len(WIDTHS)} numbers")
        first, second, entry, detail, middle, leave, *last = widths
        self.conv1 = nn.Conv2d(3, first, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.conv2 = nn.Conv2d(first, second, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(second)
        self.block1 = XceptionBlock(second, [entry] * 3, stride=2, relu_first=False)
        self.block2 = DetailBlock(entry, detail)
        self.block3 = XceptionBlock(detail, [middle] * 3, stride=2)
        self.deep_blocks = [f"block{4 + n}" for n in range(n_middle + 1)]
        for name in self.deep_blocks[:-1]:
            self.add_module(name, XceptionBlock(middle, [middle] * 3))
        self.add_module(self.deep_blocks[-1], XceptionBlock(middle, [middle, leave, leave]))
        self.conv3 = SeparableConv(leave, last[0], dilation=2, relu=True)
        self.conv4 = SeparableConv(last[0], last[1], dilation=2, relu=True)
        self.conv5 = SeparableConv(last[1], last[2], dilation=2, relu=True)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return features at 1/16 and details at 1/4 of the side of [B, 3, H, W], rounded up.

        float32. Autocast acts on the middle blocks alone, half of the work: the other layers stand
        in a row without a skip around them, and rounding them costs some 2% of the logits.
        """
        with full_precision(picture):
            x = F.relu(self.bn1(self.conv1(picture.float())))
            x = F.relu(self.bn2(self.conv2(x)))
            detail, x = self.block2.split(self.block1(x))
            x = self.block3(x)
        *middle, leave = map(self.get_submodule, self.deep_blocks)
        for block in middle:
            x = block(x)
        with full_precision(x):
            return self.conv5(self.conv4(self.conv3(leave(x)))), detail


def trunk_sizes(state: Mapping[str, Tensor], prefix: str) -> tuple[tuple[int, ...], int]:
    """Read (widths, n_middle) of an `Xception` whose keys start with `prefix`."""
    pattern = re.compile(re.escape(prefix) + r"block(\d+)\.")
    last = max(int(match[1]) for match in map(pattern.match, state) if match)
    layers = (
        "conv1",
        "conv2",
        "block1.rep.0.pointwise",
        "block2.rep.1.pointwise",
        "block3.rep.1.pointwise",
        f"block{last}.rep.3.pointwise",
        "conv3.pointwise",
        "conv4.pointwise",
        "conv5.pointwise",
    )
    return tuple(state[f"{prefix}{layer}.weight"].shape[0] for layer in layers), last - 4
