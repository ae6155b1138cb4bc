"""mix: bring back from the photo what an edit of one characteristic is not about.

Three mix-ups, each a picture from two: by a drawn domain, by the parts of the face, by depth. What
is far from all that the edit may change keeps the photo's bytes. A fourth, ours, brings the photo's
details back into what lies within.

The source cuts off what is after the point when it saves the second and the third; here all are
rounded: that keeps mixed pictures from darkening, and a byte that both pictures share stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from unripple.conventions import Floats, Labels, Mask, Photo
from unripple.ops import details, mixing
from unripple.ops.masks import require_same_size
from unripple.ops.regions import (
    RULES,
    STATED_SIDE_PX,
    changing_in_either,
    clothes_in_front,
    parts_of,
)
from unripple.stages.align import Aligned
from unripple.stages.interface import CETERIS_PARIBUS, Plan, Settings, Stage, Values, Work, knob
from unripple.stages.mixes import MIXES
from unripple.stages.restore import Restored, repairs

AUTO = "auto"


class Mixed(NamedTuple):
    """The part of this stage: the mixed picture, uint8 [S, S, 3]."""

    picture: Photo


@dataclass(frozen=True, kw_only=True)
class MixSettings(Settings):
    """Each mix-up has a section of its own, see `stages.mixes`.

    Attributes:
        mixes: those of this edit, in their order, each with its knobs.
        carac: the attribute that the edit changes (keys of artifacts hold this older word).
    """

    order: tuple[str, ...] = knob(("detail", "domain", "segmentation", "depth"), "", choices=MIXES)
    mixes: Sequence[Mapping[str, Any]] = ()
    carac: str = ""


def mix_detail(
    photo: Photo,
    edited: Photo,
    inversion: Photo,
    labels_before: Labels,
    labels_after: Labels,
    *,
    tolerance: float,
    reach_px: float,
) -> Photo:
    """Bring back what the inversion lost of the photo, where the edit shows what the photo does.

    Args:
        photo, edited, inversion: uint8 [S, S, 3].
        labels_before, labels_after, tolerance, reach_px: see `ops.details.kept_share`.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    share = details.kept_share(
        inversion, edited, labels_before, labels_after, tolerance=tolerance, reach_px=reach_px
    )
    return details.detailed(photo, edited, inversion, share)


def domain_distance(drawing: npt.NDArray[np.uint8], size: tuple[int, int]) -> Floats:
    """Distance to a drawn domain.

    Args:
        drawing: levels, uint8 [h, w], dark in the domain.
        size: height and width of the pictures that will be mixed.

    Returns:
        float64 [H, W], px; inf where nothing is drawn.
    """
    if drawing.shape != size:
        drawing = cv2.resize(drawing, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return mixing.exact_distance_to(mixing.domain_of(drawing))


def mix_domain(photo: Photo, edited: Photo, distance: Floats, *, margin_px: float) -> Photo:
    """Keep the edit in the drawn domain.

    Args:
        photo, edited: uint8 [S, S, 3].
        distance: of every pixel to the domain, float64 [S, S], px.
        margin_px: how far from the domain only the photo is left.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    return mixing.mixed(photo, edited, mixing.ramp(distance, margin_px))


def mix_segmentation(
    photo: Photo,
    edited: Photo,
    labels_before: Labels,
    labels_after: Labels,
    *,
    attribute: str,
    margin_px: float,
    front_px: float,
) -> Photo:
    """Keep the edit where its characteristic is, in the photo or in the edit.

    Args:
        photo, edited: uint8 [S, S, 3].
        labels_before, labels_after: their parts, uint8 [S, S] of `Face`.
        attribute: a word of `ops.regions.RULES`; for any other one, only clothes
            and hats in the upper half come back from the photo.
        margin_px: how far from what may change only the photo is left.
        front_px: how deep within those clothes only the photo is left.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(photo=photo, edited=edited, before=labels_before, after=labels_after)
    parts = [parts_of(labels) for labels in (labels_before, labels_after)]
    rule, change = RULES.get(attribute), None
    if rule is not None:
        change = changing_in_either(parts, rule, scale=photo.shape[0] / STATED_SIDE_PX)
    shares = mixing.segmentation_shares(
        change, clothes_in_front(parts[0]), margin_px=margin_px, front_px=front_px
    )
    return mixing.mixed(photo, edited, *shares)


def mix_depth(photo: Photo, edited: Photo, near: Mask, near_after: Mask, *, coef: float) -> Photo:
    """Lay the foreground of both pictures, as the edit has it, on the background of the photo.

    Args:
        photo, edited: uint8 [S, S, 3].
        near, near_after: their foregrounds, bool [S, S].
        coef: how fast the edit fades away from the foreground.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(photo=photo, edited=edited, near=near, near_after=near_after)
    return mixing.background_mixed(photo, edited, near | near_after, coef=coef)


def run(work: Work, settings: MixSettings) -> Mixed:
    """Bring back from the photo what the edit is not about, one mix-up after the other."""
    photo = work.input(Aligned, "align").picture
    picture, changed = work.input(Restored, "restore")
    if changed is not None:  # all else is the photo's to the byte already
        return Mixed(picture)
    for knobs in settings.mixes:
        mix = MIXES[knobs["mix"]]
        own = mix.settings.of(knobs).grown(photo)
        picture = mix.mix(work, photo, picture, own)
    return Mixed(picture)


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """The mix-ups of one edit, in their order, each with its own knobs."""
    edit = plan.edit
    assert edit is not None
    restored = repairs(plan.config["restore"], plan)
    mixes = []
    for name in settings["order"]:
        knobs = dict(settings[name])
        only, but = knobs.pop("only"), knobs.pop("except")
        use = knobs.pop("use")
        # A restorer has drawn the face anew, in details of its own.
        applies = (not restored if use == AUTO else use) and (only is None or edit.is_among(only))
        there = plan.has_drawing or not MIXES[name].draws
        if applies and not edit.is_among(but) and there:
            mixes.append({"mix": name, **knobs})
    marked = settings["digital_source_type"]
    return {"mixes": mixes, "carac": edit.attribute, "digital_source_type": marked}


def draws(settings: Values) -> bool:
    """Whether one of the mix-ups looks at the drawn domain."""
    return any(MIXES[one["mix"]].draws for one in settings["mixes"])


STAGE = Stage(
    name="mix",
    help="bring back from the photo what the edit is not about",
    version=2,
    run=run,
    outputs=Mixed,
    settings=MixSettings,
    methods=(MIXES,),
    edit_inputs=("align", "invert", "restore", "parse@photo", "parse@edit", "foreground"),
    edit_title="mixed",
    recipes=(CETERIS_PARIBUS,),
    decide=decide,
    draws=draws,
    marked=True,
)
