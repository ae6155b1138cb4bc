"""How strong a picture's texture is, window by window: what an inpainter is asked for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW_PX = 8  # in which the texture's strength is compared
FAINT = 0.01  # rms below which a window has no texture


def band_energies(picture: Tensor, place: Tensor) -> list[Tensor]:
    """Rms of fine structure in windows: fine detail, and gradients across and down at two sizes.

    Args:
        picture: [B, 3, S, S].
        place: what counts, [B, 1, S, S].

    Returns:
        One [B, 3, h, w] per band, 0 where a window lies outside the place.
    """
    bands = []
    for level in range(2):
        if level:
            picture, place = F.avg_pool2d(picture, 2), F.avg_pool2d(place, 2)
        smooth = F.avg_pool2d(picture, 3, 1, 1, count_include_pad=False)
        across = F.pad(picture[..., 1:] - picture[..., :-1], (0, 1))
        down = F.pad(picture[..., 1:, :] - picture[..., :-1, :], (0, 0, 0, 1))
        # Overlapping windows, each judged by the part of it that lies in the place.
        share = F.avg_pool2d(place, WINDOW_PX, WINDOW_PX // 2)
        for band in (picture - smooth, across, down):
            power = F.avg_pool2d(band.square() * place, WINDOW_PX, WINDOW_PX // 2)
            # The floor under the root bounds its gradient where there is no texture.
            rms = (power / share.clamp_min(0.05) + FAINT**2).sqrt()
            bands.append(rms * (share > 0.05))
    return bands


def texture_loss(painted: Tensor, plate: Tensor, hole: Tensor) -> Tensor:
    """How much the strength of the fill's texture differs from the truth's, window by window.

    It asks for as much texture as there was, not for the very same: that cannot be known.
    """
    pairs = zip(band_energies(painted, hole), band_energies(plate, hole), strict=True)
    return torch.stack([(a - b).abs().mean() for a, b in pairs]).mean()
