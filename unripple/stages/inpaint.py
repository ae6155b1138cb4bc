"""inpaint: paint what the person hid. Outside the hole every byte stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from unripple.conventions import BadPhoto, Mask, Photo, Shares
from unripple.ops.inpainting import misfit, smooth_fill
from unripple.ops.layers import TRACE
from unripple.ops.masks import grow, opened, remove_small, require_same_size
from unripple.stages.align import Aligned
from unripple.stages.composers import COMPOSERS
from unripple.stages.edit import Edited
from unripple.stages.foreground import Foreground
from unripple.stages.interface import EXTERNAL, RIPPLE, Settings, Stage, Values, Work, knob
from unripple.stages.painters import PAINTERS, Fill
from unripple.stages.ripple import Ripple

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = 2 / 3
"""Share of the hole's reach beyond the old person that the composite shows. The outer part is there
for the painter alone: the photo's own background is better than any painting of it."""

THICK = 4.0
"""Thickness, in reaches of the hole, of what depth alone may call vacated: a hand, at 128 px."""


class Inpainted(NamedTuple):
    """The parts of this stage.

    Attributes:
        plate: the picture with the hole filled, uint8 [H, W, 3].
        hole: what was filled, bool [H, W].
        vacated: the part of it that the composite must show, because the person left it; elsewhere
            the photo's own background is at hand, or the new person stands there. bool [H, W].
    """

    plate: Photo
    hole: Mask
    vacated: Mask


@dataclass(frozen=True, kw_only=True)
class InpaintSettings(Settings):
    """Who paints, and what.

    Attributes:
        paints: the "photo" behind the person, or the "edited" picture where it ripples.
    """

    painter: str = knob(
        "lama",
        "or borrow (texture from elsewhere in the photo) | telea | navier_stokes",
        choices=PAINTERS,
    )
    use_depth: bool = knob(
        True,
        "what only depth saw as foreground is hidden from the painter, and counts as vacated if it "
        "is thicker than four times grow_px",
    )
    grow_px: float = knob(
        3,
        "how far the hole reaches beyond the person; two thirds of that are shown",
        minimum=0,
        maximum=32,
    )
    min_area_px: int = knob(4, "smaller vacated specks are not shown", minimum=0, maximum=16384)
    paints: str = "photo"


def inpaint(photo: Photo, hole: Mask, fill: Fill) -> Photo:
    """Fill a hole; outside it the photo's bytes stay, and an empty hole changes nothing.

    Args:
        photo: uint8 [H, W, 3].
        hole: True where to paint, bool [H, W].
        fill: the painter, see `lama_fill` and `ops.inpainting`.

    Raises:
        ShapeMismatch: photo and hole differ in size.
    """
    require_same_size(photo=photo, hole=hole)
    if not hole.any():
        return photo.copy()
    return np.where(hole[..., None], fill(photo, hole), photo)


def inpaint_plate(
    photo: Photo,
    before: Mask,
    after: Mask,
    *,
    fill: Fill,
    grow_px: float,
    min_area_px: int = 0,
    depth_before: Mask | None = None,
    depth_after: Mask | None = None,
) -> Inpainted:
    """Paint the background behind the old person, from the photo alone.

    The painter never sees the edited picture, so no ripple can guide it.

    Args:
        photo: the aligned picture, uint8 [H, W, 3].
        before, after: person in photo and in the edited picture, bool [H, W].
        fill: the painter.
        grow_px: how far the hole reaches beyond the old person, px: its soft border must not speak.
        min_area_px: vacated specks of fewer pixels are a parser's slips and are not shown.
        depth_before, depth_after: foreground by depth. Given both, their true union with the
            parsed person is taken: what the parser missed and depth saw is vacated as well, if it
            is thicker than `THICK` times `grow_px`. Where two maps of depth disagree on one border,
            nothing has left.

    Returns:
        plate, hole and vacated, with vacated inside the hole. Of a person who fills the picture
        nothing is painted, for there is no background to paint from: the plate is the photo. Where
        only growing would leave none, the hole is not grown.
    """
    person, left = before, before & ~after
    if depth_before is not None and depth_after is not None:
        person = before | depth_before
        left = left | opened(depth_before & ~depth_after & ~after, THICK / 2 * grow_px)
    hole = grow(person, grow_px)
    vacated = grow(remove_small(left, min_area_px), SHOWN * grow_px)
    if person.all():
        return Inpainted(photo.copy(), hole, vacated)
    if hole.all():
        hole, vacated = person, vacated & person
    return Inpainted(inpaint(photo, hole, fill), hole, vacated)


def inpaint_edited(edited: Photo, ripple: Mask, *, fill: Fill) -> Inpainted:
    """Paint over the ripple in the edited picture itself, as the sources do."""
    return Inpainted(inpaint(edited, ripple, fill), ripple, ripple)


def checked(painted: Inpainted) -> Inpainted:
    """The same, unless the painter saw nothing: it paints black then.

    Raises:
        BadPhoto: the hole is all of the picture, and some of it is to be shown.
    """
    if painted.hole.all() and painted.vacated.any():
        raise BadPhoto(
            "the hole takes in the whole aligned picture, so no background is left to paint from; "
            "make inpaint.grow_px (ripple.grow_px, if that is what is painted over) smaller"
        )
    return painted


