"""mix: bring back from the photo what an edit of one characteristic is not about.

Three mix-ups, each a picture from two: by a drawn domain, by the parts of the face, by depth. What
is far from all that the edit may change keeps the photo's bytes. A fourth, ours, brings the photo's
details back into what lies within.

The source cuts off what is after the point when it saves the second and the third; here all are
rounded: that keeps mixed pictures from darkening, and a byte that both pictures share stays.
"""

from __future__ import annotations

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
    mixed: Photo = mixing.mixed(photo, edited, mixing.ramp(distance, margin_px))
    return mixed


def mix_segmentation(
    photo: Photo,
    edited: Photo,
    labels_before: Labels,
    labels_after: Labels,
    *,
    carac: str,
    margin_px: float,
    front_px: float,
) -> Photo:
    """Keep the edit where its characteristic is, in the photo or in the edit.

    Args:
        photo, edited: uint8 [S, S, 3].
        labels_before, labels_after: their parts, uint8 [S, S] of `Face`.
        carac: the characteristic, a word of `ops.regions.RULES`; for any other one, only clothes
            and hats in the upper half come back from the photo.
        margin_px: how far from what may change only the photo is left.
        front_px: how deep within those clothes only the photo is left.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(photo=photo, edited=edited, before=labels_before, after=labels_after)
    parts = [parts_of(labels) for labels in (labels_before, labels_after)]
    rule, change = RULES.get(carac), None
    if rule is not None:
        change = changing_in_either(parts, rule, scale=photo.shape[0] / STATED_SIDE_PX)
    shares = mixing.segmentation_shares(
        change, clothes_in_front(parts[0]), margin_px=margin_px, front_px=front_px
    )
    mixed: Photo = mixing.mixed(photo, edited, *shares)
    return mixed


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
    mixed: Photo = mixing.background_mixed(photo, edited, near | near_after, coef=coef)
    return mixed
