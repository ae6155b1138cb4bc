"""ViTs_face, the identity network of StyleFeatureEditor's metric `id_vit`: a picture to a vector.

Source: Zhong and Deng 2021 (Face Transformer); key names of zhongyy/Face-Transformer, whose
`Backbone_VITs_Epoch_2_Batch_12000_..._checkpoint.pth` loads strictly into `IdViT()` without its
classifier `loss.weight`, which nothing reads.

Written here and not taken from timm: its patches overlap, and its attention is scaled by the width
of all heads together (512 ** -.5), not by that of one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.precision import full_precision

PATCH_PX, STEP_PX, BORDER_PX = 12, 8, 4


class Attention(nn.Module):
    """Multi-head self-attention over tokens [B, N, C]."""

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, width**-0.5
        self.to_qkv = nn.Linear(width, 3 * heads * head_width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(heads * head_width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, count, _ = x.shape
        qkv = self.to_qkv(x).reshape(batch, count, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, heads, N, C / heads]
        attended = F.scaled_dot_product_attention(q, k, v, scale=self.scale)
        return self.to_out(attended.transpose(1, 2).reshape(batch, count, -1))


class FeedForward(nn.Module):
    """Two layers with GELU between; the published places 2 and 4 are dropouts."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Identity(), nn.Linear(hidden, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class _Normed(nn.Module):
    def __init__(self, width: int, fn: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(self.norm(x))


class _Added(nn.Module):
    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        return x + self.fn(x)


class Transformer(nn.Module):
    """Attention and feed-forward in turn, each after a norm and added to what came in."""

    def __init__(self, width: int, depth: int, heads: int, head_width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                _Added(_Normed(width, Attention(width, heads, head_width))),
                _Added(_Normed(width, FeedForward(width, hidden))),
            )
            for _ in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class IdViT(nn.Module):
    """The network.

    Args:
        width: channels of a token, and length of the vector.
        depth: layers.
        hidden: width inside a feed-forward layer.
        grid: patches along a side; the network looks at 8 times as many pixels.
        head_width: of the attention, which has `width / head_width` heads.
    """

    def __init__(
        self,
        width: int = 512,
        depth: int = 20,
        hidden: int = 2048,
        grid: int = 14,
        *,
        head_width: int = 64,
    ) -> None:
        super().__init__()
        self.size = grid * STEP_PX
        self.pos_embedding = nn.Parameter(torch.randn(1, grid**2 + 1, width))
        self.patch_to_embedding = nn.Linear(3 * PATCH_PX**2, width)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        heads = width // head_width
        self.transformer = Transformer(width, depth, heads, head_width, hidden)
        self.mlp_head = nn.Sequential(nn.LayerNorm(width))

    def forward(self, picture: Tensor) -> Tensor:
        """Embed whole pictures, without a crop.

        Args:
            picture: [B, 3, H, W] in [0, 1], not centred, as the metric gives them (256 px).

        Returns:
            float32 [B, width], of any length.
        """
        small = F.adaptive_avg_pool2d(picture.float(), self.size)
        with full_precision(small):
            patches = F.unfold(small, PATCH_PX, padding=BORDER_PX, stride=STEP_PX).transpose(1, 2)
            tokens = self.patch_to_embedding(patches)  # [B, grid ** 2, width], rows first
            first = self.cls_token.expand(len(tokens), -1, -1)
            tokens = torch.cat([first, tokens], dim=1) + self.pos_embedding
            vector: Tensor = self.mlp_head(self.transformer(tokens)[:, 0])
        return vector


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `IdViT` from a state dict with its key names.

    The heads leave no trace in the weights; 64 channels each are assumed.
    """
    _, tokens, width = state["pos_embedding"].shape
    depth = sum(key.endswith(".to_qkv.weight") for key in state)
    return {
        "width": width,
        "depth": depth,
        "hidden": state["transformer.layers.0.1.fn.fn.net.0.weight"].shape[0],
        "grid": math.isqrt(tokens - 1),
    }
