"""A rendered hat made to fit a photographed head, hair and all.

The mean head's hat is stretched until the hair above its edge is inside. What then still stands out
is taken off with it: nobody stands there any more, and the plate is seen.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from unripple.conventions import Face, Floats, Labels, Mask
from unripple.ops.relief import head_axes
from unripple.stages.pixels.look import CloseLook
from unripple.stages.pixels.rendered import RenderedPair, WornLayers, laid

_EDGE = (0.0, -0.40, 0.10)
"""Middle of the hat's edge in the head's frame, y down."""
_SEARCH_PX = 160
_WIDER, _HIGHER = np.arange(0.95, 1.41, 0.05), np.arange(0.90, 1.41, 0.05)
_BESIDE = 0.02
"""Share of the hat's area that hair may stand out without a larger one being tried."""
_MOST_BESIDE = 0.15
_REACH = 1.25  # head units to the side that belong to this head
_MARGIN = 0.05  # head units
_LEAST_INSIDE = 0.96
_SEEN = 0.02
_FULL = 0.5


class Fitted(NamedTuple):
    """A hat on a head.

    Attributes:
        layers: of the hat.
        labels: the face's parts with it, uint8 [S, S].
        why: it does not fit, the end of a sentence; "" where it does.
    """

    layers: WornLayers
    labels: Labels
    why: str = ""


def fitted(look: CloseLook, layers: WornLayers, pair: RenderedPair) -> Fitted:
    """Make a hat fit.

    Args:
        look: the face.
        layers: the hat as it lies on the mean head.
        pair: what it was rendered from.
    """
    face = look.face
    above, anchor = _above_edge(look)
    small = cv2.resize(layers.solid, (_SEARCH_PX,) * 2, interpolation=cv2.INTER_AREA)
    per = _SEARCH_PX / look.picture.shape[0]
    best, least = (1.0, 1.0), np.inf
    stretches = [(wider, higher) for wider in _WIDER for higher in _HIGHER]
    for stretch in sorted(stretches, key=lambda one: one[0] * one[1]):
        hat = cv2.warpAffine(
            small, _stretch(anchor * per, stretch, face.pose.roll_deg), small.shape
        )
        beside = float((above & (hat < _FULL)).sum() / max(float(hat.sum()), 1.0))
        if beside < least:
            best, least = stretch, beside
        if beside <= _BESIDE:
            break
    if least > _MOST_BESIDE:
        why = (
            f"the hair is too full: {100 * least:.0f}% of the hat's size would stand out beside it"
        )
        return Fitted(layers, face.labels, why)
    stretched = _stretch(anchor, best, face.pose.roll_deg)
    affine = (np.vstack((stretched, (0, 0, 1))) @ np.vstack((pair.affine, (0, 0, 1))))[:2]
    found = laid(look, look.light, pair._replace(affine=affine))
    whole = (pair.worn.labels[0].numpy() == Face.HAT).sum() * abs(np.linalg.det(affine[:, :2]))
    if found.solid.sum() < _LEAST_INSIDE * whole:
        return Fitted(
            layers, face.labels, "it would reach beyond the part of the photo around the face"
        )
    return Fitted(found, _labels(look, found.solid, above))


def _above_edge(look: CloseLook) -> tuple[Mask, Floats]:
    """What of this head is above a hat's edge, at the size of the search, and the edge's middle."""
    face = look.face
    at = face.pose.to_picture(np.array([_EDGE]))[0, :2]
    right, down = (axis / face.pose.scale for axis in head_axes(face.pose, _SEARCH_PX, face.size))
    row, column = np.clip((at[::-1] * _SEARCH_PX / face.size).astype(int), 0, _SEARCH_PX - 1)
    share = face.person if face.person_share is None else face.person_share
    person = cv2.resize(share.astype(np.float32), (_SEARCH_PX,) * 2) > _FULL
    # Single hairs stand out farther than any look at the person tells.
    margin = max(1, round(_MARGIN * face.pose.scale * _SEARCH_PX / face.size))
    person = ndimage.binary_dilation(person, iterations=margin)
    beside = np.abs(right - right[row, column]) < _REACH
    above: Mask = person & beside & (down < down[row, column])
    return above, at * look.times


def _stretch(anchor: Floats, by: tuple[float, float], roll_deg: float) -> Floats:
    """Stretching along the head's axes, with the hat's edge where it is: [2, 3]."""
    angle = np.radians(roll_deg)
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = axes @ np.diag(by) @ axes.T
    return np.column_stack((matrix, anchor - matrix @ anchor))


def _labels(look: CloseLook, solid: Floats, above: Mask) -> Labels:
    face = look.face
    hat = cv2.resize(solid, (face.size,) * 2, interpolation=cv2.INTER_AREA) > _SEEN
    off = cv2.resize(above.astype(np.float32), (face.size,) * 2) > _FULL
    labels = np.where(off & ~hat, np.uint8(Face.BACKGROUND), face.labels)
    found: Labels = np.where(hat, np.uint8(Face.HAT), labels)
    return found
