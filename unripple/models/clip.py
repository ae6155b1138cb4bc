"""CLIP: pictures and sentences as vectors whose cosine says how well they fit.

The networks are open_clip's own (MIT), which load the published files strictly; a small one of
ours is built from the same classes. Either picture tower may stand there: a vision transformer
(ViT-B/32, always with QuickGELU as published) or the residual one (RN50 and ours).

Two ways lead from a generator's picture to CLIP, and published projects use both:

- `area`, by StyleCLIP's loss: nearest enlargement by 7, mean pooling to 224 px, and none of CLIP's
  normalisation. It has gradients (`text_loss`).
- `prepared`, by its global directions: bicubic to 224 px as Pillow does it, then CLIP's mean and
  deviation taken off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.model import CLIP as CLIP
from open_clip.model import CLIPTextCfg as CLIPTextCfg
from open_clip.model import CLIPVisionCfg as CLIPVisionCfg
from torch import Tensor, nn

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of the pictures, in [0, 1], that the published CLIP was trained with."""

PUBLISHED_SCALE = 100.0  # of the logits
HEAD_WIDTH = 64
REDUCTION = 32  # of the residual tower, from the picture to the map that is pooled by attention


def build(state: Mapping[str, Tensor]) -> nn.Module:
    """The empty network into which a state dict loads; all sizes are read from it."""
    context, text_width = state["positional_embedding"].shape
    vision = _residual(state) if state["visual.conv1.weight"].shape[-1] == 3 else _patches(state)
    text = CLIPTextCfg(
        context_length=context,
        vocab_size=state["token_embedding.weight"].shape[0],
        width=text_width,
        heads=text_width // HEAD_WIDTH,
        layers=_count(state, "transformer.resblocks."),
    )
    return CLIP(state["text_projection"].shape[1], vision, text, quick_gelu=True)


def _patches(state: Mapping[str, Tensor]) -> Any:
    """A vision transformer's sizes; its first convolution is as wide as its patches."""
    width, _, patch, _ = state["visual.conv1.weight"].shape
    positions = state["visual.positional_embedding"].shape[0]
    return CLIPVisionCfg(
        layers=_count(state, "visual.transformer.resblocks."),
        width=width,
        head_width=HEAD_WIDTH,
        patch_size=patch,
        image_size=patch * round((positions - 1) ** 0.5),
    )


def _residual(state: Mapping[str, Tensor]) -> Any:
    """The residual tower's sizes; its stem of three convolutions ends at its width."""
    positions = state["visual.attnpool.positional_embedding"].shape[0]
    return CLIPVisionCfg(
        layers=tuple(_count(state, f"visual.layer{level}.") for level in (1, 2, 3, 4)),
        width=state["visual.conv3.weight"].shape[0],
        head_width=HEAD_WIDTH,
        image_size=REDUCTION * round((positions - 1) ** 0.5),
    )


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    """How many numbered blocks there are below a prefix."""
    return len({key[len(prefix) :].split(".")[0] for key in state if key.startswith(prefix)})


def side_px(net: nn.Module) -> int:
    """Side of the pictures that a network looks at, px."""
    size: Any = net.visual.image_size  # type: ignore[union-attr]
    return size[0] if isinstance(size, Sequence) else size


def area(pictures: Tensor, side: int) -> Tensor:
    """Resize [B, C, S, S] to [B, C, side, side] by whole numbers: repeated, then averaged.

    To 224 px from any multiple of 32 px this repeats every pixel 7 times each way, as the published
    loss does.
    """
    common = math.gcd(pictures.shape[-1], side)
    if side != common:
        pictures = F.interpolate(pictures, scale_factor=float(side // common), mode="nearest")
    return F.avg_pool2d(pictures, pictures.shape[-1] // side) if side != 1 else pictures


def prepared(
    pictures: Tensor, side: int, mean: Sequence[float] = MEAN, std: Sequence[float] = STD
) -> Tensor:
    """Pictures as CLIP was trained to see them: bicubic with antialias, normalised.

    Args:
        pictures: float [B, 3, S, S] in [-1, 1]; what lies beyond is cut off, as in bytes.
        side: CLIP's, px.
        mean, std: of its training pictures, in [0, 1].
    """
    levels = (pictures.float().clamp(-1, 1) + 1) / 2
    if levels.shape[-1] != side:
        levels = F.interpolate(
            levels, (side, side), mode="bicubic", align_corners=False, antialias=True
        ).clamp(0, 1)
    centre, scale = (levels.new_tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    return (levels - centre) / scale


def encode_text(net: nn.Module, tokens: Tensor) -> Tensor:
    """The vectors of sentences, not of length 1, [B, D]; as the network's own, in less time.

    What follows the last end of a sentence is cut off: attention looks back only, so nothing that
    counts depends on it.

    Args:
        net: a CLIP.
        tokens: [B, context], zeros after the end of each sentence.
    """
    clip: Any = net
    ends = tokens.argmax(1)  # the end mark has the highest number of all tokens
    longest = int(ends.max()) + 1
    tokens = tokens[:, :longest]
    x = clip.token_embedding(tokens) + clip.positional_embedding[:longest]
    x = clip.transformer(x, attn_mask=clip.attn_mask[:longest, :longest])
    x = clip.ln_final(x)
    return x[torch.arange(len(x), device=x.device), ends] @ clip.text_projection


def text_loss(net: nn.Module, pictures: Tensor, texts: Tensor) -> Tensor:
    """StyleCLIP's loss of each picture and each text, [B, T]: 1 - cosine, for published weights.

    Args:
        net: a CLIP.
        pictures: float [B, 3, S, S] in [-1, 1], neither cut off nor normalised, S a multiple of 32.
        texts: vectors [T, D] of any length.

    Source: Patashnik et al. 2021; criteria/clip_loss.py of orpatashnik/StyleCLIP (MIT): 1 minus a
    hundredth of CLIP's logits, whose published scale is 100.
    """
    clip: Any = net
    of_pictures = F.normalize(clip.encode_image(area(pictures, side_px(net))), dim=-1)
    logits: Tensor = clip.logit_scale.exp() * of_pictures @ F.normalize(texts, dim=-1).T
    return 1 - logits / PUBLISHED_SCALE
