"""The embedded e4e encoder: its architecture, where to find a trained one, its units."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from unripple.conventions import BadCheckpoint
from unripple.models.e4e import Encoder
from unripple.training import checkpoint
from unripple.training.latents import STYLE_DIM
from unripple.training.loop import frozen
from unripple.zoo import networks

SIZE = 128
WIDTHS = (16, 32, 64, 80, 96)
UNITS = (2, 2, 4, 2)
N_CODES = 12


def small_encoder() -> Encoder:
    """The embedded encoder's architecture, untrained; all codes start equal."""
    net = Encoder(size=SIZE, widths=WIDTHS, units=UNITS, style_dim=STYLE_DIM, n_codes=N_CODES)
    net.exact = False
    for head in list(net.styles)[1:]:
        nn.init.zeros_(head.get_submodule("linear").get_parameter("weight"))
    return net


def load_encoder(path: Path, device: str = "cpu") -> tuple[Encoder, Tensor]:
    """A frozen encoder and the mean w that its codes are relative to.

    Args:
        path: run folder (the average so far) or exported safetensors file.
        device: where to put them.

    Raises:
        BadCheckpoint: nothing usable lies there.
    """
    if path.suffix == ".safetensors":
        model = networks.load("encoder", path, torch.device(device))
        assert isinstance(model.net, Encoder)
        model.net.exact = False
        return frozen(model.net, device), model.extras["latent_avg"].to(device)
    if not (path / checkpoint.NAME).exists():
        raise BadCheckpoint(f"no checkpoint in {path}; train the encoder first")
    saved = checkpoint.read(path / checkpoint.NAME)
    net = small_encoder()
    net.load_state_dict(saved["ema"]["encoder"])
    return frozen(net, device), saved["nets"]["units"]["latent_avg"].to(device)


class Units(nn.Module):
    """Where w lies and how far it spreads, kept with the encoder's checkpoint.

    Args:
        mean: mean w, [style_dim].
        spread: root mean square of w - mean, a scalar.
    """

    latent_avg: Tensor
    spread: Tensor

    def __init__(self, mean: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.register_buffer("latent_avg", mean)
        self.register_buffer("spread", spread)


def admitted_deltas(progress: float, n_codes: int) -> int:
    """How many codes may leave the first one: one more at a time over the first half.

    Source: section 4.3, progressive training.
    """
    return int(min(1.0, progress / 0.5) * (n_codes - 1))
