"""compose: put the edited person into the photo's own background.

Outside `touched` every byte is the photo's. A grey photo stays grey, a toned one keeps its tone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unripple.conventions import Face, Floats, Labels, Mask, Photo, Shares
from unripple.ops.composite import blend, either_or
from unripple.ops.geometry import stretched
from unripple.ops.layers import Layers, lay_small
from unripple.ops.masks import feather, grow, require_same_size, rounded
from unripple.ops.plates import fine_plate
from unripple.ops.tones import tone_of, toned
from unripple.stages import keeping
from unripple.stages.align import Aligned
from unripple.stages.composers import COMPOSERS
from unripple.stages.edit import Edited
from unripple.stages.interface import Settings, Stage, Work, knob


@dataclass(frozen=True, kw_only=True)
class ComposeSettings(Settings):
    """How edit and background become one picture.

    Attributes:
        keep_pixels: whether the edit says which of the photo's bytes stay.
    """

    method: str = knob(
        "plate",
        "plate | direct (paint over the ripple in the edit) | or (Lim 2022); with recipe "
        "ceteris_paribus mixed, with recipe external kept, and nothing else",
        choices=COMPOSERS,
    )
    head_detail: float = knob(
        1.0,
        "plate: share of the photo's details in the head. 1 takes the edit as it is, 0 the codes "
        "alone. Clothes keep all. Less than 1 softens the old eyes under the new ones that "
        "hfgi-faithful leaves.",
        minimum=0,
        maximum=1,
    )
    feather_px: float = knob(1, "soft border, inwards", minimum=0, maximum=128)
    keep_pixels: bool = False


class Composed(NamedTuple):
    """The parts of this stage.

    Attributes:
        picture: uint8 [H, W, 3].
        touched: pixels that may differ from the photo, bool [H, W].
        detail: how much of what is finer than the crop may come along from the photo, 255 is all,
            uint8 [H, W]; None where nobody knows from where.
        plate: the background of an edit in layers, as large as they are, uint8 [F, F, 3].
    """

    picture: Photo
    touched: Mask
    detail: Shares | None = None
    plate: Photo | None = None


STILL = (Face.CLOTH, Face.NECK, Face.NECKLACE)
"""Parts that stay where they are when a head turns, so their details lie where they belong."""
_BESIDE = 4.0  # feathers beside what the person left, so far an outline is rounded
HEAD_FEATHER_PX = 3.0  # between head and the rest; at 128 px about the width of a jaw's shadow


def ease_head(
    edited: Photo,
    plain: Photo,
    labels: Labels,
    *,
    detail: float,
    feather_px: float = HEAD_FEATHER_PX,
) -> Photo:
    """Take back some of the photo's details in the head, where an aligner leaves them behind.

    Old eyes, nose and outline under the new ones (the inner ghost) come with the details; no mask
    tells them apart from what the details are good for, so a share of both is kept.

    Args:
        edited: the inverter's edit, with the photo's details, uint8 [H, W, 3].
        plain: the same codes drawn without them.
        labels: parts of the edited picture, `Face`, uint8 [H, W].
        detail: the share to keep, 1 changes nothing.
        feather_px: width of the ramp between head and the rest.

    Returns:
        uint8 [H, W, 3].

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(edited=edited, plain=plain, labels=labels)
    return blend(edited, plain, _eased(labels, detail, feather_px))


def _eased(labels: Labels, detail: float, feather_px: float) -> Floats:
    """The share that is taken back, float32 [H, W]."""
    head = ~np.isin(labels, [int(part) for part in STILL])
    return feather(head, feather_px) * (1 - detail)


def fine_share(
    seen: Floats,
    person: Mask,
    labels: Labels,
    *,
    detail: float,
    feather_px: float = HEAD_FEATHER_PX,
) -> Shares:
    """How much of the photo's finest details the edited person gets, see `Composed.detail`.

    Args:
        seen: how far the person's points are seen in the photo, from 0 to 1, [s, s].
        person: of the edited picture, bool [H, W].
        labels, detail, feather_px: as for `ease_head`.
    """
    require_same_size(person=person, labels=labels)
    shown = person * (1 - _eased(labels, detail, feather_px))
    shares = np.clip(stretched(seen, person.shape[0]) * shown, 0, 1)
    return np.rint(255 * shares).astype(np.uint8)


