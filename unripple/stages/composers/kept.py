"""kept: what was meant of an edit made elsewhere; everything else is the photo's own bytes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unripple.conventions import BadPhoto, Face, Floats, Labels, Mask, Photo
from unripple.metrics.ghost import ghost_transmission
from unripple.ops.backgrounds import believable
from unripple.ops.changes import filled_within
from unripple.ops.composite import blend
from unripple.ops.masks import distance_to, feather, grow, remove_small
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
NEARLY_ALL = 0.9  # of a head or body; parsers err along its border
MOVED_PX = 0.6  # at 128 px; registration errs by a tenth of that
GHOSTLY = 0.2  # share of the old person in the editor's background; the estimate errs by .1
COLOURED, COLOUR_PX = 8.0, 2.0  # levels beside a grey photo's tone that are no noise any more
BELIEVED = 0.25  # share of a flow from which it counts
FOLLOWED = 0.1
"""Least share of a head that must be followed. Of heads turned by 20 degrees a fifth to a half is,
of which half moved or more; of unmoved ones nearly all, and a fiftieth moved at most."""
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

    Where most of the head or of the body differs or moved, or most of what can be followed in it
    moved, all of it did: old skin and new skin of one colour look as if nothing had happened.

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
    followed = motion[2] > BELIEVED
    moved = (away > grown("moved_px", MOVED_PX, changed)) & followed
    for parts in (HEAD, BODY):
        old, new = (np.isin(labels, parts) for labels in (labels_before, labels_after))
        seen = followed & new
        anew = ((meant_mask | moved) & new).sum() > MOSTLY * new.sum()
        went = seen.sum() > FOLLOWED * new.sum() and (moved & seen).sum() > MOSTLY * seen.sum()
        if new.any() and (anew or went):
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
    """Put what was meant and may stay over the photo, and background where the person left.

    That is the editor's own where it fits the photo's around it, and the painted plate elsewhere.
    """
    own: KeptSettings = METHOD.own(work.settings)
    registered, person = work.input(Registered, "edit"), work.input(Ripple, "ripple")
    painted = work.input(Inpainted, "inpaint")
    old, new = (work.input(Parsed, name).labels for name in ("parse@photo", "parse"))
    keep = own.keep if isinstance(own.keep, str) else tuple(own.keep)
    changed = meant(registered.differing, person.before, person.after, old, new, registered.motion)
    # What the person left has changed, or nobody left it: parsers differ by a few pixels.
    near = grow(changed, grown("grow_px", CLOSE_PX, changed))
    vacated = painted.vacated & near
    may = allowed(keep, person.before, person.after, old, new, registered.mask)
    stays = changed & may
    if keep == EVERYTHING:
        vacated &= ~stays
    elif keep != PERSON:
        vacated &= may
    believed = shown(photo, registered.picture, painted.plate, person)
    edited = in_meant_tone(photo, registered.picture)
    plate = blend(stage.in_tone_of(photo, painted.plate), edited, believed)
    empty = blend(photo, plate, feather(vacated, settings.grown(photo).feather_px))
    feather_px = grown("feather_px", own.feather_px, photo)
    soft = believed * grow(drawn_anew(stays, new), 2 * feather_px)
    if keep not in (PERSON, EVERYTHING):
        soft *= may
    over = over_share(stays & ~(vacated & ~person.after), soft, person.after, feather_px)
    touched = vacated | stays | (over > 0)
    fine = stage.fine_share(registered.motion[2], stays, new, detail=1.0)
    return Composed(blend(empty, edited, over), touched, fine)


def shown(photo: Photo, edited: Photo, plate: Photo, person: Ripple) -> Floats:
    """How far the editor's own background may stand where the person went away, from 0 to 1.

    It shows what was really there, unless it was invented anew, or the old person shines through.

    Args:
        photo, edited: in register, uint8 [S, S, 3].
        plate: the photo's background, painted behind the person.
        person: in both of them.

    Returns:
        float32 [S, S].
    """
    if ghost_transmission(edited, photo, plate, person.before, person.after) > GHOSTLY:
        return np.zeros(photo.shape[:2], np.float32)
    apart_px = grown("apart_px", CLOSE_PX, photo)
    return believable(photo, edited, ~grow(person.before | person.after, apart_px))


def drawn_anew(stays: Mask, labels: Labels) -> Mask:
    """Head or body, or both, where nearly all of it stays of the edit, bool [S, S]."""
    whole = np.zeros_like(stays)
    for parts in (HEAD, BODY):
        part = np.isin(labels, parts)
        if part.any() and (stays & part).sum() > NEARLY_ALL * part.sum():
            whole |= part
    return whole


def over_share(stays: Mask, soft: Floats, after: Mask, feather_px: float) -> Floats:
    """How much of the edited picture lies over the empty one.

    The border fades inwards. The silhouette of a head that was drawn anew, before a background that
    the editor shows rightly, needs no fading inside: its soft rim is the true one, so the ramp lies
    beyond it.

    Args:
        stays: what stays of the edit, bool [S, S].
        soft: where that is so, from 0 to 1; 0 keeps to `stays`, float32 [S, S].
        after: the edited person, bool [S, S].
        feather_px: width of the ramp.

    Returns:
        float32 [S, S].
    """
    inwards = feather(stays, feather_px)
    beyond = feather(grow(stays, feather_px), feather_px)
    rim = np.clip(2 - distance_to(~after) / max(feather_px, 1.0), 0, 1)
    return inwards + (beyond - inwards) * rim * soft


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
