"""How much of every pixel is the person, and in which colours: a soft cut at fine resolution.

A net sees the person on a coarse grid; the photo's own edges say where hair ends. GrabCut moves
the coarse border to them, and a guided filter softens it: it makes the share locally an affine
function of the colours. Those functions are smooth, so a small picture's serve a photograph of any
size.

Source: Rother, Kolmogorov, Blake 2004, "GrabCut"; He, Sun, Tang 2010, "Guided image filtering", and
He, Sun 2015, "Fast guided filter" (arXiv:1505.00996); Forte 2021, "Approximate fast foreground
colour estimation" (arXiv:2006.14970), for the colours.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.masks import distance_to, grow, require_same_size, shrink

REACH = 0.016
"""Radius of the guided filter, in sides of the picture: about a fringe of hair."""
EVENNESS = 2e-5
"""Variance of colours, of 1, below which the picture says nothing: the share is smoothed there."""
CUT_PX = 256
"""Side at which GrabCut works: beyond it takes seconds and finds the same border."""
_CUT_ROUNDS = 3
_SURE, _PERHAPS = 0.9, 0.1  # shares of the coarse look: above is the person, below is not
_LEFT_OVER = 0.04  # a filter never quite gets to 0 and 1
_COLOUR_REACH = (0.10, 0.012)  # sides of the picture: colours from afar first, then near ones


class Matte(NamedTuple):
    """A soft cut.

    Attributes:
        alpha: share of the person, float32 [S, S] in [0, 1].
        colours: of the person alone, without background, uint8 [S, S, 3].
    """

    alpha: Floats
    colours: Photo


def matte(picture: Photo, share: Floats, *, doubt: float, sure: Mask | None = None) -> Matte:
    """Cut a person out softly.

    Args:
        picture: uint8 [S, S, 3].
        share: of the person by a coarser look, float [S, S] in [0, 1].
        doubt: how far that look may miss the border, sides of the picture.
        sure: what is known to be the person, bool [S, S].

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(picture=picture, share=share)
    guide = picture.astype(np.float32) / 255
    found = cut(picture, share, doubt=doubt, sure=sure)
    radius = max(round(REACH * picture.shape[0]), 1)
    alpha = alpha_of(guide, *guided(guide, found, radius))
    # Colours that a background has as well make no holes deep inside a person.
    inner = distance_to(found < 0.5) / radius - 1
    alpha = np.maximum(alpha, np.clip(inner, 0, 1)).astype(np.float32)
    colours = np.rint(255 * foreground_colours(guide, alpha)).astype(np.uint8)
    return Matte(alpha, colours)


def cut(picture: Photo, share: Floats, *, doubt: float, sure: Mask | None = None) -> Floats:
    """Move the border of a coarse share to the picture's edges, float32 [S, S]; see `matte`."""
    side = picture.shape[0]
    small = min(side, CUT_PX)
    seen = cv2.resize(share.astype(np.float32), (small, small), interpolation=cv2.INTER_AREA)
    person, beside = seen > _SURE, seen < _PERHAPS
    if not person.any() or not beside.any():
        return share.astype(np.float32)
    reach_px = doubt * small
    labels = np.where(seen > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[shrink(person, reach_px)] = cv2.GC_FGD
    labels[~grow(~beside, reach_px)] = cv2.GC_BGD
    if sure is not None:
        known = cv2.resize(sure.astype(np.uint8), (small, small), interpolation=cv2.INTER_AREA)
        labels[known > 0] = cv2.GC_FGD
    looked = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    colours = np.zeros((1, 65)), np.zeros((1, 65))  # of person and background, filled in by OpenCV
    cv2.setRNGSeed(0)  # it clusters colours from random beginnings
    cv2.grabCut(looked, labels, None, *colours, _CUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    kept = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.float32)
    large: Floats = cv2.resize(kept, (side, side), interpolation=cv2.INTER_LINEAR)
    return large


def alpha_of(colours: Floats, slope: Floats, level: Floats) -> Floats:
    """The share of the person in pixels of these colours, of 1, by what `guided` fitted there."""
    raw = (slope * colours).sum(-1) + level
    alpha: Floats = np.clip((raw - _LEFT_OVER) / (1 - 2 * _LEFT_OVER), 0, 1)
    return alpha


def guided(guide: Floats, share: Floats, radius: int) -> tuple[Floats, Floats]:
    """Fit a share by affine functions of the colours in every window, and take their mean.

    Args:
        guide: float32 [S, S, 3] of 1.
        share: float32 [S, S].
        radius: of the square windows, px.

    Returns:
        Slopes [S, S, 3] and levels [S, S].
    """

    def mean(values: Floats) -> Floats:
        size = (2 * radius + 1,) * 2
        blurred: Floats = cv2.blur(values, size, borderType=cv2.BORDER_REFLECT)
        return blurred

    mean_guide, mean_share = mean(guide), mean(share)
    with_share = mean(guide * share[..., None]) - mean_guide * mean_share[..., None]
    # The covariance of each window's colours is a symmetric 3 x 3 matrix; its adjugate inverts it.
    r, g, b = np.moveaxis(guide, -1, 0)
    mean_r, mean_g, mean_b = np.moveaxis(mean_guide, -1, 0)
    rr, gg, bb = (
        mean(one * one) - of * of + EVENNESS for one, of in ((r, mean_r), (g, mean_g), (b, mean_b))
    )
    rg, rb, gb = (
        mean(r * g) - mean_r * mean_g,
        mean(r * b) - mean_r * mean_b,
        mean(g * b) - mean_g * mean_b,
    )
    rows = (
        (gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg),
        (rb * gb - rg * bb, rr * bb - rb * rb, rb * rg - rr * gb),
        (rg * gb - rb * gg, rb * rg - rr * gb, rr * gg - rg * rg),
    )
    size = rr * rows[0][0] + rg * rows[0][1] + rb * rows[0][2]
    slope = np.stack(
        [sum(part * with_share[..., k] for k, part in enumerate(row)) / size for row in rows], -1
    ).astype(np.float32)
    level = mean_share - (slope * mean_guide).sum(-1)
    return mean(slope), mean(level)


def foreground_colours(picture: Floats, alpha: Floats) -> Floats:
    """What the person's pixels would be without the background that shines through.

    Args:
        picture: float32 [S, S, 3] of 1.
        alpha: [S, S].

    Returns:
        float32 [S, S, 3] of 1; the picture's own where the person covers all.
    """
    near, far = picture, picture
    share = alpha[..., None]
    for reach in _COLOUR_REACH:
        size = (2 * max(round(reach * picture.shape[0]), 1) + 1,) * 2
        weight = cv2.blur(alpha, size)[..., None]
        mean_near = cv2.blur(near * share, size) / (weight + 1e-5)
        mean_far = cv2.blur(far * (1 - share), size) / (1 - weight + 1e-5)
        # What the two means leave unexplained is the pixel's own; the person has a share in it.
        left = picture - share * mean_near - (1 - share) * mean_far
        near, far = np.clip(mean_near + share * left, 0, 1), mean_far
    own: Floats = np.where(share >= 1, picture, near)
    return own
