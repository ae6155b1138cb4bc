"""e4e: the codes alone. No ghost, but no detail of the photo either."""

from __future__ import annotations

from unripple.stages.align import Aligned
from unripple.stages.edit import Edited, EditSettings, edit_plainly
from unripple.stages.interface import Work
from unripple.stages.invert import Inverted, invert_plainly, restyled
from unripple.stages.inverters import Inverter
from unripple.stages.project import Projected
from unripple.stages.translate import Translated


def invert(work: Work) -> Inverted:
    """See `stages.invert.invert_plainly`."""
    size_px = work.input(Aligned, "align").picture.shape[0]
    w_plus = work.input(Projected, "project").w_plus
    return invert_plainly(w_plus, work.load("generator").net, size_px=size_px)


def edit(work: Work, settings: EditSettings) -> Edited:  # noqa: ARG001
    """See `stages.edit.edit_plainly`."""
    size_px = work.input(Aligned, "align").picture.shape[0]
    translated = work.input(Translated, "translate")
    generator = restyled(work.load("generator").net, translated.styles)
    return Edited(edit_plainly(translated.w_plus, generator, size_px=size_px))


METHOD = Inverter(
    name="e4e", help="codes alone", roles=("generator",), invert=invert, edit=edit, rank=1
)
