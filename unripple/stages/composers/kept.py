"""kept: what was meant of an edit made elsewhere; everything else is the photo's own bytes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unripple.conventions import BadPhoto, Face, Floats, Labels, Mask, Photo
from unripple.ops.changes import filled_within
from unripple.ops.composite import blend
from unripple.ops.masks import feather, grow, remove_small
from unripple.stages import compose as stage
from unripple.stages.compose import Composed, ComposeSettings
from unripple.stages.composers import Composer
from unripple.stages.inpaint import Inpainted
from unripple.stages.interface import Settings, Work, grown, knob
from unripple.stages.parse import Parsed
from unripple.stages.register import Registered
from unripple.stages.ripple import Ripple

PERSON, MASK, EVERYTHING = "person", "mask", "auto"
PARTS = {
    "skin": (Face.SKIN, Face.NOSE, Face.LEFT_EAR, Face.RIGHT_EAR),
    "brows": (Face.LEFT_BROW, Face.RIGHT_BROW),
    "eyes": (Face.LEFT_EYE, Face.RIGHT_EYE),
    "glasses": (Face.GLASSES,),
    "mouth": (Face.MOUTH, Face.UPPER_LIP, Face.LOWER_LIP),
    "neck": (Face.NECK,),
    "jewellery": (Face.EARRING, Face.NECKLACE),
    "cloth": (Face.CLOTH,),
    "hair": (Face.HAIR,),
    "hat": (Face.HAT,),
}
CLOSE_PX = 4.0  # unchanged gaps that a moving head leaves within itself, at 128 px
MIN_AREA_PX = 6  # at 128 px; smaller changes are leftovers
MOSTLY = 0.3  # of a head's or body's pixels; one that changed or moved so far was drawn anew
MOVED_PX = 0.6  # at 128 px; registration errs by a tenth of that
COLOURED, COLOUR_PX = 8.0, 2.0  # levels beside a grey photo's tone that are no noise any more
BELIEVED = 0.25  # share of a flow from which it counts
BODY = [int(part) for part in (Face.CLOTH, Face.NECKLACE)]
HEAD = [int(part) for part in Face if part != Face.BACKGROUND and part not in BODY]


@dataclass(frozen=True, kw_only=True)
class KeptSettings(Settings):
    """What may stay of somebody else's edit."""

    keep: str | tuple[str, ...] = knob(
        PERSON,
        "what of the edit stays: person | auto (wherever something clearly changed) | mask (a file "
        "<photo>.mask.png beside the edited picture) | a list of parts, like [hair, cloth]",
        schema={
            "pattern": f"^({PERSON}|{MASK}|{EVERYTHING})$",
            "items": {"type": "string", "enum": list(PARTS)},
        },
    )
    feather_px: float = knob(
        1.5, "soft border between what stays and the photo, inwards", minimum=0, maximum=128
    )


def meant(
    changed: Mask,
    before: Mask,
    after: Mask,
    labels_before: Labels,
    labels_after: Labels,
    motion: Floats,
) -> Mask:
    """What somebody meant to change: differences, closed inside the person.

    Where most of the head or of the body differs or moved, all of it did: old skin and new skin of
    one colour look as if nothing had happened.

    Args:
        changed: what clearly differs, bool [S, S].
        before, after: the person in photo and edited picture, bool [S, S].
        labels_before, labels_after: their parts, uint8 [S, S] of `Face`.
        motion: see `stages.register.Registered`, [3, S, S].

    Returns:
        bool [S, S].
    """
    reach_px = grown("reach_px", CLOSE_PX, changed)
    meant_mask = remove_small(changed, grown("min_area_px", MIN_AREA_PX, changed))
    meant_mask = filled_within(meant_mask, before | after, reach_px=reach_px)
    away = np.hypot(*motion[:2].astype(np.float32)) * changed.shape[0]
    moved = (away > grown("moved_px", MOVED_PX, changed)) & (motion[2] > BELIEVED)
    for parts in (HEAD, BODY):
        old, new = (np.isin(labels, parts) for labels in (labels_before, labels_after))
        if new.any() and ((meant_mask | moved) & new).sum() > MOSTLY * new.sum():
            meant_mask |= old | new
    return meant_mask


def allowed(
    keep: str | tuple[str, ...],
    before: Mask,
    after: Mask,
    labels_before: Labels,
    labels_after: Labels,
    mask: Mask | None,
) -> Mask:
    """Where the user lets an edit stay, bool [S, S].

    Raises:
        BadPhoto: by a mask, and there is none.
    """
    if keep == PERSON:
        return before | after
    if keep == EVERYTHING:
        return np.ones_like(before)
    if keep == MASK:
        if mask is None:
            raise BadPhoto(
                "compose.kept.keep is mask, but no <photo>.mask.png lies beside the edited picture "
                "(--mask, on the command line); make one, or set keep to person"
            )
        return mask
    labels = [int(label) for part in keep for label in PARTS[part]]
    return np.isin(labels_before, labels) | np.isin(labels_after, labels)


def compose(work: Work, photo: Photo, settings: ComposeSettings) -> Composed:
    """Put what was meant and may stay over the photo, and the plate where the person left."""
    own: KeptSettings = METHOD.own(work.settings)
    registered, person = work.input(Registered, "edit"), work.input(Ripple, "ripple")
    painted = work.input(Inpainted, "inpaint")
    old, new = (work.input(Parsed, name).labels for name in ("parse@photo", "parse"))
    keep = own.keep if isinstance(own.keep, str) else tuple(own.keep)
    changed = meant(registered.changed, person.before, person.after, old, new, registered.motion)
    # What the person left has changed, or nobody left it: parsers differ by a few pixels.
    near = grow(changed, grown("grow_px", CLOSE_PX, changed))
    vacated = painted.vacated & near
    may = allowed(keep, person.before, person.after, old, new, registered.mask)
    stays = changed & may
    if keep == EVERYTHING:
        vacated &= ~stays
    elif keep != PERSON:
        vacated &= may
    plate = stage.in_tone_of(photo, painted.plate)
    empty = blend(photo, plate, feather(vacated, settings.grown(photo).feather_px))
    over = feather(stays & ~(vacated & ~person.after), grown("feather_px", own.feather_px, photo))
    picture = blend(empty, in_meant_tone(photo, registered.picture), over)
    touched = vacated | stays
    fine = stage.fine_share(registered.motion[2], stays, new, detail=1.0)
    return Composed(picture, touched, fine)


def in_meant_tone(photo: Photo, edited: Photo) -> Photo:
    """An edit of a grey or toned photo in its tone, but where somebody gave it colours on purpose.

    Redrawing leaves a few levels of chroma everywhere.
    """
    plain = stage.in_tone_of(photo, edited)
    if plain is edited:
        return edited
    apart = np.abs(edited.astype(np.float32) - plain).max(2)
    coloured = cv2.GaussianBlur(apart, (0, 0), COLOUR_PX) > COLOURED
    soft = feather(grow(coloured, 2 * COLOUR_PX), COLOUR_PX)
    return blend(plain, edited, soft)


METHOD = Composer(
    name="kept",
    help="what was meant of an edit made elsewhere (external)",
    settings=KeptSettings,
    compose=compose,
    sees_to_tone=True,
    rank=5,
)
