"""A CLIP of a few thousand random weights that knows some words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.tiny import save_model

WORDS = ("a", "face", "with", "hat", "beard")


def tiny_clip(vector: int = 16) -> Any:
    """The network."""
    from unripple.models import clip

    torch.manual_seed(0)
    vision = clip.CLIPVisionCfg(layers=(1, 1, 1, 1), width=8, image_size=32)
    text = clip.CLIPTextCfg(vocab_size=600, width=64, heads=1, layers=1)
    net = clip.CLIP(vector, vision, text, quick_gelu=True)
    for name, weight in net.visual.named_parameters():
        if name.endswith("bn3.weight"):  # they begin at 0, and nothing would be seen
            torch.nn.init.ones_(weight)
    return net


def save_clip(path: Path) -> None:
    """Write its file."""
    save_model(path, dict(tiny_clip().state_dict()), size=32, words=list(WORDS))
