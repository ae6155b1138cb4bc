"""Picture grids, for people to look at."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unripple.atomic import write_bytes
from unripple.conventions import FACE_COLOURS, Photo
from unripple.ops.tensors import to_photos


def from_uint8(pictures: Tensor) -> Tensor:
    """uint8 [B, 3, H, W] -> float32 in [-1, 1], channels last in memory."""
    return pictures.contiguous(memory_format=torch.channels_last).float().div_(127.5).sub_(1.0)


def grey(values: Tensor) -> Tensor:
    """[B, H, W] of any range -> [B, 3, H, W] in [-1, 1], each picture stretched by itself."""
    values = values.detach().float()
    low = values.amin((1, 2), keepdim=True)
    span = (values.amax((1, 2), keepdim=True) - low).clamp_min(1e-6)
    return ((values - low) / span * 2 - 1)[:, None].expand(-1, 3, -1, -1)


def coloured(labels: Tensor) -> Tensor:
    """Labels [B, H, W] -> [B, 3, H, W] in [-1, 1] in the colours of `FACE_COLOURS`."""
    palette = torch.from_numpy(FACE_COLOURS).float() / 127.5 - 1
    return palette[labels.long().cpu()].permute(0, 3, 1, 2)  # [B, 3, H, W]


def rows(*strips: Tensor) -> Photo:
    """Stack strips [B, 3, H, W] in [-1, 1] as rows of one picture uint8 [rows*H, B*W, 3]."""
    count = min(len(strip) for strip in strips)
    lines = [np.concatenate(list(to_photos(strip[:count])), axis=1) for strip in strips]
    return np.concatenate(lines, axis=0)


def write(path: Path, picture: Photo) -> None:
    """Write a PNG under its name only when it is complete."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    write_bytes(path, buffer.getvalue())
