"""Graphonomy, the body parser: a picture becomes a logit per pixel and body part.

A DeepLab v3+ whose features are corrected by one vector per picture, computed on a graph of the
20 body parts of CIHP that also hears from a coarser graph, the 7 parts of PASCAL-Person-Part.

Source: Gong et al. 2019 and Chen et al. 2018; layout and key names of Gaoyiminggithub/Graphonomy
(MIT), whose `inference.pth` loads strictly into `Graphonomy()` once its keys are the module's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.body_parts import (
    FACE_OF_BODY,
    FLIP_SWAPS,
    NEIGHBOURS_CIHP,
    NEIGHBOURS_PASCAL,
    PASCAL_TO_CIHP,
    Body,
    faces_of,
)
from unripple.models.layers.graph import (
    GraphConv,
    NodesToPixels,
    PixelsToNodes,
    Transfer,
    normalised_adjacency,
    similar,
)
from unripple.models.layers.precision import full_precision
from unripple.models.layers.xception import N_MIDDLE, WIDTHS, SeparableConv, Xception, trunk_sizes

__all__ = [
    "FACE_OF_BODY",
    "FLIP_SWAPS",
    "UNUSED",
    "Body",
    "Graphonomy",
    "faces_of",
    "sizes_from_state",
]

UNUSED = (
    "source_graph_conv3.weight",
    "transpose_graph.adj",
    "target_graph_2_fea.node_fea_for_res",
)
"""Published weights that have no effect: a layer never called, a table that is passed in instead,
and a term that a softmax cancels."""

RATES = (6, 12, 18)
"""Dilations of the pyramid at output stride 16."""


class Atrous(nn.Module):
    """One rate of the pyramid, or one step of the decoder: a separable convolution."""

    def __init__(self, fan_in: int, width: int, rate: int = 1) -> None:
        super().__init__()
        self.atrous_convolution = SeparableConv(fan_in, width, dilation=rate, relu=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.atrous_convolution(x)


class Pointwise(nn.Module):
    """The pyramid's narrowest view: a 1x1 convolution, batch norm, ReLU."""

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__()
        self.atrous_convolution = nn.Conv2d(fan_in, width, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.atrous_convolution(x)))


