"""lama: the network of Suvorov et al. 2022, or one of its kind that corrects a first guess."""

from __future__ import annotations

from unripple.stages.inpaint import lama_fill
from unripple.stages.interface import Work
from unripple.stages.painters import Fill, Painter


def fill(work: Work) -> Fill:
    """See `stages.inpaint.lama_fill`."""
    model = work.load("inpainter")
    return lama_fill(model.net, corrects=bool(model.metadata.get("corrects", False)))


METHOD = Painter(name="lama", help="a network", roles=("inpainter",), fill=fill, rank=1)
