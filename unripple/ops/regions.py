"""Which parts of a face an edit of one attribute may change.

Source: valentingol/gan-face-editing (MIT), pipeline/utils/segmentation; the seven parts and the
rules of `RULES` up to `Ch` are its own, the rest are ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from unripple.conventions import Face, Labels, Mask

STATED_SIDE_PX = 512
"""Side of the picture for which the lengths of `RULES` are stated."""


class Part(IntEnum):
    """The parts of a face as far as edits of single attributes go."""

    BACKGROUND = 0
    EYES = 1
    NOSE = 2
    MOUTH = 3
    HAIR = 4
    CLOTHES = 5
    REST = 6


PART_OF: npt.NDArray[np.uint8] = np.full(len(Face), Part.REST, np.uint8)
"""`Part` of every `Face`, uint8 [19]."""
PART_OF[Face.BACKGROUND] = Part.BACKGROUND
PART_OF[[Face.LEFT_EYE, Face.RIGHT_EYE, Face.GLASSES]] = Part.EYES
PART_OF[Face.NOSE] = Part.NOSE
PART_OF[[Face.MOUTH, Face.UPPER_LIP, Face.LOWER_LIP]] = Part.MOUTH
PART_OF[Face.HAIR] = Part.HAIR
PART_OF[[Face.CLOTH, Face.HAT]] = Part.CLOTHES


class Rule(NamedTuple):
    """Where an edit of an attribute may change a picture.

    Attributes:
        part: the part that changes; None for everything but the background.
        grow_px: how far the change reaches beyond the part, sideways, up and down (a box), px.
        down_px: how far down the region is moved then, px.
    """

    part: Part | None
    grow_px: int = 0
    down_px: int = 0


_PERSON, _HAIR, _NOSE = Rule(None), Rule(Part.HAIR), Rule(Part.NOSE)

RULES: Mapping[str, Rule] = {
    "Sk": _PERSON,
    "A": _PERSON,
    "Se": _PERSON,
    "Ch": _PERSON,
    "B": _HAIR,
    "Hc": _HAIR,
    "Hs": _HAIR,
    "Pn": _NOSE,
    "Bn": _NOSE,
    "N": Rule(Part.EYES, grow_px=2),
    # Bags lie under the eyes. The source's comment says 10 rows, its code moves 30.
    "Be": Rule(Part.EYES, grow_px=8, down_px=30),
    "Bp": Rule(Part.MOUTH),
    "Gl": Rule(Part.EYES, grow_px=12),
    "Sm": Rule(Part.MOUTH, grow_px=40),
    "Bd": _PERSON,
}
"""Rule of each attribute. One that has none is not held by segmentation."""


def parts_of(labels: Labels, part_of: npt.NDArray[Any] = PART_OF) -> Labels:
    """Merge the 19 labels of `Face` into the seven of `Part`, uint8 [H, W]."""
    return part_of[labels].astype(np.uint8)


def changing(parts: Labels, rule: Rule, *, scale: float = 1.0) -> Mask:
    """Mark what an edit may change in one picture.

    Args:
        parts: uint8 [H, W] of `Part`.
        rule: the attribute's; its lengths are rounded up to whole pixels.
        scale: pixels per pixel of `STATED_SIDE_PX`.

    Returns:
        bool [H, W].
    """
    if rule.part is None:
        return parts != Part.BACKGROUND
    region = (parts == rule.part).astype(np.uint8)
    grow, down = (math.ceil(length * scale - 1e-9) for length in (rule.grow_px, rule.down_px))
    if grow:
        region = cv2.dilate(region, np.ones((2 * grow + 1, 2 * grow + 1), np.uint8))
    if down:
        moved = np.zeros_like(region)
        moved[down:] = region[:-down]  # nothing is left of a region moved by the whole height
        region = moved
    return region.astype(np.bool_)


def changing_in_either(parts: Iterable[Labels], rule: Rule, *, scale: float = 1.0) -> Mask:
    """Mark what the edit may change in the photo or in the edited picture, bool [H, W]."""
    return np.logical_or.reduce([changing(one, rule, scale=scale) for one in parts])


def clothes_in_front(parts: Labels) -> Mask:
    """Clothes and hats in the upper half of the picture, which no edit may paint over."""
    front: Mask = parts == Part.CLOTHES
    front[parts.shape[0] // 2 :] = False
    return front
