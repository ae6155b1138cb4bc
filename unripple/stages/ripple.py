"""ripple: mark what the edit uncovered or smeared, and so must be filled or refreshed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from unripple.conventions import Face, Labels, Mask
from unripple.ops.masks import border_band, fill_small, grow, remove_small, require_same_size
from unripple.stages.interface import RIPPLE, Settings, Stage, Work, knob
from unripple.stages.parse import Parsed


@dataclass(frozen=True, kw_only=True)
class RippleSettings(Settings):
    """Beyond a quarter of the picture nothing of the background is left to paint from."""

    grow_px: float = knob(2, "dilation of what was uncovered", minimum=0, maximum=32)
    smear_px: float = knob(
        3, "band around both silhouettes where hfgi drags background along", minimum=0, maximum=32
    )
    min_area_px: int = knob(12, "smaller specks are the parser's slips", minimum=0, maximum=16384)


class Ripple(NamedTuple):
    """The parts of this stage, each bool [H, W].

    Attributes:
        ripple: what must be filled or refreshed; never on the new person.
        before: the person in the photo.
        after: the person in the edited picture.
    """

    ripple: Mask
    before: Mask
    after: Mask


def person(
    labels: Labels, *, background: Iterable[int] = (Face.BACKGROUND,), min_area_px: int = 0
) -> Mask:
    """Mark the person: every part that is not background.

    Args:
        labels: uint8 [H, W] of `Face`.
        background: the parts that do not count as the person.
        min_area_px: specks of fewer pixels are dropped and pinpricks of fewer closed.

    Returns:
        bool [H, W].
    """
    inside: Mask = ~np.isin(labels, [int(part) for part in background])
    return remove_small(fill_small(inside, max(min_area_px - 1, 0)), min_area_px)


def ripple_mask(
    before: Mask, after: Mask, *, grow_px: float, smear_px: float = 0.0, min_area_px: int = 0
) -> Mask:
    """Mark the ghost: where the person was and no longer is, and what the aligner smears around.

    Args:
        before: person mask of the photo, bool [H, W].
        after: person mask of the edited picture, bool [H, W].
        grow_px: radius of the dilation that takes in the old person's soft border, px.
        smear_px: width of the band around both silhouettes where the inverter's aligner drags
            background along, px; 0 for none.
        min_area_px: uncovered specks of fewer pixels are a parser's slips and stay.

    Returns:
        bool [H, W], outside the new person. Empty if the person did not move and there is no smear.

    Raises:
        ShapeMismatch: the masks differ in size.

    Source: Lim 2022, section 3.3.2. There the masks were palette colours; here they are sets.
    """
    require_same_size(before=before, after=after)
    uncovered = remove_small(before & ~after, min_area_px)
    marked = grow(uncovered, grow_px)
    if smear_px > 0:
        marked = marked | border_band(before, 0, smear_px) | border_band(after, 0, smear_px)
    return marked & ~after


def ripple(
    labels_before: Labels,
    labels_after: Labels,
    *,
    grow_px: float,
    smear_px: float = 0.0,
    min_area_px: int = 0,
    background: Iterable[int] = (Face.BACKGROUND,),
) -> Ripple:
    """Compare the labels of photo and edited picture; arguments as above."""
    require_same_size(labels_before=labels_before, labels_after=labels_after)
    parts = tuple(background)
    before, after = (
        person(labels, background=parts, min_area_px=min_area_px)
        for labels in (labels_before, labels_after)
    )
    mask = ripple_mask(before, after, grow_px=grow_px, smear_px=smear_px, min_area_px=min_area_px)
    return Ripple(mask, before, after)


def run(work: Work, settings: RippleSettings) -> Ripple:
    """Compare the labels of photo and edit."""
    before, after = (work.input(Parsed, f"parse@{of}").labels for of in ("photo", "edit"))
    knobs = settings.grown(before)
    return ripple(
        before,
        after,
        grow_px=knobs.grow_px,
        smear_px=knobs.smear_px,
        min_area_px=knobs.min_area_px,
    )


STAGE = Stage(
    name="ripple",
    help="mark what the edit uncovered or smeared",
    version=1,
    run=run,
    outputs=Ripple,
    settings=RippleSettings,
    edit_inputs=("parse@photo", "parse@edit"),
    shows="ripple",
    edit_title="ripple",
    in_strip=True,
    recipes=(RIPPLE,),
)
