"""The embedded generator's latent space: which z stands for which face, and where its w lies."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from unripple import faceworld
from unripple.conventions import BadCheckpoint
from unripple.models.stylegan2 import Generator, sizes_from_state
from unripple.training import start
from unripple.training.loop import frozen
from unripple.zoo import networks

STYLE_DIM = 256
CHANNELS = {4: 160, 8: 160, 16: 128, 32: 96, 64: 64, 128: 32}
MAPPING_LAYERS = 4
LR_MLP = 1.0  # 0.1 stalled the regression; exports use the published 0.01
PUBLISHED_LR_MLP = 0.01


def code(factors: Tensor, style_dim: int = STYLE_DIM) -> Tensor:
    """See `faceworld.code`; by default as wide as the embedded generator's."""
    return faceworld.code(factors, style_dim)


def small_generator(size: int, lr_mlp: float = LR_MLP) -> Generator:
    """The embedded generator's architecture at one size, untrained."""
    channels = {side: width for side, width in CHANNELS.items() if side <= size}
    net = Generator(
        size=size, style_dim=STYLE_DIM, n_mlp=MAPPING_LAYERS, channels=channels, lr_mlp=lr_mlp
    )
    net.exact_px = 0  # bf16 all through: at 128 px the exact part would be most of the work
    return net


def rescale_mapping(state: dict[str, Tensor], factor: float) -> dict[str, Tensor]:
    """Express the mapping's weights and biases for a learning-rate multiplier `factor` times lower.

    The equalised layers multiply them by that multiplier, so outputs stay equal.
    """
    return {k: v * factor if k.startswith("style.") else v for k, v in state.items()}


def trained_state(path: Path) -> dict[str, Tensor]:
    """The averaged generator of a run folder or an exported file, in training units of the mapping.

    Raises:
        BadCheckpoint: there is none.
    """
    state = start.averaged(path, "generator")
    if path.suffix == ".safetensors":
        state = rescale_mapping(state, PUBLISHED_LR_MLP / LR_MLP)
    return state


def grow(net: Generator, state: dict[str, Tensor]) -> None:
    """Start a generator from a smaller one: what they share is copied, the new block adds nothing.

    The new skip layers are zero, so the first pictures are the smaller net's, enlarged.

    Raises:
        BadCheckpoint: a shared layer differs in shape.
    """
    own = net.state_dict()
    odd = [k for k, v in state.items() if k not in own or own[k].shape != v.shape]
    if odd:
        raise BadCheckpoint(f"cannot start from these weights, layers differ: {odd[:3]}")
    net.load_state_dict(own | state)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if name not in state and name.startswith("to_rgbs.") and name.endswith("conv.weight"):
                weight.zero_()


def load_generator(path: Path, device: str = "cpu") -> Generator:
    """A frozen generator, from a run folder (its average so far) or an exported safetensors file.

    Raises:
        BadCheckpoint: nothing usable lies there.
    """
    if path.suffix == ".safetensors":
        stored = networks.load("generator", path, torch.device(device)).net
        assert isinstance(stored, Generator)
        stored.exact_px = 0
        return frozen(stored, device)
    state = trained_state(path)
    net = Generator(**sizes_from_state(state), lr_mlp=LR_MLP)
    net.load_state_dict(state)
    net.exact_px = 0
    return frozen(net, device)


@torch.no_grad()
def mean_w(net: Generator, faces: int = 10_000) -> Tensor:
    """The mean of w over the face world, float32 [style_dim]."""
    factors = faceworld.sample_factors(faces, seed=0)
    device = next(net.parameters()).device
    return net.map(code(factors.to(device), STYLE_DIM)).float().mean(0)


@torch.no_grad()
def w_statistics(net: Generator) -> tuple[Tensor, Tensor]:
    """Mean w [style_dim] and one spread (root mean square over all entries), a scalar."""
    device = next(net.parameters()).device
    factors = faceworld.sample_factors(4096, seed=1)
    mean = mean_w(net)
    w = net.map(code(factors.to(device))).float()
    return mean, (w - mean).square().mean().sqrt()
