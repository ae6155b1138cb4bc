"""Networks of metrics with random weights, so small that 20 pairs take a second."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from unripple.models.curricularface import CurricularFace
from unripple.models.id_vit import IdViT
from unripple.models.lpips import AlexNet, Weights

THIN = (2, 3, 4, 4, 4)


def networks() -> dict[str, nn.Module]:
    """Role -> a slim network."""
    torch.manual_seed(0)
    weights = Weights(THIN)
    for value in weights.parameters():
        value.data.abs_()
    return {
        "lpips_trunk": AlexNet(THIN),
        "lpips_head": weights,
        "id_vit": IdViT(64, 1, 8, 2),
        "identity": CurricularFace(112, (4, 8, 4, 8, 4), (1, 1, 1, 1), 8).eval(),
    }


def write(folder: Path) -> dict[str, str]:
    """Write them; role -> file."""
    for role, net in networks().items():
        save_file(dict(net.state_dict()), folder / f"{role}.safetensors")
    return {role: str(folder / f"{role}.safetensors") for role in networks()}
