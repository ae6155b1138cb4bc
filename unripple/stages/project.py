"""project: describe an aligned picture by the generator's codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from unripple.conventions import Photo, WPlus
from unripple.ops.tensors import device_of, resized, to_tensor


def project(
    picture: Photo,
    encoder: Callable[[Tensor], Tensor],
    latent_avg: WPlus | Tensor,
    *,
    net_size_px: int | None = None,
) -> WPlus:
    """Encode a picture.

    Args:
        picture: uint8 [S, S, 3].
        encoder: e4e, float [B, 3, n, n] in [-1, 1] -> codes [B, L, W] relative to the average.
        latent_avg: the average code, [L, W] or [W].
        net_size_px: side n at which the encoder works (256 in the published one); None: at S.

    Returns:
        w_plus, float32 [L, W].
    """
    with torch.inference_mode():
        looked = resized(picture, net_size_px or picture.shape[0])
        codes = encoder(to_tensor(looked, device=device_of(encoder)))[0].float().cpu()
        average = torch.as_tensor(latent_avg).float().cpu()
        w_plus: WPlus = (codes + average).numpy().astype(np.float32)
    return w_plus
