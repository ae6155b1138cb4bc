"""Tell what somebody edited from what an editor did to the whole picture by redrawing it.

Source: own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.masks import grow, require_same_size

_BLURS_PX = (0.0, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 1.8, 2.2, 2.7, 3.3, 4.5, 6.0)
_LOW_PASS_PX = 1.0  # below this, noise and recompression speak
_REGISTRATION_PX = 0.35  # an edge may lie so far off in a picture that is in register
_CLEAR, _SLIGHT = 4.5, 2.5  # times what is explained
_VISIBLE = 5.0  # levels: nobody sees less, and no edit is meant to be so little


class Expected(NamedTuple):
    """The photograph as the editor would have given it back without an edit.

    Attributes:
        picture: the photograph, as soft as the edited picture, float32 [H, W, 3].
        blur_px: usual deviation of the Gaussian that made it so.
        noise: usual difference from it where nothing was edited, levels of 255.
    """

    picture: Floats
    blur_px: float
    noise: float


def expected(photo: Photo, edited: Floats, votes: Mask) -> Expected:
    """Soften a photograph as an editor's redrawing did, here more and there less.

    Some editors blur the background alone; how much is decided in neighbourhoods.

    Args:
        photo: uint8 [H, W, 3].
        edited: in register and in the photograph's colours, float32 [H, W, 3].
        votes: where probably nothing was edited, bool [H, W].
    """
    require_same_size(photo=photo, edited=edited, votes=votes)
    if not votes.any():
        votes = np.ones_like(votes)
    sharp = photo.astype(np.float32)
    reach_px = max(4.0, max(photo.shape[:2]) / 32)
    least = np.full(votes.shape, np.inf, np.float32)
    picture, blurs = sharp.copy(), np.zeros(votes.shape, np.float32)
    for blur in _BLURS_PX:
        soft = cv2.GaussianBlur(sharp, (0, 0), blur) if blur else sharp
        error = cv2.GaussianBlur(np.abs(soft - edited).max(2), (0, 0), reach_px)
        better = error < least
        least[better], blurs[better] = error[better], blur
        picture[better] = soft[better]
    low = np.abs(_low(picture) - _low(edited)).max(2)
    noise = float(np.median(low[votes]))
    return Expected(picture, float(np.median(blurs[votes])), max(noise, 0.5))


def _low(picture: Floats) -> Floats:
    return cv2.GaussianBlur(picture, (0, 0), _LOW_PASS_PX)


def changed(photo: Photo, edited: Floats, what: Expected, *, grow_px: float) -> Mask:
    """Where a picture differs from its photograph by more than a redrawing explains.

    Explained are noise, an edge that lies a third of a pixel off, and sharpness that was lost.
    Pixels with a clear difference count, together with what differs a little around them.

    Args:
        photo: uint8 [H, W, 3].
        edited: in register and in the photograph's colours, float32 [H, W, 3].
        what: see `expected`.
        grow_px: the mask is larger by so much, for an edit fades out.

    Returns:
        bool [H, W].

    Raises:
        ShapeMismatch: the pictures differ in size.
    """
    require_same_size(photo=photo, edited=edited)
    soft = _low(what.picture)
    difference = np.abs(_low(edited) - soft).max(2)
    slope = np.hypot(
        *(cv2.Sobel(soft, cv2.CV_32F, *d, scale=0.125).max(2) for d in ((1, 0), (0, 1)))
    )
    lost = np.abs(photo.astype(np.float32) - what.picture).max(2)
    explained = what.noise + _REGISTRATION_PX * slope + 0.5 * cv2.blur(lost, (5, 5))
    size = difference / explained
    clear = (size > _CLEAR) & (difference > _VISIBLE)
    # A speck is noise however clear it is.
    clear = cv2.morphologyEx(clear.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2))) > 0
    _, names = cv2.connectedComponents(((size > _SLIGHT) | clear).astype(np.uint8), connectivity=8)
    edits = np.unique(names[clear & (names > 0)])
    # Within an edit some pixels come out as they were; they are part of it.
    mask = np.isin(names, edits).astype(np.uint8)
    whole: Mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5))) > 0
    return grow(whole, grow_px)


def filled_within(changed_there: Mask, inside: Mask, *, reach_px: float) -> Mask:
    """Close a mask of changes inside a person: flat skin that moved looks as if it had stayed.

    Gaps up to twice the reach are closed, and holes that the changes surround; where most of a
    connected part of the person changed, all of that part did.

    Args:
        changed_there: bool [H, W].
        inside: the person, before or after, or a part of it, bool [H, W].
        reach_px: see above.

    Returns:
        bool [H, W]; outside the person the mask as it was.

    Raises:
        ShapeMismatch: the masks differ in size.
    """
    require_same_size(changed=changed_there, inside=inside)
    within = changed_there & inside
    near = ~grow(~grow(within, reach_px), reach_px) & inside
    unchanged = (inside & ~near).astype(np.uint8)
    _, names, stats, _ = cv2.connectedComponentsWithStats(unchanged, connectivity=4)
    # A hole is unchanged ground that nowhere reaches the border of the person.
    rim = grow(~inside, 1.5)
    open_ones = np.unique(names[rim & (unchanged > 0)])
    enclosed = (unchanged > 0) & ~np.isin(names, open_ones)
    small = stats[:, cv2.CC_STAT_AREA] < np.pi * (3 * reach_px) ** 2
    near |= enclosed & small[names]
    return changed_there | near
