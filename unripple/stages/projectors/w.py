"""w: one code of W for every row, by HyperStyle's encoder; what its hypernetwork starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from unripple.conventions import Photo, WPlus
from unripple.stages.align import Aligned
from unripple.stages.interface import Work
from unripple.stages.project import ProjectSettings
from unripple.stages.projectors import Projector
from unripple.stages.projectors.restyle import mean_code

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.w_encoder import WEncoder


def encode(
    picture: Photo, encoder: WEncoder, mean: Tensor, *, n_codes: int, net_size_px: int
) -> WPlus:
    """Encode a picture by one code.

    Args:
        picture: uint8 [S, S, 3].
        encoder: gives a code relative to the mean.
        mean: [W] or [L, W].
        n_codes: rows L that the generator takes.
        net_size_px: side at which the encoder looks (256 in the published one).

    Returns:
        w_plus, float32 [L, W]; where the mean is one code, all rows are the same.
    """
    import torch

    from unripple.ops.tensors import device_of, resized, to_tensor

    with torch.inference_mode():
        shown = to_tensor(resized(picture, net_size_px), device=device_of(encoder))
        code = encoder(shown)[0].float().cpu() + mean.float().cpu()
        w_plus: WPlus = code.expand(n_codes, -1).numpy().astype(np.float32)
    return w_plus


def project(works: Sequence[Work], settings: ProjectSettings) -> list[WPlus]:  # noqa: ARG001
    """See `encode`, photo by photo."""
    codes = []
    for work in works:
        model = work.load("w_encoder")
        codes.append(
            encode(
                work.input(Aligned, "align").picture,
                model.net,
                mean_code(work, "w_encoder"),
                n_codes=work.load("generator").net.n_codes,
                net_size_px=model.size_px,
            )
        )
    return codes


METHOD = Projector(
    name="w",
    help="one code for all rows, by HyperStyle's encoder",
    project=project,
    decide=lambda settings: {"method": settings["method"]},
    needs=lambda settings: ("w_encoder", "generator"),  # noqa: ARG005
    rank=5,
)
