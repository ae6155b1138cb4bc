"""DPT, monocular depth: a picture becomes inverse depth, up to an unknown scale and shift.

Source: Ranftl et al. 2021; layout and key names of isl-org/DPT (MIT). `dpt_large-midas-2f21e586.pt`
loads strictly into `DPT()`, `dpt_hybrid-midas-501f0c75.pt` into `DPT(**HYBRID)`.

The vision transformer of the published sizes is timm's. Smaller ones, the embedded one's among
them, are `layers.transformer`, which gives the same keys and the same bytes: timm takes 5.4 CPU
seconds to import (4.1 of them torchvision), and the demo would pay them in each of its processes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.dpt_fusion import Reassemble, Scratch
from unripple.models.layers.dpt_resnetv2 import ResNetV2, resnetv2_sizes
from unripple.models.layers.precision import full_precision
from unripple.models.layers.transformer import VisionTransformer

PATCH = 16
HEAD_DIM = 64
LEAST_PUBLISHED_WIDTH = 768  # of a vision transformer's tokens: "base"

HYBRID: dict[str, Any] = {
    "token_width": 768,
    "depth": 12,
    "level_widths": (256, 512, 768, 768),
    "stem_widths": (64, 256, 512, 1024),
    "stem_blocks": (3, 4, 9),
}
"""The arguments of the published DPT-Hybrid."""


class HybridEmbed(nn.Module):
    """Patch tokens read from the last level of a convolutional stem."""

    def __init__(self, backbone: ResNetV2, fan_in: int, token_width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.proj = nn.Conv2d(fan_in, token_width, 1)


class Pretrained(nn.Module):
    """The vision transformer, and what turns its tokens into four levels of maps."""

    def __init__(
        self,
        vit: nn.Module,
        token_width: int,
        level_widths: tuple[int, ...],
        *,
        hybrid: bool,
        hooks: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.model = vit
        self.hybrid = hybrid
        self.hooks = hooks
        for level in range(3 if hybrid else 1, 5):
            reassemble = Reassemble(token_width, level_widths[level - 1], level=level)
            self.add_module(f"act_postprocess{level}", reassemble)

    def forward(self, picture: Tensor, *, exact: bool = False) -> list[Tensor]:
        """Return four levels at 1/4, 1/8, 1/16 and 1/32 of the side of pictures [B, 3, H, W]."""
        vit: Any = self.model
        stem: list[Tensor] = []
        if self.hybrid:
            with full_precision(picture) if exact else nullcontext():
                stem = vit.patch_embed.backbone(picture)
        patches: Tensor = vit.patch_embed.proj(stem[-1] if stem else picture)
        grid = (patches.shape[2], patches.shape[3])
        x = torch.cat(
            [vit.cls_token.expand(len(patches), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1
        )
        x = x + resized_positions(vit.pos_embed, grid)
        tokens = []
        for number, block in enumerate(vit.blocks):
            x = block(x)
            if number in self.hooks:
                tokens.append(x)
        levels = stem[:2] if self.hybrid else []
        for read in tokens[len(levels) :]:
            reassemble = self.get_submodule(f"act_postprocess{len(levels) + 1}")
            levels.append(reassemble(read, grid))
        return levels


class DPT(nn.Module):
    """The depth network; the defaults are the published DPT-Large.

    Args:
        token_width: of the transformer, a multiple of 64: one attention head per 64.
        depth: transformer blocks, a multiple of 4: tokens are read after each quarter of them.
        mlp_ratio: hidden width of a block over its width.
        grid: side of the table of positions; other sizes of pictures resize it.
        level_widths: channels of the four levels, finest first.
        features: channels of the decoder.
        head_width: channels before the last layer.
        stem_widths: channels of the convolutional stem and its three stages (hybrid), or None:
            the transformer reads patches of 16 px and gives all four levels.
        stem_blocks: bottlenecks of the stem's three stages.
        n_classes: of the classifier that the published weights carry along, unused; 0: none.

    Attributes:
        exact: whether, under autocast, all but the transformer computes in float32. So it is with
            a stem, whose standardised weights turn bf16 into 8% of error instead of 0.3%; a
            training, which wants speed, may set it to False.
    """

    def __init__(
        self,
        *,
        token_width: int = 1024,
        depth: int = 24,
        mlp_ratio: float = 4.0,
        grid: int = 24,
        level_widths: tuple[int, ...] = (256, 512, 1024, 1024),
        features: int = 256,
        head_width: int = 32,
        stem_widths: tuple[int, ...] | None = None,
        stem_blocks: tuple[int, ...] = (),
        n_classes: int = 1000,
    ) -> None:
        super().__init__()
        if token_width % HEAD_DIM or depth % 4:
            raise ValueError(
                f"got token_width {token_width} and depth {depth}, wanted multiples of 64 and 4"
            )
        if stem_widths is not None and tuple(stem_widths[1:3]) != tuple(level_widths[:2]):
            raise ValueError(
                f"level_widths {level_widths} must begin with the widths of the stem's first two "
                f"stages, {tuple(stem_widths[1:3])}"
            )
        vit = transformer(
            width=token_width, depth=depth, mlp_ratio=mlp_ratio, grid=grid, n_classes=n_classes
        )
        if stem_widths is not None:
            stem = ResNetV2(stem_widths, stem_blocks)
            vit.patch_embed = HybridEmbed(stem, stem_widths[-1], token_width)
        hybrid = stem_widths is not None
        hooks = tuple(depth * quarter // 4 - 1 for quarter in range(1, 5))
        self.pretrained = Pretrained(vit, token_width, level_widths, hybrid=hybrid, hooks=hooks)
        self.scratch = Scratch(level_widths, features, head_width)
        self.exact = hybrid

    def forward(self, picture: Tensor) -> Tensor:
        """Estimate depth.

        Args:
            picture: float [B, 3, H, W] in [-1, 1]; H and W are multiples of 32.

        Returns:
            Inverse depth, float32 [B, H, W], 0 or more, larger is nearer.
        """
        levels = self.pretrained(picture, exact=self.exact)
        depth: Tensor
        if self.exact:
            with full_precision(picture):
                depth = self.scratch([level.float() for level in levels])
        else:
            depth = self.scratch(levels)
        return depth.squeeze(1).float()


def transformer(
    *, width: int, depth: int, mlp_ratio: float, grid: int, n_classes: int
) -> VisionTransformer:
    """A vision transformer for patches of 16 px; see `DPT` for the arguments."""
    heads = width // HEAD_DIM
    if width < LEAST_PUBLISHED_WIDTH:
        return VisionTransformer(
            width=width,
            depth=depth,
            heads=heads,
            hidden=int(width * mlp_ratio),
            patch_px=PATCH,
            grid=grid,
            n_classes=n_classes,
        )
    from timm.models import vision_transformer

    return vision_transformer.VisionTransformer(
        img_size=grid * PATCH,
        patch_size=PATCH,
        embed_dim=width,
        depth=depth,
        num_heads=heads,
        mlp_ratio=mlp_ratio,
        num_classes=n_classes,
    )


def resized_positions(table: Tensor, grid: tuple[int, int]) -> Tensor:
    """Bring a square table of positions [1, 1 + n * n, C], class first, to [1, 1 + h * w, C]."""
    side = math.isqrt(table.shape[1] - 1)
    patches = table[:, 1:].transpose(1, 2).reshape(1, -1, side, side)  # [1, C, n, n]
    patches = F.interpolate(patches, size=grid, mode="bilinear", align_corners=False)
    return torch.cat([table[:, :1], patches.flatten(2).transpose(1, 2)], dim=1)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `DPT` from a state dict with its key names."""
    vit = "pretrained.model."
    _, positions, token_width = state[f"{vit}pos_embed"].shape
    hidden = state[f"{vit}blocks.0.mlp.fc1.weight"].shape[0]
    head = state.get(f"{vit}head.weight")
    sizes = {
        "token_width": token_width,
        "depth": sum(key.startswith(vit) and key.endswith(".attn.qkv.weight") for key in state),
        "mlp_ratio": hidden / token_width,
        "grid": math.isqrt(positions - 1),
        "level_widths": tuple(state[f"scratch.layer{n}_rn.weight"].shape[1] for n in (1, 2, 3, 4)),
        "features": state["scratch.layer1_rn.weight"].shape[0],
        "head_width": state["scratch.output_conv.2.weight"].shape[0],
        "n_classes": 0 if head is None else head.shape[0],
    }
    stem = f"{vit}patch_embed.backbone."
    if f"{stem}stem.conv.weight" in state:
        sizes["stem_widths"], sizes["stem_blocks"] = resnetv2_sizes(state, stem)
    return sizes
