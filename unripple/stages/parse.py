"""parse: name the part of the face that every pixel shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Labels, Photo
from unripple.models.bisenet import normalised
from unripple.ops.tensors import device_of


def parse(
    picture: Photo, parser: Callable[[Tensor], Sequence[Tensor]], *, net_size_px: int
) -> Labels:
    """Label every pixel.

    Args:
        picture: uint8 [H, W, 3].
        parser: BiSeNet, float [B, 3, n, n] -> logits [B, 19, n, n] first, then its side heads.
        net_size_px: side n at which the network works (512 in the published one).

    Returns:
        uint8 [H, W] of `Face`. At another size than the network's the scores are resized, not the
        labels, so that no part is invented between two others.

    Source: zllrunning/face-parsing.PyTorch, `test.py`.
    """
    device = device_of(parser)
    with torch.inference_mode():
        logits = parser(network_input(picture, net_size_px).to(device))[0].float()
        if logits.shape[-2:] != picture.shape[:2]:
            logits = F.interpolate(
                logits, size=picture.shape[:2], mode="bilinear", align_corners=False
            )
        labels: Labels = logits[0].argmax(0).to(torch.uint8).cpu().numpy()
    return labels


def network_input(picture: Photo, size_px: int) -> Tensor:
    """What the parser sees of a picture [H, W, 3]: float32 [1, 3, n, n], normalised as ImageNet.

    The resize is on bytes, bilinear with antialias, as Pillow's in the published script
    (of whose levels it may miss one when it shrinks).
    """
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]  # [1, 3, H, W]
    if picture.shape[:2] != (size_px, size_px):
        pixels = F.interpolate(pixels, size=(size_px, size_px), mode="bilinear", antialias=True)
    return normalised(pixels.float() / 127.5 - 1)
