"""Putting one picture over another without touching what does not change."""

from __future__ import annotations

import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.masks import require_same_size


def blend(under: Photo, over: Photo | Floats, weight: Floats) -> Photo:
    """Lay `over` on `under`.

    Where the weight is 0, and where both pictures agree, the bytes of `under` stay. Where it is 1,
    they become those of `over`.

    Args:
        under: uint8 [H, W, 3].
        over: [H, W, 3] in 0 .. 255, bytes or floats (a resampled picture, not rounded yet).
        weight: share of `over`, float [H, W] in [0, 1].

    Returns:
        uint8 [H, W, 3], rounded to the nearest level.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(under=under, over=over, weight=weight)
    below = under.astype(np.float32)
    mixed = below + weight[..., None] * (over.astype(np.float32) - below)
    levels: Photo = np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)
    return levels


def either_or(foreground: Photo, background: Photo, mask: Mask) -> Photo:
    """Join two pictures by a bitwise OR of bytes, each black where the other one stands.

    The sources let the two overlap, and an OR of two colours is a third one; here the background
    is blackened under the foreground first, which makes the OR a clean choice.

    Source: Lim 2022, composite of foreground and inpainted background.
    """
    require_same_size(foreground=foreground, background=background, mask=mask)
    inside = mask[..., None]
    near: Photo = np.where(inside, foreground, np.uint8(0))
    far: Photo = np.where(inside, np.uint8(0), background)
    return near | far