def compose_plate(
    photo: Photo,
    edited: Photo,
    plate: Photo,
    vacated: Mask,
    after: Mask,
    *,
    feather_px: float = 1.0,
    enlarged: bool = False,
) -> Composed:
    """Photo, then the plate where the old person left, then the edited person on top.

    Both borders fade inwards, so the background is the photo's to the last byte up to the
    silhouettes, and a person who did not move (nothing vacated) changes no byte outside itself.

    Args:
        photo: the aligned picture, uint8 [H, W, 3].
        edited: the inverter's edit.
        plate: the photo with the person painted over.
        vacated: where the plate must show, bool [H, W], reaching a little into the background.
        after: the edited person, bool [H, W].
        feather_px: width of both ramps, px. Wider than the reach of `vacated`, old person would
            show through its border.
        enlarged: whether the picture is to be enlarged: an outline beside which the person left has
            no steps then.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(photo=photo, edited=edited, plate=plate, vacated=vacated, after=after)
    empty = blend(photo, plate, feather(vacated, feather_px))
    share = feather(after, feather_px)
    if enlarged and feather_px > 0:
        left = grow(vacated & ~after, _BESIDE * feather_px)
        share = np.where(left, rounded(after, feather_px), share)
    picture = blend(empty, edited, share)
    return Composed(picture, vacated | after)


def compose_layers(photo: Photo, layers: Layers, plate: Photo) -> Composed:
    """Photo, then the plate where the old person's share was, then the moved person's own colours.

    Beyond both soft cuts, and where nothing moved, every byte is the photo's.

    Args:
        photo: the aligned picture, uint8 [S, S, 3].
        layers: the edit, cut out softly.
        plate: the photo with the person painted over, uint8 [S, S, 3].
    """
    tinted = in_tone_of(photo, plate)
    fine = fine_plate(layers.picture, tinted, layers.alpha)
    picture, touched = lay_small(photo, layers, fine)
    return Composed(picture, touched, plate=fine)


def compose_direct(inpainted: Photo) -> Composed:
    """Take the edited picture with its ripple painted over, as the sources do.

    No byte of the photo is promised: all of the picture went through the generator.
    """
    return Composed(inpainted.copy(), np.ones(inpainted.shape[:2], np.bool_))


def compose_mixed(photo: Photo, mixed: Photo) -> Composed:
    """Take a picture that was mixed with the photo; touched are the pixels that differ.

    Raises:
        ShapeMismatch: the pictures differ in size.
    """
    require_same_size(photo=photo, mixed=mixed)
    return Composed(mixed.copy(), (photo != mixed).any(axis=2))


def compose_or(edited: Photo, plate: Photo, hole: Mask, foreground: Mask) -> Composed:
    """Join foreground and painted background by a bitwise OR of bytes, as Lim 2022 does.

    Args:
        edited: the inverter's edit, uint8 [H, W, 3].
        plate: the photo with the person painted over.
        hole: what was painted, bool [H, W].
        foreground: what to take of the edit, bool [H, W]. Its border stays hard.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(edited=edited, plate=plate, hole=hole, foreground=foreground)
    return Composed(either_or(edited, plate, foreground), hole | foreground)


def in_tone_of(photo: Photo, picture: Photo) -> Photo:
    """Bring a picture to the one tone of a grey or toned photo; of a colour photo, change nothing.

    Args:
        photo: the unedited crop, uint8 [S, S, 3].
        picture: what was made of it, uint8 [..., 3].
    """
    tone = tone_of(photo)
    return picture if tone is None else toned(picture, tone)


def in_own_tone(composed: Composed, photo: Photo) -> Composed:
    """Take the colour out again that the networks gave to a grey or toned photo.

    Args:
        composed: what one of the functions above made.
        photo: the aligned picture, uint8 [H, W, 3].

    Returns:
        The same, but for the touched pixels of a photo that has no colours of its own.

    Raises:
        ShapeMismatch: the pictures differ in size.
    """
    require_same_size(photo=photo, picture=composed.picture)
    plain = in_tone_of(photo, composed.picture)
    picture = np.where(composed.touched[..., None], plain, composed.picture)
    return composed._replace(picture=picture)


def with_kept(composed: Composed, photo: Photo, kept: Mask) -> Composed:
    """Leave the photo's bytes where an edit is to keep them, see `stages.keeping`.

    Args:
        composed: what one of the functions above made.
        photo: the aligned picture, uint8 [H, W, 3].
        kept: bool [H, W].

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(photo=photo, picture=composed.picture, kept=kept)
    picture = np.where(kept[..., None], photo, composed.picture)
    return composed._replace(picture=picture, touched=composed.touched & ~kept)


def run(work: Work, settings: ComposeSettings) -> Composed:
    """Put the edited person into the photo's own background."""
    photo = work.input(Aligned, "align").picture
    way = COMPOSERS[settings.method]
    composed = way.compose(work, photo, settings)
    if not way.sees_to_tone:
        composed = in_own_tone(composed, photo)
    edit = work.input(Edited, "edit")
    if edit.changed is not None:  # an edit that knows what it left alone
        composed = with_kept(composed, photo, ~edit.changed)
    kept = edit.kept if settings.keep_pixels else None
    return composed if kept is None else with_kept(composed, photo, kept)


STAGE = Stage(
    name="compose",
    help="put the edited person over that background",
    version=6,
    run=run,
    outputs=Composed,
    settings=ComposeSettings,
    methods=(COMPOSERS,),
    edit_inputs=("align", "edit", "parse", "ripple", "foreground", "inpaint"),
    edit_title="result",
    in_strip=True,
    borrows=keeping.keeps_pixels,
    marked=True,
)
