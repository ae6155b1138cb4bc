"""Inception v3 of the published FID: a picture to the 2048 features of its last pooling.

Source: Szegedy et al. 2016 and Heusel et al. 2017; weights of the TensorFlow network that FID was
defined on, as mseitzer/pytorch-fid (Apache-2.0) converted them. Its
`pt_inception-2015-12-05-6726825d.pth` loads strictly into `Inception()`.

The layers are torchvision's (BSD-3-Clause). TensorFlow's network differs in its poolings: averages
leave the border out of the count, and the last block takes a maximum in place of an average.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.inception import (
    BasicConv2d,
    InceptionA,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE,
)

from unripple.models.layers.precision import full_precision

SIZE_PX = 299


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 1, 1)


class _A(InceptionA):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        return [
            self.branch1x1(x),
            self.branch5x5_2(self.branch5x5_1(x)),
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
            self.branch_pool(_average(x)),
        ]


class _C(InceptionC):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        double = self.branch7x7dbl_2(self.branch7x7dbl_1(x))
        double = self.branch7x7dbl_4(self.branch7x7dbl_3(double))
        return [
            self.branch1x1(x),
            self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
            self.branch7x7dbl_5(double),
            self.branch_pool(_average(x)),
        ]


class _E(InceptionE):  # type: ignore[misc]
    pool = staticmethod(_average)

    def _forward(self, x: Tensor) -> list[Tensor]:
        wide = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return [
            self.branch1x1(x),
            torch.cat([self.branch3x3_2a(wide), self.branch3x3_2b(wide)], 1),
            torch.cat([self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)], 1),
            self.branch_pool(self.pool(x)),
        ]


class _LastE(_E):
    pool = staticmethod(_maximum)


class Inception(nn.Module):
    """The network, with the classifier that its file carries along and nothing reads."""

    def __init__(self, n_classes: int = 1008) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = BasicConv2d(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = BasicConv2d(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = BasicConv2d(32, 64, kernel_size=3, padding=1)
        self.Conv2d_3b_1x1 = BasicConv2d(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = BasicConv2d(80, 192, kernel_size=3)
        self.Mixed_5b = _A(192, pool_features=32)
        self.Mixed_5c = _A(256, pool_features=64)
        self.Mixed_5d = _A(288, pool_features=64)
        self.Mixed_6a = InceptionB(288)
        self.Mixed_6b = _C(768, channels_7x7=128)
        self.Mixed_6c = _C(768, channels_7x7=160)
        self.Mixed_6d = _C(768, channels_7x7=160)
        self.Mixed_6e = _C(768, channels_7x7=192)
        self.Mixed_7a = InceptionD(768)
        self.Mixed_7b = _E(1280)
        self.Mixed_7c = _LastE(2048)
        self.fc = nn.Linear(2048, n_classes)

    def forward(self, picture: Tensor) -> Tensor:
        """Look at pictures.

        Args:
            picture: [B, 3, H, W] in [-1, 1], of any size. They are brought to 299 px bilinearly,
                without antialias, as pytorch-fid does: FID depends on the resizer, so figures name
                it (Parmar et al. 2022).

        Returns:
            float32 [B, 2048].
        """
        size = (SIZE_PX, SIZE_PX)
        with full_precision(picture):
            x = F.interpolate(picture.float(), size=size, mode="bilinear", align_corners=False)
            x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
            x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
            x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x, 3, 2))))
            x = self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))
            x = self.Mixed_7a(self.Mixed_6e(self.Mixed_6d(x)))
            deep: Tensor = self.Mixed_7c(self.Mixed_7b(x))
        return deep.mean((2, 3))


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Inception` from a state dict with its key names."""
    return {"n_classes": state["fc.weight"].shape[0]}
