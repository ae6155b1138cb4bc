"""w: one code of W for every row, by HyperStyle's encoder; what its hypernetwork starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unripple.conventions import Photo, WPlus
from unripple.stages.align import Aligned
from unripple.stages.interface import Work
from unripple.stages.project import project
from unripple.stages.projectors import Projector, photo_by_photo
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
    code = project(picture, encoder, mean, net_size_px=net_size_px)
    return np.broadcast_to(code, (n_codes, code.shape[1])).copy()


def _project(work: Work) -> WPlus:
    model, generator = work.load("w_encoder"), work.load("generator").net
    picture, mean = work.input(Aligned, "align").picture, mean_code(work, "w_encoder")
    return encode(picture, model.net, mean, n_codes=generator.n_codes, net_size_px=model.size_px)


METHOD = Projector(
    name="w",
    help="one code for all rows, by HyperStyle's encoder",
    roles=("w_encoder", "generator"),
    project=photo_by_photo(_project),
    rank=5,
)
