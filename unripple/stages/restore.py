"""restore: repair what the generator drew badly in the face.

The background keeps every byte.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from unripple.conventions import Labels, Photo
from unripple.models.layers.synthesis import Noise
from unripple.ops.masks import require_same_size
from unripple.ops.mixing import restored_mixed
from unripple.ops.regions import parts_of
from unripple.ops.restoring import restorer_input
from unripple.ops.tensors import device_of, resized, to_photo


class Restorer(Protocol):
    """What a restorer must be able to do; `models.gfpgan.GFPGAN` is one."""

    def __call__(self, picture: Tensor, *, noise: Noise) -> Tensor:
        """Pictures [B, 3, S, S] -> repaired ones."""
        ...


def restore(
    edited: Photo,
    labels: Labels,
    network: Restorer,
    *,
    net_size_px: int,
    weight: float = 1.0,
    margin_px: float,
) -> Photo:
    """Lay the restored face over the edit.

    Args:
        edited: the drawn edit, uint8 [S, S, 3].
        labels: its parts, uint8 [S, S] of `Face`.
        network: drawn with its stored noise, so that the bytes are the same every time.
        net_size_px: side of the network's pictures.
        weight: share of the restored face in the face.
        margin_px: how far into clothes and hat it reaches, fading.

    Returns:
        uint8 [S, S, 3].

    Raises:
        ShapeMismatch: the arrays differ in size.

    Source: valentingol/gan-face-editing, pipeline/gfp_gan.py.
    """
    require_same_size(edited=edited, labels=labels)
    with torch.inference_mode():
        looked = restorer_input(edited, net_size_px, device=device_of(network))
        drawn = to_photo(network(looked, noise="stored"))
    restored = resized(drawn, edited.shape[0])
    return restored_mixed(edited, restored, parts_of(labels), margin_px=margin_px, weight=weight)