def lama_fill(
    network: Callable[[Tensor, Tensor], Tensor], *, multiple: int = 8, corrects: bool = False
) -> Fill:
    """Make a painter out of LaMa.

    Args:
        network: (masked picture [B, 3, H, W] in [0, 1], hole [B, 1, H, W]) -> picture in [0, 1].
        corrects: whether the network was trained to correct a first guess instead of painting on
            black.
        multiple: the network's sides; the picture is mirrored at the right and bottom to reach one.

    Returns:
        A painter whose bytes are truncated, as published.

    Source: advimman/lama, `bin/predict.py`.
    """

    import torch

    from unripple.models.lama import correct
    from unripple.ops.borrow import first_guess
    from unripple.ops.tensors import device_of

    def fill(photo: Photo, hole: Mask) -> Photo:
        height, width = hole.shape
        margin = ((0, -height % multiple), (0, -width % multiple))
        shown = np.pad(photo.astype(np.float32) / 255, (*margin, (0, 0)), mode="symmetric")
        hidden = np.pad(hole, margin, mode="symmetric")[..., None].astype(np.float32)
        device = device_of(network)
        masked, mask = (
            torch.from_numpy(values).permute(2, 0, 1)[None].contiguous().to(device)  # [1, C, H, W]
            for values in (shown * (1 - hidden), hidden)
        )
        with torch.inference_mode():
            if corrects:
                output = correct(network, first_guess(masked, mask), mask)
            else:
                output = network(masked, mask)
            painted = output[0].float().permute(1, 2, 0).cpu().numpy()  # [H, W, 3]
        return np.clip(painted[:height, :width] * 255, 0, 255).astype(np.uint8)

    return fill


def borrow_fill() -> Fill:
    """Make a painter that learned nothing: smooth colours, texture from elsewhere in the photo."""
    from unripple.ops.borrow import first_guess

    return lama_fill(first_guess)


def late_fill(work: Work, painter: str) -> Fill:
    """A painter whose networks are loaded when there is something to paint."""
    return lambda photo, hole: PAINTERS[painter].fill(work)(photo, hole)


def shared_fill(work: Work, painter: str) -> Fill:
    """A painter that paints each hole of a photo once: its edits have one hole, and so one plate.

    Whatever an edit shows is part of that plate, so what one edit hides another may show.
    """

    def fill(photo: Photo, hole: Mask) -> Photo:
        def paint() -> dict[str, Photo]:
            return {"plate": inpaint(photo, hole, late_fill(work, painter))}

        own = {painter: work.settings[painter]} if painter in work.settings else {}
        made_from = {"photo": photo, "hole": hole, "painter": painter, **own}
        return work.shared("plate", made_from, paint)["plate"]

    return fill


RING = 0.05
"""Width of the ring around a hole on which painters are tried, sides of the picture."""


def tried_fill(fill: Fill) -> Fill:
    """A painter that is tried on the photo's own background first, against a smooth surface.

    A ring around the hole is hidden as well. Whoever comes nearer to it, in its colours and in how
    much fine structure it has, paints the hole: networks draw patterns on plain walls.
    """

    def tried(photo: Photo, hole: Mask) -> Photo:
        side = photo.shape[0]
        wide = grow(hole, RING * side)
        ring = wide & ~hole
        smooth = smooth_fill(photo, hole)
        if wide.all():  # nobody can be tried
            return fill(photo, hole)
        tries = (fill(photo, wide), smooth_fill(photo, wide))
        theirs, ours = (misfit(painted, photo, ring) for painted in tries)
        return fill(photo, hole) if theirs < ours else smooth

    return tried


def run(work: Work, settings: InpaintSettings) -> Inpainted:
    """Paint the plate behind the person, or over the ripple in the edit."""
    mask = work.input(Ripple, "ripple")
    if settings.paints == "edited":
        edited = work.input(Edited, "edit").picture
        fill = late_fill(work, settings.painter)
        return checked(inpaint_edited(edited, mask.ripple, fill=fill))
    photo = work.input(Aligned, "align").picture
    knobs = settings.grown(photo)
    near = work.input(Foreground, "foreground") if settings.use_depth else None
    alpha = work.input(Edited, "edit").alpha
    fill = shared_fill(work, settings.painter)
    return inpaint_plate(
        photo,
        mask.before | traces(alpha, photo.shape[0]),
        mask.after,
        fill=fill if alpha is None else tried_fill(fill),
        grow_px=knobs.grow_px,
        min_area_px=knobs.min_area_px,
        depth_before=near.before if near else None,
        depth_after=near.after if near else None,
    )


def traces(alpha: Shares | None, size: int) -> Mask:
    """Where a soft cut has any trace of the person, bool [size, size]; nowhere without a cut."""
    if alpha is None:
        return np.zeros((size, size), np.bool_)
    side = alpha.shape[0]
    places = np.arange(side) * size // side  # of the cut's rows and columns, in the crop
    found = np.zeros((size, size), np.bool_)
    rows, columns = np.nonzero(alpha > TRACE)
    found[places[rows], places[columns]] = True
    return found


def what_is_painted(config: Values) -> dict[str, str]:
    """No more than this of compose.method, so that its other choices share the painted plates."""
    return {"paints": COMPOSERS[config["compose"]["method"]].paints}


def roles(settings: Values) -> tuple[str, ...]:
    """Those of the painter."""
    return PAINTERS[settings["painter"]].roles


STAGE = Stage(
    name="inpaint",
    help="paint the background that the person hid",
    version=3,
    run=run,
    outputs=Inpainted,
    settings=InpaintSettings,
    methods=(PAINTERS,),
    edit_inputs=("align", "edit", "ripple", "foreground"),
    shows="plate",
    edit_title="inpainted",
    in_strip=True,
    recipes=(RIPPLE, EXTERNAL),
    roles=roles,
    borrows=what_is_painted,
    threads_alike=True,
    loads_late=True,
    marked=True,
)
