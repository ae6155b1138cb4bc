"""telea: OpenCV's, see `ops.inpainting`."""

from __future__ import annotations

from unripple.ops.inpainting import telea
from unripple.stages.interface import always
from unripple.stages.painters import Painter

METHOD = Painter(
    name="telea",
    help="OpenCV's, without a network",
    fill=always(telea),
    rank=3,
)
