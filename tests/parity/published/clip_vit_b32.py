"""CLIP ViT-B/32 of open_clip, which must be the published network."""

from __future__ import annotations

import torch
from torch import Tensor

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU, ready, running  # noqa: TID252

OP = "clip.vit_b32"
MODEL = "ViT-B-32-quickgelu"
"""Plain ViT-B-32 loads as well, but with the exact GELU it is off by 4e-2."""


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Features of picture and text, and how they agree.

    Raises:
        ImportError: open_clip is not installed.
    """
    import open_clip

    net = open_clip.CLIP(**open_clip.get_model_config(MODEL))
    ready(net, golden.state, device)
    inputs = golden.on(device)
    with running(device, dtype):
        picture = net.encode_image(inputs["image"])
        text = net.encode_text(inputs["tokens"])
        directions = (_unit(features.float()) for features in (picture, text))
        towards_picture, towards_text = directions
        logits = net.logit_scale.exp() * (towards_picture @ towards_text.T)
    return {"image_features": picture, "text_features": text, "logits_per_image": logits}


def _unit(features: Tensor) -> Tensor:
    return features / features.norm(dim=-1, keepdim=True)
