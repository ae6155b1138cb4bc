"""The background behind a person at a photograph's own resolution, from a smaller painting of it.

Near the hole's border the background's own structure goes on; the painting, which is coarser,
begins behind that.
"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo, Shares
from unripple.ops.geometry import looked_up, pixel_centres, sample
from unripple.ops.layers import RIM, TRACE
from unripple.ops.masks import distance_to, grow, signed_distance
from unripple.ops.membrane import membrane

_STEADY = 0.02  # what counts as smooth in a border, sides of the crop
_STEP = 0.02  # how far before a hole's border is looked at once for what crosses it, sides
_RISE = 6.0  # levels by which light may change on its way into a hole
_MIRRORED = 0.1  # how far in a hole shows its border's mirror image, sides of the crop
_LOOKS = 6  # along a border's normal, which give the means of what stands before it
_MOSTLY = 0.6  # share of these that must be known
_USUAL = 4.0  # times the median: what stands out from a background's structure


def fine_plate(picture: Photo, plate: Photo, alpha: Shares) -> Photo:
    """A plate at the layers' resolution, which joins the picture's own background without a step.

    Near the hole's border the background's own structure goes on, mirrored; the painting, which is
    coarser, begins behind that.

    Args:
        picture: the crop, uint8 [F, F, 3].
        plate: the background as it was painted, smaller, uint8 [S, S, 3].
        alpha: share of the person, uint8 [F, F].

    Returns:
        uint8 [F, F, 3]; beyond the person's rim the picture itself.
    """
    side = picture.shape[0]
    painted = cv2.resize(plate, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    known = ~grow(alpha > TRACE, 2 * max(RIM * side, 1.0))
    # What the painting is off by where the truth is known, carried smoothly into the hole.
    off = membrane(picture.astype(np.float32) - painted, known)
    continued = mirrored(picture, known, painted + off)
    fine = np.rint(np.clip(continued, 0, 255)).astype(np.uint8)
    joined: Photo = np.where(known[..., None], picture, fine)
    return joined


def mirrored(picture: Photo, known: Mask, painted: Floats) -> Floats:
    """Continue a picture into a hole by its own mirror image, as far as one reaches.

    What crosses the hole's border, as the stripes of a flag do, goes straight on, and so does light
    on a wall; what is finer is mirrored there, so that neither colours nor grain have a step. What
    stands on the other side of the hole has no say: it would be seen as a halo.

    Args:
        picture: uint8 [F, F, 3].
        known: where it shows the background, bool [F, F].
        painted: what lies deeper in the hole, float32 [F, F, 3].
    """
    side = picture.shape[0]
    if known.all() or not known.any():
        return painted
    depth, slope = _into(known)
    here, inside = pixel_centres(side, side, 0), np.maximum(depth, 0)[..., None]
    border, places = here - inside * slope, here - 2 * inside * slope
    where, own = known.astype(np.float32), membrane(picture.astype(np.float32), known)
    step = max(_STEP * side, 1.0)

    def means(first: float) -> tuple[Floats, Floats]:
        return _across(own, where, border, slope, first * step, (first + 1) * step)

    near, shown = means(0)
    # Light on a wall goes on as it changes towards the border, evened out and not for ever; the
    # last step before it is left out, where cameras draw pale lines beside dark hair.
    (middle, _), (far, beyond) = means(1), means(4)
    rise = np.where(beyond > _MOSTLY, (middle - far).mean(axis=-1), 0) / (3 * step)
    even = cv2.GaussianBlur(rise.astype(np.float32), (0, 0), 2 * step)[..., None]
    base, image = (
        near + np.clip(even * (way + step / 2), -_RISE, _RISE) for way in (inside, -inside)
    )
    taken = known & (depth > -_MIRRORED * side)
    finer = _without_lines(sample(own, places) - image, taken)
    # Nothing is continued from where the direction, which is smoothed, leads into the hole; gaps
    # that this leaves are closed smoothly, and what is behind them is left to the painting.
    told = known | ((looked_up(where, places) > 0.99) & (shown > _MOSTLY))
    whole = membrane(np.where(known[..., None], own, base + finer), told)
    seen = np.clip(2 - distance_to(told) / step, 0, 1)
    reached = np.clip(2 - depth / (_MIRRORED * side), 0, 1) * seen
    share = cv2.GaussianBlur(reached.astype(np.float32), (0, 0), step / 2)[..., None]
    continued: Floats = painted + share * (whole - painted)
    return continued


def _into(known: Mask) -> tuple[Floats, Floats]:
    """How deep in the hole every pixel is, px, less than 0 outside, and the way deeper, [F, F, 2].

    The border's own steps would scatter what is mirrored at it, so both are those of a smoothed
    distance.
    """
    steady = max(_STEADY * known.shape[0], 1.0)
    depth = cv2.GaussianBlur(signed_distance(~known), (0, 0), steady)
    slope = np.stack(np.gradient(depth)[::-1], axis=-1)
    slope /= np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-6)
    return depth, slope


def _across(
    own: Floats, known: Floats, border: Floats, slope: Floats, first: float, last: float
) -> tuple[Floats, Floats]:
    """What stands before a border, as means along its normals: only what crosses it is left.

    Args:
        own: the picture, [F, F, 3].
        known: where it is known, [F, F].
        border: the place of the border that belongs to every pixel, px, [F, F, 2].
        slope: its normal there, towards the hole, [F, F, 2].
        first, last: how far before the border is looked, px.

    Returns:
        The means, [F, F, 3], and the share of them that is known, [F, F].
    """
    total, weight = np.zeros_like(own), np.zeros_like(known)
    for away in np.linspace(first, last, _LOOKS):
        at = border - away * slope
        share = looked_up(known, at)
        total += share[..., None] * looked_up(own, at)
        weight += share
    return total / np.maximum(weight, 1e-3)[..., None], weight / _LOOKS


def _without_lines(structure: Floats, near: Mask) -> Floats:
    """Structure that may be mirrored at a border: grain, leaves, no edge of a window along it.

    A mirrored line bends into an arc along the head, which tells everybody where it was.

    Args:
        structure: what differs from those means, [F, F, 3].
        near: where its usual strength is seen, bool [F, F].
    """
    strength = np.abs(structure).max(axis=-1)[near]
    if not strength.size:
        return structure
    limit = _USUAL * float(np.median(strength))
    found: Floats = np.clip(structure, -limit, limit)
    return found
