"""IR-SE, the identity network: an aligned face becomes a unit vector, near for the same person.

Source: Deng et al. 2019 (ArcFace); layout and key names of TreB1eN/InsightFace_Pytorch (MIT), whose
`model_ir_se50.pth` loads strictly into `Backbone()`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.irse import UNITS_50, WIDTHS_50, body, stem, trunk_sizes
from unripple.models.layers.precision import full_precision

CROP_FROM_PX = 256
CROP_ROWS = slice(35, 223)
CROP_COLUMNS = slice(32, 220)


def crop_for_identity(picture: Tensor, size: int = 112) -> Tensor:
    """Cut the face out of an FFHQ-aligned picture, as the published identity losses do.

    Args:
        picture: [B, 3, S, S] in [-1, 1]; a side other than 256 px is brought there first, by
            averages (larger) or repeated pixels (smaller).
        size: side of the crop, px: the network's input.

    Returns:
        [B, 3, size, size], averages over the pixels that every one of its pixels touches.
    """
    if picture.shape[2:] != (CROP_FROM_PX, CROP_FROM_PX):
        picture = F.adaptive_avg_pool2d(picture, CROP_FROM_PX)
    return F.adaptive_avg_pool2d(picture[:, :, CROP_ROWS, CROP_COLUMNS], size)


class Backbone(nn.Module):
    """The network.

    Args:
        input_size: side of its pictures, px, a multiple of 16.
        widths, units: channels of stem and groups, and units per group; see `layers.irse.body`.
        embedding: length of the vector.
        dropout: share of the last features that training leaves out.
        squeeze: units with squeeze and excitation.
        affine: the last batch norm scales and shifts.
    """

    def __init__(
        self,
        input_size: int = 112,
        widths: tuple[int, ...] = WIDTHS_50,
        units: tuple[int, ...] = UNITS_50,
        embedding: int = 512,
        *,
        dropout: float = 0.6,
        squeeze: bool = True,
        affine: bool = True,
    ) -> None:
        super().__init__()
        if input_size % 16:
            raise ValueError(f"input_size: got {input_size}, wanted a multiple of 16")
        self.input_size = input_size
        self.input_layer = stem(3, widths[0])
        self.body = body(widths, units, squeeze=squeeze)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(widths[-1]),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(widths[-1] * (input_size // 16) ** 2, embedding),
            nn.BatchNorm1d(embedding, affine=affine),
        )

    def forward(self, face: Tensor) -> Tensor:
        """Embed faces.

        Args:
            face: crops of `crop_for_identity`, [B, 3, input_size, input_size] in [-1, 1].

        Returns:
            float32 [B, embedding], each of length 1.

        Raises:
            ValueError: the crops have another size.
        """
        vector = self.before_norm(face)
        length: Tensor = vector.norm(dim=1, keepdim=True)
        return vector / length

    def before_norm(self, face: Tensor) -> Tensor:
        """Embed faces as `forward` does, the vectors float32 [B, embedding] of any length."""
        if face.shape[2:] != (self.input_size, self.input_size):
            raise ValueError(
                f"face: got {tuple(face.shape)}, wanted [B, 3, {self.input_size}, "
                f"{self.input_size}] (see crop_for_identity)"
            )
        features: Tensor = self.body(self.input_layer(face))
        with full_precision(features):
            vector: Tensor = self.output_layer(features.float())
        return vector


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Backbone` from a state dict with its key names."""
    widths, units = trunk_sizes(state)
    embedding, features = state["output_layer.3.weight"].shape
    side = math.isqrt(features // widths[-1])
    return {"input_size": 16 * side, "widths": widths, "units": units, "embedding": embedding}
