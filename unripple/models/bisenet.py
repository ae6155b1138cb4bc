"""BiSeNet, the face parser: a picture becomes a logit per pixel and face part.

Source: Yu et al. 2018, without the spatial path; layout and key names of
zllrunning/face-parsing.PyTorch (MIT), whose `79999_iter.pth` loads strictly into `BiSeNet()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.conv_bn import ConvBNReLU
from unripple.models.layers.resnet18 import ResNet18, trunk_sizes

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def normalised(picture: Tensor) -> Tensor:
    """Turn a picture in [-1, 1] into the parser's input: ImageNet mean 0, standard deviation 1."""
    mean = picture.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    std = picture.new_tensor(IMAGENET_STD).view(1, 3, 1, 1)
    return (picture * 0.5 + 0.5 - mean) / std


class AttentionRefinement(nn.Module):
    """A convolution whose channels are weighed by a gate from their global mean."""

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(fan_in, width)
        self.conv_atten = nn.Conv2d(width, width, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.conv(x)
        gate = self.bn_atten(self.conv_atten(_global_mean(features)))
        return features * torch.sigmoid(gate)


class ContextPath(nn.Module):
    """The trunk, and its two deepest levels brought back up to the third."""

    def __init__(self, widths: tuple[int, ...], *, stem_stride: int) -> None:
        super().__init__()
        context = widths[2]
        self.resnet = ResNet18(widths, stem_stride=stem_stride)
        self.arm16 = AttentionRefinement(widths[3], context)
        self.arm32 = AttentionRefinement(widths[4], context)
        self.conv_head32 = ConvBNReLU(context, context)
        self.conv_head16 = ConvBNReLU(context, context)
        self.conv_avg = ConvBNReLU(widths[4], context, kernel=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the trunk's third level, and the context at its size and at half its size."""
        _, _, feat8, feat16, feat32 = self.resnet(x)
        # The global mean tells every pixel what the whole picture shows.
        deep = self.arm32(feat32) + self.conv_avg(_global_mean(feat32))
        context16: Tensor = self.conv_head32(_nearest(deep, like=feat16))
        middle = self.arm16(feat16) + context16
        return feat8, self.conv_head16(_nearest(middle, like=feat8)), context16


class FeatureFusionModule(nn.Module):
    """Detail and context mixed, then weighed by a gate from their global mean."""

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__()
        self.convblk = ConvBNReLU(fan_in, width, kernel=1)
        self.conv1 = nn.Conv2d(width, width // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(width // 4, width, 1, bias=False)

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        features: Tensor = self.convblk(torch.cat([detail, context], dim=1))
        gate = torch.sigmoid(self.conv2(F.relu(self.conv1(_global_mean(features)))))
        return features * gate + features


class SegmentationHead(nn.Module):
    """Features to one logit per class."""

    def __init__(self, fan_in: int, width: int, n_classes: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(fan_in, width)
        self.conv_out = nn.Conv2d(width, n_classes, 1, bias=False)

    def forward(self, x: Tensor, size: torch.Size) -> Tensor:
        """Return float32 logits [B, n_classes, *size]."""
        logits: Tensor = self.conv_out(self.conv(x))
        return F.interpolate(logits.float(), size=size, mode="bilinear", align_corners=True)


class BiSeNet(nn.Module):
    """The parser.

    Args:
        n_classes: labels; 19 as in `conventions.Face`.
        widths: channels of the trunk's stem and four stages; the third one also sets the width of
            the context path, of the fusion (twice) and of the auxiliary heads (half).
        stem_stride: 4 as published, for pictures of 512 px; 2 or 1 keep the finest map of a small
            picture at 1/4 or 1/2 of its side instead of 1/8.

    Attributes:
        side_heads: whether it gives the auxiliary answers, too.
    """

    side_heads = True

    def __init__(
        self,
        n_classes: int = 19,
        widths: tuple[int, ...] = (64, 64, 128, 256, 512),
        *,
        stem_stride: int = 4,
    ) -> None:
        super().__init__()
        self.cp = ContextPath(widths, stem_stride=stem_stride)
        context = widths[2]
        fusion = 2 * context
        self.ffm = FeatureFusionModule(fusion, fusion)
        self.conv_out = SegmentationHead(fusion, fusion, n_classes)
        self.conv_out16 = SegmentationHead(context, context // 2, n_classes)
        self.conv_out32 = SegmentationHead(context, context // 2, n_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the logits of every pixel.

        Args:
            x: pictures after `normalised`, float [B, 3, H, W], any H and W.

        Returns:
            Float32 [B, n_classes, H, W]: the answer, and with `side_heads` those of the two
            auxiliary heads that only training uses.
        """
        detail, context8, context16 = self.cp(x)
        size = x.shape[2:]
        answer = self.conv_out(self.ffm(detail, context8), size)
        if not self.side_heads:
            return (answer,)
        return answer, self.conv_out16(context8, size), self.conv_out32(context16, size)


def _global_mean(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


def _nearest(x: Tensor, *, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[2:], mode="nearest")


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `BiSeNet` from a state dict with its key names."""
    widths, stem_stride = trunk_sizes(state, "cp.resnet.")
    n_classes = state["conv_out.conv_out.weight"].shape[0]
    return {"n_classes": n_classes, "widths": widths, "stem_stride": stem_stride}
