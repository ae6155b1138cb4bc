"""hfgi: codes, and what they miss of the photo, about which the generator is consulted."""

from __future__ import annotations

from unripple.stages.align import Aligned
from unripple.stages.edit import Edited, EditSettings
from unripple.stages.edit import edit as draw_edit
from unripple.stages.interface import Model, Work
from unripple.stages.invert import Consultant, Inverted, restyled
from unripple.stages.invert import invert as draw_photo
from unripple.stages.inverters import Inverter
from unripple.stages.project import Projected
from unripple.stages.translate import Translated


def invert(work: Work) -> Inverted:
    """See `stages.invert.invert`."""
    photo = work.input(Aligned, "align").picture
    w_plus = work.input(Projected, "project").w_plus
    return draw_photo(photo, w_plus, work.load("generator").net, consultant_of(work.load("hfgi")))


def edit(work: Work, settings: EditSettings) -> Edited:
    """See `stages.edit.edit`."""
    photo = work.input(Aligned, "align").picture
    translated = work.input(Translated, "translate")
    residual = work.input(Inverted, "invert").residual
    assert residual is not None
    return draw_edit(
        photo,
        translated.w_plus,
        residual,
        restyled(work.load("generator").net, translated.styles),
        consultant_of(work.load("hfgi")),
        size_px=photo.shape[0],
        turn=bool(translated.about["turn"]),
        strength=settings.strength,
    )


def consultant_of(model: Model) -> Consultant:
    """HFGI's networks, from the model of role `hfgi`."""
    from unripple.models.hfgi import CONSULTED

    nets = model.net
    after = int(model.metadata.get("inject_after", CONSULTED))
    motion = getattr(nets, "motion", None)
    return Consultant(nets["grid_align"], nets["residue"], after, model.size_px, motion)


METHOD = Inverter(
    name="hfgi",
    help="with the photo's details",
    roles=("generator", "hfgi"),
    invert=invert,
    edit=edit,
    rank=2,
)
