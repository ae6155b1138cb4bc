"""IResNet: residual units with a batch norm before, between and after their convolutions.

Source: Duta et al. 2020 by way of deepinsight/insightface (MIT, arcface_torch); layout and key
names as StyleFeatureEditor and Feature-Style carry them. Not the IR unit of `layers.irse`: a norm
stands behind the first convolution as well, and the first unit of every stage convolves its
shortcut.
"""

from __future__ import annotations

from torch import Tensor, nn

UNITS_50 = (3, 4, 14, 3)


class IResUnit(nn.Module):
    """Norm, 3x3 convolution, norm, PReLU, 3x3 convolution, norm, beside a shortcut.

    Nothing follows the sum.

    Args:
        fan_in, width: channels in and out.
        stride: of the second convolution and of the shortcut.
        convolved: the shortcut is a 1x1 convolution with a norm, not the input itself.
    """

    def __init__(
        self, fan_in: int, width: int, *, stride: int = 1, convolved: bool = False
    ) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(fan_in)
        self.conv1 = nn.Conv2d(fan_in, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.prelu = nn.PReLU(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.stride = stride
        self.downsample: nn.Sequential | None = None
        if convolved:
            self.downsample = nn.Sequential(
                nn.Conv2d(fan_in, width, 1, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        y = self.bn3(self.conv2(y))
        if self.downsample is None:
            return y + x
        # What a strided 1x1 convolution reads, taken first: the gradient of such a one by oneDNN
        # writes beyond its memory (float32, 8 channels of 64 px, torch 2.15).
        return y + self.downsample(x[..., :: self.stride, :: self.stride])


def stage(fan_in: int, width: int, units: int, *, stride: int) -> nn.Sequential:
    """Units of one width; the first one has the stride and the convolved shortcut."""
    first = IResUnit(fan_in, width, stride=stride, convolved=True)
    return nn.Sequential(first, *(IResUnit(width, width) for _ in range(units - 1)))