class Graphonomy(nn.Module):
    """The parser.

    Args:
        widths, n_middle: of the trunk, see `layers.xception.Xception`.
        context: channels of the pyramid, the decoder and the last features.
        low_level: channels to which the trunk's details are reduced.
        hidden: features of a graph's node.
    """

    def __init__(
        self,
        widths: Sequence[int] = WIDTHS,
        n_middle: int = N_MIDDLE,
        *,
        context: int = 256,
        low_level: int = 48,
        hidden: int = 128,
    ) -> None:
        super().__init__()
        detail, deep = widths[3], widths[-1]
        n_body, n_coarse = len(NEIGHBOURS_CIHP), len(NEIGHBOURS_PASCAL)
        self.xception_features = Xception(widths, n_middle)
        self.aspp1 = Pointwise(deep, context)
        self.aspp2, self.aspp3, self.aspp4 = (Atrous(deep, context, rate) for rate in RATES)
        self.global_avg_pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(deep, context, 1, bias=False),
            nn.BatchNorm2d(context),
            nn.ReLU(),
        )
        self.concat_projection_conv1 = nn.Conv2d(5 * context, context, 1, bias=False)
        self.concat_projection_bn1 = nn.BatchNorm2d(context)
        self.feature_projection_conv1 = nn.Conv2d(detail, low_level, 1, bias=False)
        self.feature_projection_bn1 = nn.BatchNorm2d(low_level)
        self.decoder = nn.Sequential(Atrous(context + low_level, context), Atrous(context, context))

        self.source_featuremap_2_graph = PixelsToNodes(context, hidden, n_coarse)
        self.source_graph_conv1 = GraphConv(hidden, hidden)
        self.source_graph_conv2 = GraphConv(hidden, hidden)
        self.source_graph_conv3 = GraphConv(hidden, hidden)  # published, and never called
        self.transpose_graph = Transfer(hidden, n_coarse, n_body)
        self.target_featuremap_2_graph = PixelsToNodes(context, hidden, n_body)
        self.fc_graph = GraphConv(3 * hidden, hidden)
        self.target_graph_conv1 = GraphConv(hidden, hidden)
        self.target_graph_conv2 = GraphConv(hidden, hidden)
        self.target_graph_conv3 = GraphConv(hidden, hidden)
        self.target_graph_2_fea = NodesToPixels(hidden, context)
        self.target_skip_conv = nn.Sequential(nn.Conv2d(context, context, 1), nn.ReLU())
        self.semantic = nn.Conv2d(context, n_body, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Compute the logits of every pixel.

        Args:
            picture: float [B, 3, H, W] in [-1, 1], channels BLUE, GREEN, RED; any H and W.

        Returns:
            float32 [B, 20, H, W], classes as in `Body`.
        """
        deep, detail = self.xception_features(picture)
        with full_precision(picture):
            features = self._decode(deep, detail)
            x = self.target_skip_conv(features) + self.target_graph_2_fea(
                self._graph_reasoning(features)
            )
            return _resized(self.semantic(x), picture)

    def _decode(self, deep: Tensor, detail: Tensor) -> Tensor:
        """DeepLab's features at the size of the details, [B, context, H / 4, W / 4]."""
        # Image-level features, as in DeepLab v3: the widest view of the pyramid.
        whole = self.global_avg_pool(deep).expand(-1, -1, *deep.shape[2:])
        views = [aspp(deep) for aspp in (self.aspp1, self.aspp2, self.aspp3, self.aspp4)]
        wide = self.concat_projection_conv1(torch.cat([*views, whole], dim=1))
        wide = _resized(F.relu(self.concat_projection_bn1(wide)), detail)
        fine = F.relu(self.feature_projection_bn1(self.feature_projection_conv1(detail)))
        return self.decoder(torch.cat([wide, fine], dim=1))

    def _graph_reasoning(self, features: Tensor) -> Tensor:
        """The nodes of the body's graph after three rounds, [B, 20, hidden]."""
        near_coarse = normalised_adjacency(NEIGHBOURS_PASCAL, like=features)
        near = normalised_adjacency(NEIGHBOURS_CIHP, like=features)
        table = features.new_tensor(PASCAL_TO_CIHP).T  # [20, 7]
        coarse = self.source_featuremap_2_graph(features)
        body: Tensor = self.target_featuremap_2_graph(features)
        rounds = (
            (self.source_graph_conv1, self.target_graph_conv1),
            (self.source_graph_conv2, self.target_graph_conv2),
            (self.source_graph_conv2, self.target_graph_conv3),  # the second one again: published
        )
        # Each round the body's nodes hear from themselves, from like nodes of the coarse graph, and
        # by the fixed table of names (paper, section 3.2).
        for source_conv, target_conv in rounds:
            coarse = source_conv(coarse, near_coarse)
            messages = [body, similar(body, coarse), self.transpose_graph(coarse, table)]
            body = target_conv(self.fc_graph(torch.cat(messages, dim=2)), near)
        return body


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=True)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Graphonomy` from a state dict with its key names.

    Raises:
        ValueError: weights for other classes than the graphs here have.
    """
    classes = (
        state["semantic.weight"].shape[0],
        state["source_featuremap_2_graph.pre_fea"].shape[1],
    )
    expected = (len(NEIGHBOURS_CIHP), len(NEIGHBOURS_PASCAL))
    if classes != expected:
        raise ValueError(
            f"body and coarse classes: got {classes}, wanted {expected} (CIHP, transferred from "
            "PASCAL-Person-Part)"
        )
    widths, n_middle = trunk_sizes(state, "xception_features.")
    context, hidden = state["target_featuremap_2_graph.weight"].shape
    return {
        "widths": widths,
        "n_middle": n_middle,
        "context": context,
        "low_level": state["feature_projection_conv1.weight"].shape[0],
        "hidden": hidden,
    }
