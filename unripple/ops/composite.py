"""Putting one picture over another without touching what does not change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.masks import require_same_size, signed_distance


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
    # In this form: equal pictures give exactly `under`, and weight 0 as well.
    mixed = below + weight[..., None] * (over.astype(np.float32) - below)
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


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


_NEAREST = 30.0
"""How sharply nearness decides between faces: 0.3 and 0.4 sides of a crop away, the nearer one
has 0.89 of the colour."""


class EditedFace(NamedTuple):
    """A picture in which one face was edited.

    Attributes:
        load: gives the whole picture, uint8 [H, W, 3], and where it may differ from the
            photograph, bool [H, W].
        centre: of the face's crop in the photograph, px.
        reach_px: side of its crop there.
    """

    load: Callable[[], tuple[Photo, Mask]]
    centre: Floats
    reach_px: float


def join(faces: Sequence[EditedFace]) -> tuple[Photo, Mask]:
    """Put pictures of one photograph, each with another face edited, into one.

    What one of them changed alone has its bytes, what none changed those of the photograph. Where
    several changed a pixel, the nearer face (in sides of its crop) decides, and each fades out to
    where its own change ends. Pictures are loaded one by one: a photograph may be large.

    Args:
        faces: at least one.

    Returns:
        The picture, and where it may differ from the photograph.
    """
    picture, changed = faces[0].load()
    joint = picture.copy()
    times = changed.astype(np.uint16)
    for face in faces[1:]:
        picture, changed = face.load()
        require_same_size(first=joint, face=picture, changed=changed)
        # Who changed a pixel alone is simply copied; the few that several changed are redone below.
        joint[changed] = picture[changed]
        times += changed
    rows, columns = np.nonzero(times > 1)
    if len(rows):
        colours, shares = np.zeros((len(rows), 3)), np.zeros(len(rows))
        for face in faces:
            picture, changed = face.load()
            share = _share(changed, face, rows, columns)
            colours += share[:, None] * picture[rows, columns]
            shares += share
        joint[rows, columns] = np.rint(colours / shares[:, None]).astype(np.uint8)
    return joint, times > 0


def _share(changed: Mask, face: EditedFace, rows: NDArray[Any], columns: NDArray[Any]) -> Floats:
    """What a face contributes to pixels that others changed, too; 0 where it did not."""
    # 0 at the border of one's change, so that its edge never shows; then by nearness.
    depth = np.clip(signed_distance(changed)[rows, columns], 0, face.reach_px)
    places = np.stack((columns, rows), axis=-1) + 0.5
    distance = np.linalg.norm(places - face.centre, axis=-1) / face.reach_px
    return depth * np.exp(-_NEAREST * np.minimum(distance, 2.0) ** 2)
