"""borrow: smooth colours, and texture from elsewhere in the photo; nothing is learned."""

from __future__ import annotations

from unripple.stages.inpaint import borrow_fill
from unripple.stages.painters import Painter

METHOD = Painter(
    name="borrow",
    help="texture from elsewhere in the photo",
    fill=lambda work: borrow_fill(),  # noqa: ARG005
    rank=2,
)
