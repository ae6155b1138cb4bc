"""What a face restorer sees of a photo."""

from __future__ import annotations

import cv2
import torch
from torch import Tensor

from unripple.conventions import Photo
from unripple.ops.tensors import to_tensor


def restorer_input(photo: Photo, size_px: int, *, device: torch.device | str = "cpu") -> Tensor:
    """Stretch a face to the restorer's side; `ops.tensors.to_photo` turns its answer into bytes.

    On bytes, bilinear and without antialias, by OpenCV as in the published script: a face that is
    larger than the network loses detail unevenly, so hand over one of about the right size.

    Args:
        photo: aligned face, RGB uint8 [H, W, 3]; what is not square is distorted.
        size_px: side of the network's pictures.
        device: where the tensor shall live.

    Returns:
        float32 [1, 3, size_px, size_px] in [-1, 1].

    Raises:
        ShapeMismatch: not one RGB uint8 photograph.
    """
    if photo.ndim == 3 and photo.shape[:2] != (size_px, size_px):
        photo = cv2.resize(photo, (size_px, size_px), interpolation=cv2.INTER_LINEAR)
    return to_tensor(photo, device=device)
