"""Anycost GANs beside their generator: the encoder, the channel tables, the projection's objective.

Source: Lin et al. 2021; layout, key names and numbers of mit-han-lab/anycost-gan (MIT). The
generator is `stylegan2.Generator`, cut at run time: `net.synthesize(w_plus, **cut._asdict())` with
one of the tables below. `encoder_anycost-ffhq-config-f.pt` loads strictly into `AnycostEncoder()`
after its `encoder.` prefix is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.resnet50 import UNITS_50, WIDTHS_50, ResNet50, trunk_sizes
from unripple.models.stylegan2 import Generator

Distance: TypeAlias = Callable[[Tensor, Tensor], Tensor]

INPUT_PX = 256
"""Side at which the encoder and the perceptual distance see pictures."""


class Cut(NamedTuple):
    """How much of a generator to run; the arguments of `Generator.synthesize` of these names.

    Attributes:
        resolution: side at which to stop, px.
        widths: channels of the constant and of each styled convolution.
    """

    resolution: int
    widths: tuple[int, ...]


EVOLVED: Mapping[str, Cut] = {
    "36G": Cut(
        256, (512, 512, 512, 512, 512, 512, 512, 512, 384, 384, 128, 192, 32, 64, 64, 48, 16, 8)
    )
}
"""Cuts found by evolutionary search for the published flexible generator, by their MACs."""


def uniform(ratio: float, resolution: int = 1024, *, multiplier: int = 2, most: int = 512) -> Cut:
    """The same share of the channels everywhere.

    The cap comes after the ratio: half of the channels still leaves 512 up to 32 px.

    Args:
        ratio: share, from just above 0 to 1.
        resolution: side at which to stop, px, a power of 2.
        multiplier, most: the generator's channels are 16384 / side * multiplier, at most `most`.
    """
    sides = [2**n for n in range(2, resolution.bit_length())]
    channels = [min(most, int(16384 // side * ratio * multiplier)) for side in sides]
    return Cut(resolution, tuple(width for width in channels for _ in range(2)))


def adaptive_resize(picture: Tensor, size: int) -> Tensor:
    """Bring a square picture to another side as the published projection does.

    Bilinear with the corners aligned, without antialias; the very same tensor where the side fits.

    Args:
        picture: [B, C, S, S].
        size: wanted side, px.

    Raises:
        ValueError: the picture is not square.
    """
    if picture.shape[2] != picture.shape[3]:
        raise ValueError(f"picture: got {tuple(picture.shape)}, wanted a square one [B, C, S, S]")
    if picture.shape[3] == size:
        return picture
    return F.interpolate(picture, (size, size), mode="bilinear", align_corners=True)


class AnycostEncoder(ResNet50):
    """The encoder: a picture becomes w+.

    Args:
        n_codes: codes of w+.
        style_dim: length of a code.
        widths, units: of the trunk.
        size: side of its pictures, px; leaves no trace in the weights.
    """

    mean_latent: Tensor

    def __init__(
        self,
        n_codes: int = 18,
        style_dim: int = 512,
        widths: tuple[int, ...] = WIDTHS_50,
        units: tuple[int, ...] = UNITS_50,
        *,
        size: int = INPUT_PX,
    ) -> None:
        super().__init__(widths, units)
        self.n_codes, self.style_dim, self.size = n_codes, style_dim, size
        self.fc = nn.Linear(widths[-1], n_codes * style_dim)
        self.register_buffer("mean_latent", torch.zeros(style_dim))

    def forward(self, picture: Tensor) -> Tensor:
        """Encode pictures.

        Args:
            picture: [B, 3, size, size] RGB in [-1, 1]; see `adaptive_resize`.

        Returns:
            float32 [B, n_codes, style_dim], the mean code included.

        Raises:
            ValueError: pictures of another size.
        """
        if picture.shape[2:] != (self.size, self.size):
            raise ValueError(
                f"picture: got {tuple(picture.shape)}, wanted [B, 3, {self.size}, {self.size}]"
                " (see adaptive_resize)"
            )
        features = self.features(picture)
        with torch.autocast(picture.device.type, enabled=False):
            codes: Tensor = self.fc(features)
            return codes.reshape(-1, self.n_codes, self.style_dim) + self.mean_latent


class Objective(NamedTuple):
    """What the projection minimises: of each picture of a batch [B], or scalars, sums over it.

    Attributes:
        total: the weighted sum of the others.
        mse: squared error of the pictures, a mean over each picture.
        codes: squared distance of the codes from the encoder's, a mean over each picture's codes.
        perceptual: what the callable returns; 0 without one.
    """

    total: Tensor
    mse: Tensor
    codes: Tensor
    perceptual: Tensor


def objectives(
    picture: Tensor,
    target: Tensor,
    codes: Tensor | None = None,
    encoded: Tensor | None = None,
    *,
    mse_weight: float = 1.0,
    codes_weight: float = 0.0,
    perceptual: Distance | None = None,
    compare_px: int = INPUT_PX,
) -> Objective:
    """Compute what the published projection minimises over w+, for each picture of a batch.

    Args:
        picture: what the generator draws, [B, 3, S, S]; clamped to [-1, 1] before, where the
            optimiser is L-BFGS, as it comes for Adam.
        target: the photos [B, 3, R, R] in [-1, 1].
        codes: the w+ of the pictures, [B, n_codes, style_dim].
        encoded: what the encoder makes of the photos, of the same shape.
        mse_weight, codes_weight: of the sum. The published default leaves the codes free.
        perceptual: distance [B] of pictures [B, 3, looked_at_px, looked_at_px] (LPIPS with VGG as
            published).
        looked_at_px: 256, or the generator's side if that is smaller.

    Returns:
        Each term [B].

    Raises:
        ValueError: the codes weigh something and one of the two is missing, or unlike shapes.
    """
    # At the picture's own side: a generator that is cut short is compared at what it draws.
    mse = _mean_square(picture, adaptive_resize(target, picture.shape[3]))
    distance, perceptual_term = torch.zeros_like(mse), torch.zeros_like(mse)
    if codes is not None and encoded is not None:
        distance = _mean_square(codes, encoded)
    elif codes_weight:
        raise ValueError(f"codes_weight is {codes_weight}: wanted both codes and encoded")
    if perceptual is not None:
        shrunk = (adaptive_resize(each, compare_px) for each in (picture, target))
        perceptual_term = perceptual(*shrunk)
    return Objective(
        mse_weight * mse + codes_weight * distance + perceptual_term, mse, distance, perceptual_term
    )


def objective(picture: Tensor, target: Tensor, *codes: Tensor | None, **how: Any) -> Objective:
    """Sum `objectives` over the batch, as published."""
    return Objective(*(term.sum() for term in objectives(picture, target, *codes, **how)))


def objective_gradient(
    generator: Generator,
    codes: Tensor,
    target: Tensor,
    encoded: Tensor | None = None,
    *,
    clamp: bool = True,
    mse_weight: float = 1.0,
    codes_weight: float = 0.0,
    perceptual: Distance | None = None,
) -> tuple[Objective, Tensor]:
    """Draw codes with the stored noise; return their objectives and the gradient in the codes.

    Args:
        generator: at its full size and width.
        codes: [B, n_codes, style_dim].
        target, encoded, mse_weight, codes_weight, perceptual: as for `objective`.
        clamp: clamp the picture to [-1, 1], as for L-BFGS.

    Returns:
        (each picture's objective, float32 gradient of its total in its codes).
    """
    with torch.enable_grad():
        codes = codes.detach().requires_grad_()
        picture = generator.synthesize(codes)
        terms = objectives(
            picture.clamp(-1, 1) if clamp else picture,
            target,
            codes,
            encoded,
            mse_weight=mse_weight,
            codes_weight=codes_weight,
            perceptual=perceptual,
            compare_px=min(generator.size, INPUT_PX),
        )
        (gradient,) = torch.autograd.grad(terms.total.sum(), codes)
    return Objective(*(term.detach() for term in terms)), gradient


def _mean_square(a: Tensor, b: Tensor) -> Tensor:
    if a.shape != b.shape:
        raise ValueError(f"got shapes {tuple(a.shape)} and {tuple(b.shape)}, wanted the same")
    return (a.float() - b.float()).square().flatten(1).mean(1)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `AnycostEncoder` from a state dict with its key names."""
    widths, units = trunk_sizes(state)
    style_dim = state["mean_latent"].shape[0]
    n_codes = state["fc.weight"].shape[0] // style_dim
    return {"n_codes": n_codes, "style_dim": style_dim, "widths": widths, "units": units}
