"""The one converter each way between photographs and network pictures.

A photograph is RGB, uint8, [H, W, 3]. A network picture is float, [B, 3, H, W], in [-1, 1].
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor, nn

from unripple.conventions import Photo, ShapeMismatch
from unripple.ops.resample import resize_bilinear


def to_tensor(photo: Photo, *, device: torch.device | str = "cpu") -> Tensor:
    """Turn bytes into a network picture; `to_photo` gives back the very same bytes.

    Args:
        photo: one photograph [H, W, 3] or a batch [B, H, W, 3], RGB uint8.
        device: where the tensor shall live.

    Returns:
        float32 [B, 3, H, W] in [-1, 1]; B is 1 for one photograph.

    Raises:
        ShapeMismatch: not RGB uint8.
    """
    if photo.dtype != np.uint8 or photo.ndim not in (3, 4) or photo.shape[-1] != 3:
        raise ShapeMismatch(
            f"a photograph must be uint8 [H, W, 3] (or a batch of them), "
            f"got {photo.dtype} {list(photo.shape)}; drop alpha and convert to RGB first"
        )
    batch = photo if photo.ndim == 4 else photo[None]
    pixels = torch.from_numpy(np.array(batch)).to(device)  # a copy: bytes may be read-only
    return pixels.permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1  # [B, 3, H, W]


def to_photos(pictures: Tensor) -> Photo:
    """Turn network pictures into bytes: clipped to [-1, 1], rounded to the nearest level.

    The published scripts truncate instead, which darkens every picture by half a level.

    Args:
        pictures: float [B, 3, H, W], nominally in [-1, 1].

    Returns:
        uint8 [B, H, W, 3].

    Raises:
        ShapeMismatch: not a batch of three-channel pictures.
    """
    if pictures.ndim != 4 or pictures.shape[1] != 3:
        raise ShapeMismatch(f"network pictures must be [B, 3, H, W], got {list(pictures.shape)}")
    return to_levels(pictures).permute(0, 2, 3, 1).contiguous().cpu().numpy()  # [B, H, W, 3]


def to_levels(pictures: Tensor) -> Tensor:
    """Pictures in [-1, 1] as bytes, clipped and rounded to the nearest level, of the same shape."""
    return ((pictures.detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def to_photo(picture: Tensor) -> Photo:
    """Turn one network picture [1, 3, H, W] into a photograph [H, W, 3], as `to_photos` does."""
    if picture.shape[0] != 1:
        raise ShapeMismatch(f"one picture expected, got a batch of {picture.shape[0]}")
    return to_photos(picture)[0]


def resized(photo: Photo, size_px: int) -> Photo:
    """Make a photograph [H, W, 3] a square of another size; a no-op at its own.

    On bytes, bilinear, with antialias where it shrinks: the very bytes of Pillow, with which the
    published scripts resize.
    """
    return resize_bilinear(photo, (size_px, size_px))


def device_of(network: object) -> torch.device:
    """Where a network's weights live; the CPU for one without weights."""
    if isinstance(network, nn.Module):
        # The first one says it: to list all takes longer than some layers.
        for weights in itertools.chain(network.parameters(), network.buffers()):
            return weights.device
    return torch.device("cpu")
