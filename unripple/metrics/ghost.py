"""How much of the old person still shines through, and whether the true background is back.

All of these compare fine structure (`regions.fine`): a ghost is seen by its contours and locks,
whatever its brightness. nan means undefined: the region has fewer than 24 pixels, or one of the two
sources has no fine structure there, or the two cannot be distinguished.
"""

from __future__ import annotations

import math

import numpy as np

from unripple.conventions import Mask, Photo
from unripple.metrics.regions import MIN_PIXELS, disoccluded, fine, rms, same_size, within

FAINT = 0.25  # rms in levels: below this there is only the rounding of bytes
ALIKE = 0.999  # correlation above which two sources are one
APART = 12  # levels: neck and clothes differ by less, in the shadow of a head that turns
APART_REACH_PX = 4.0  # around pixels that differ
RING_PX = 15.0  # width of the ring that stands in for the true texture
RING_MARGIN_PX = 5.0  # its distance from both silhouettes


def shares(result: Photo, old: Photo, true: Photo, region: Mask) -> tuple[float, float]:
    """Least squares over a region of h(result) = a h(old) + b h(true), channels together.

    Returns:
        a and b. When `true` has no fine structure there, b is nan and a is fitted alone, and the
        other way round. Both are nan when the region is too small or old and true look alike.
    """
    same_size(result, old, true, region)
    if region.sum() < MIN_PIXELS:
        return math.nan, math.nan
    result_fine, old_fine, true_fine = (
        fine(picture)[region].ravel().astype(np.float64) for picture in (result, old, true)
    )
    # Without structure in a source its share is anything: the fit would explain noise by noise.
    if rms(old_fine) < FAINT and rms(true_fine) < FAINT:
        return math.nan, math.nan
    if rms(true_fine) < FAINT:
        return float(result_fine @ old_fine / (old_fine @ old_fine)), math.nan
    if rms(old_fine) < FAINT:
        return math.nan, float(result_fine @ true_fine / (true_fine @ true_fine))
    # Nearly parallel sources make the normal equations singular: any split fits as well.
    if abs(old_fine @ true_fine) > ALIKE * np.linalg.norm(old_fine) * np.linalg.norm(true_fine):
        return math.nan, math.nan
    # Both at once: a new texture that happens to correlate with the old one is no ghost.
    sources = np.stack((old_fine, true_fine), axis=1)
    old_share, true_share = np.linalg.solve(sources.T @ sources, sources.T @ result_fine)
    return float(old_share), float(true_share)


def ghost_transmission(
    result: Photo, photo: Photo, plate: Photo, before: Mask, after: Mask
) -> float:
    """Share of the old person's structure left where the person no longer is. Perfect: 0.

    Args:
        result: the edited picture, uint8 [H, W, 3].
        photo: the picture before the edit.
        plate: the background without the person, true or estimated.
        before, after: person masks, bool [H, W].

    Returns:
        alpha; a ghost of 5% reads about 0.05, and a blurry fill reads 0 as well, so read it beside
        `texture_return`.
    """
    return outer_shares(result, photo, plate, before, after)[0]


def texture_return(result: Photo, photo: Photo, plate: Photo, before: Mask, after: Mask) -> float:
    """Share of the true background's structure that is back there. Perfect: 1, a blur: near 0.

    Arguments as for `ghost_transmission`; the plate must be the true one.
    """
    return outer_shares(result, photo, plate, before, after)[1]


def outer_shares(
    result: Photo, photo: Photo, plate: Photo, before: Mask, after: Mask
) -> tuple[float, float]:
    """`ghost_transmission` and `texture_return`, which come of one fit."""
    return shares(result, photo, plate, disoccluded(before, after))


def inner_ghost(
    result: Photo, photo: Photo, counterfactual: Photo, before: Mask, after: Mask
) -> float:
    """Share of the old face's structure left inside the new one. Perfect: 0.

    Old eyes and nose that shine through the new ones: no ripple mask can remove them. Only pixels
    where the two true pictures differ count. A jumper that stays where it is looks like both: drawn
    sharply beside a soft face, it would read as a ghost.

    Args:
        result, photo, before, after: as for `ghost_transmission`.
        counterfactual: the true picture of the edit.
    """
    return inner_shares(result, photo, counterfactual, before, after)[0]


def inner_return(
    result: Photo, photo: Photo, counterfactual: Photo, before: Mask, after: Mask
) -> float:
    """Share of the true new face's structure inside the new face. Perfect: 1.

    Of the same pixels as `inner_ghost`.
    """
    return inner_shares(result, photo, counterfactual, before, after)[1]


def inner_shares(
    result: Photo, photo: Photo, counterfactual: Photo, before: Mask, after: Mask
) -> tuple[float, float]:
    """`inner_ghost` and `inner_return`, which come of one fit."""
    return shares(result, photo, counterfactual, _moved(photo, counterfactual, before, after))


def _moved(photo: Photo, counterfactual: Photo, before: Mask, after: Mask) -> Mask:
    """Where the person is in both pictures and they differ."""
    same_size(photo, counterfactual, before, after)
    # Signed: a difference of bytes would wrap around.
    apart = np.abs(photo.astype(np.int16) - counterfactual).max(axis=2) > APART
    return before & after & within(apart, APART_REACH_PX)


def texture_energy(
    result: Photo, photo: Photo, plate: Photo | None, before: Mask, after: Mask
) -> float:
    """Strength of the structure in the filled place over the true one's. Perfect: 1, a blur: 0.

    `texture_return` asks for the very texture, this asks for as much of it.

    Args:
        result, photo, before, after: as for `ghost_transmission`.
        plate: the true background; None takes the photo's structure in a ring around the place.

    Returns:
        Ratio of the rms; nan when the place or the ring is too small or without structure.
    """
    place = disoccluded(before, after)
    reference = place if plate is not None else ring_around(place, before | after)
    if min(place.sum(), reference.sum()) < MIN_PIXELS:
        return math.nan
    expected = rms(fine(photo if plate is None else plate)[reference])
    # A ratio to next to nothing says nothing about the fill.
    return rms(fine(result)[place]) / expected if expected >= FAINT else math.nan


def ring_around(place: Mask, persons: Mask) -> Mask:
    """Background close to a place: within 15 px of it, but 5 px away from both silhouettes."""
    return within(place, RING_PX) & ~within(persons, RING_MARGIN_PX)
