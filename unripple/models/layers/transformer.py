"""A vision transformer's weights and blocks.

Source: Dosovitskiy et al. 2021; layout and key names of timm (Apache-2.0), whose own module takes 5
CPU seconds to import; `models.dpt.transformer` chooses between the two.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-6  # of the layer norms


class Attention(nn.Module):
    """Multi-head self-attention over tokens [B, N, C]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, count, width = x.shape
        qkv = self.qkv(x).reshape(batch, count, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, heads, N, C / heads]
        attended = F.scaled_dot_product_attention(q, k, v)
        return self.proj(attended.transpose(1, 2).reshape(batch, count, width))


class Mlp(nn.Module):
    """Two layers with GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class TransformerBlock(nn.Module):
    """Attention, then the two layers, each after a norm and added to what came in."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, EPSILON)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, EPSILON)
        self.mlp = Mlp(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    """Patches of the picture as tokens."""

    def __init__(self, patch_px: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch_px, patch_px)


class VisionTransformer(nn.Module):
    """The parts of a vision transformer; who uses it says how tokens go through.

    Args:
        width: channels of a token.
        depth: blocks.
        heads: of the attention.
        hidden: width inside a block's two layers.
        patch_px: side of a patch.
        grid: side of the table of positions, patches.
        n_classes: of a classifier that published weights carry along; 0: none.
    """

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        heads: int,
        hidden: int,
        patch_px: int,
        grid: int,
        n_classes: int = 0,
    ) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + grid * grid, width))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.patch_embed: nn.Module = PatchEmbed(patch_px, width)
        self.blocks = nn.ModuleList(TransformerBlock(width, heads, hidden) for _ in range(depth))
        self.norm = nn.LayerNorm(width, EPSILON)
        self.head = nn.Linear(width, n_classes) if n_classes else nn.Identity()
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
