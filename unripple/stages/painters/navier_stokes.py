"""navier_stokes: OpenCV's, see `ops.inpainting`."""

from __future__ import annotations

from unripple.ops.inpainting import navier_stokes
from unripple.stages.interface import always
from unripple.stages.painters import Painter

METHOD = Painter(
    name="navier_stokes",
    help="OpenCV's, without a network",
    fill=always(navier_stokes),
    rank=4,
)
