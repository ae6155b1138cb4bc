"""A photograph in layers: the person, cut out softly and moved, over a painted background.

The layers are small pictures of the aligned crop; what they are laid on may be a photograph of any
size, whose own pixels are moved. What the layers say of it is smooth: how far a point moves, how
the person's share follows from a colour, what takes the background out of a colour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Affine, Floats, Mask, Photo, Shares
from unripple.ops.geometry import (
    apply,
    inverse,
    looked_up,
    pixel_centres,
    sample,
    scale_of,
    stretched,
)
from unripple.ops.masks import distance_to, grow
from unripple.ops.matting import alpha_of, guided

BAND_PX = 256
"""Rows that are laid at once: a photograph may have 100 megapixels."""
RIM = 0.02
"""How far beyond the person its border may be seen, sides of the crop: cameras sharpen,
which draws a pale line beside dark hair."""
TRACE = 8
"""Share of the person, of 255, that counts as a trace."""
_FINER_PX = 2  # radius of the windows in which colours tell a photograph's share from the crop's
_SEEN = 4.0  # levels of change from which nothing of the old picture is left
_MOST_CRISP, _NEAR_PX = 3.0, 5  # of magnified outlines, and how far from them, px of the motion
_LEFT = 0.15  # share of the person that must have left for the rim to be painted


class Layers(NamedTuple):
    """What is known of a turn, all in the frame of the aligned crop.

    Attributes:
        picture: the crop before the turn, uint8 [F, F, 3].
        colours: of the person without background, uint8 [F, F, 3].
        alpha: share of the person before the turn, uint8 [F, F].
        cover: how far the turned person may be at a place, uint8 [F, F].
        moving: how far a place takes part in the turn, uint8 [F, F]; at 0 its bytes stay.
        motion: where the turned picture's points lie in the photo, as offsets x and y in sides of
            the crop, [2, s, s].
    """

    picture: Photo
    colours: Photo
    alpha: Shares
    cover: Shares
    moving: Shares
    motion: Floats

    @property
    def active(self) -> tuple[int, int, int, int] | None:
        """The part in which anything may change: top, bottom, left, right; None if nothing may."""
        rim_px = 2 * max(RIM * self.alpha.shape[0], 1.0)
        place = (self.moving > 0) & (grow(self.alpha > 0, rim_px) | (self.cover > 0))
        rows, columns = (np.flatnonzero(place.any(axis)) for axis in (1, 0))
        if not len(rows):
            return None
        # Two px more: what lies between pixels is looked up between them.
        edges = (rows[0] - 2, rows[-1] + 3, columns[0] - 2, columns[-1] + 3)
        top, bottom, left, right = (int(np.clip(at, 0, self.alpha.shape[0])) for at in edges)
        return top, bottom, left, right

    def moved(self, values: Floats) -> Floats:
        """A map of the photo, [F, F], as it lies after the turn."""
        side = self.alpha.shape[0]
        places = pixel_centres(side, side, 0)
        return looked_up(values, places + _offsets(self, places))

    @property
    def alpha_after(self) -> Shares:
        """Share of the person after the turn, uint8 [F, F]."""
        side = self.alpha.shape[0]
        moved = self.moved(self.alpha.astype(np.float32)) / 255
        there = crisp(moved, stretched(self.magnified, side)) * (self.cover / 255)
        # Where less than all takes part in the turn, as beyond a photograph's border, so does it.
        before = self.alpha.astype(np.float32)
        shares = before + self.moving / 255 * (255 * there - before)
        after: Shares = np.rint(shares).astype(np.uint8)
        return after

    @property
    def magnified(self) -> Floats:
        """How much the photo is magnified across the turn, and near there, from 1, [s, s]."""
        side = self.motion.shape[-1]
        motion = self.motion.astype(np.float32) * side
        # How far the origin moves per pixel: less than a pixel is magnified.
        slopes = (np.abs(1 + np.gradient(motion[axis], axis=1 - axis)) for axis in (0, 1))
        factor = 1 / np.clip(np.minimum(*slopes), 1 / _MOST_CRISP, 1)
        # An outline's soft border lies beyond what is stretched, where offsets are constant.
        wide = cv2.dilate(factor, np.ones((_NEAR_PX, _NEAR_PX), np.uint8))
        even: Floats = cv2.blur(wide, (_NEAR_PX, _NEAR_PX)).astype(np.float32)
        return even


def lay(
    photo: Photo,
    transform: Affine,
    layers: Layers,
    plate: Photo,
    window: tuple[int, int, int, int],
    weight: Callable[[int, int], Floats] | None = None,
) -> tuple[Photo, Mask]:
    """Lay the plate over a photograph where the person was, and the moved person over that.

    Where nothing moves, and beyond both cuts, every byte is the photograph's.

    Args:
        photo: uint8 [H, W, 3], in the colours of the layers.
        transform: pixels of the layers -> pixels of the photograph.
        layers: the turn.
        plate: the background without the person, uint8 [F, F, 3].
        window: the part that is laid: top, bottom, left, right.
        weight: (first row, last row) of the window -> how far to go, [rows, w] in [0, 1].

    Returns:
        The window's pixels, and where they may differ from the photograph.
    """
    top, bottom, left, right = window
    picture = photo[top:bottom, left:right].copy()
    touched = np.zeros(picture.shape[:2], np.bool_)
    maps = _maps(layers, plate, finer=scale_of(transform) > 1)
    for row in range(0, bottom - top, BAND_PX):
        band = np.s_[row : min(row + BAND_PX, bottom - top)]
        under = picture[band]
        places = pixel_centres(right - left, len(under), top + row, left)
        share = 1.0 if weight is None else weight(row, row + len(under))
        under[:], touched[band] = _laid(photo, under, places, transform, maps, share)
    return picture, touched


def lay_small(photo: Photo, layers: Layers, plate: Photo) -> tuple[Photo, Mask]:
    """Lay the layers at their own resolution and take what that changes over into a smaller crop.

    Args:
        photo: the crop at another side, uint8 [S, S, 3].
        layers, plate: as for `lay`.

    Returns:
        uint8 [S, S, 3] and bool [S, S], as `lay` gives them.
    """
    size, side = photo.shape[0], layers.alpha.shape[0]
    as_it_is = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    large, touched = lay(layers.picture, as_it_is, layers, plate, (0, side, 0, side))

    def small(values: Floats | Mask | Photo) -> Floats:
        shrunk: Floats = cv2.resize(
            values.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA
        )
        return shrunk

    # By the difference: what did not change has none, and so keeps the crop's bytes.
    changed = small(touched.astype(np.float32)) > 0
    apart = small(large.astype(np.float32) - layers.picture)
    # What both ways of shrinking draw differently, edges above all, goes as the picture changes:
    # it would stay behind as the old outline.
    left = photo - small(layers.picture)
    share = np.clip(np.abs(apart).max(-1) / _SEEN, 0, 1)
    near = cv2.blur(cv2.dilate(share, np.ones((5, 5), np.uint8)), (3, 3))
    picture = photo + apart - near[..., None] * left
    levels = np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
    return np.where(changed[..., None], levels, photo), changed


def crisp(alpha: Floats, magnified: Floats) -> Floats:
    """An outline that was magnified, as soft as it was before.

    Args:
        alpha: share of the person, [...].
        magnified: by how much the place is magnified, from 1, [...].
    """
    sharp: Floats = np.clip((alpha - 0.5) * magnified + 0.5, 0, 1)
    return sharp


class _Maps(NamedTuple):
    layers: Layers
    magnified: Floats  # of the layers' size
    apart: Floats  # what takes the background out of the person's colours
    slope: Floats | None  # how the share follows from the colours; None: it is looked up
    level: Floats | None
    plate: Floats
    hole: Floats  # how far the plate is to be seen


def _maps(layers: Layers, plate: Photo, *, finer: bool) -> _Maps:
    slope = level = None
    if finer:
        guide = layers.picture.astype(np.float32) / 255
        slope, level = guided(guide, layers.alpha.astype(np.float32) / 255, _FINER_PX)
    apart = layers.colours.astype(np.float32) - layers.picture
    hole = plate_share(layers.alpha / 255, layers.alpha_after / 255)
    magnified = stretched(layers.magnified, layers.alpha.shape[0])
    return _Maps(layers, magnified, apart, slope, level, plate.astype(np.float32), hole)


def _laid(
    photo: Photo,
    under: Photo,
    places: Floats,
    transform: Affine,
    maps: _Maps,
    share: float | Floats,
) -> tuple[Photo, Mask]:
    layers = maps.layers
    at = apply(inverse(transform), places)  # px of the layers
    origin = at + _offsets(layers, at)
    seen = sample(photo, apply(transform, origin))
    alpha = crisp(_alpha(maps, seen, origin), looked_up(maps.magnified, at))
    alpha *= looked_up(layers.cover.astype(np.float32), at) / 255
    person = np.clip(seen + looked_up(maps.apart, origin), 0, 255)
    hole = looked_up(maps.hole, at)[..., None]
    below = under.astype(np.float32)
    behind = below + hole * (looked_up(maps.plate, at) - below)
    over = behind + alpha[..., None] * (person - behind)
    moving = (looked_up(layers.moving.astype(np.float32), at) / 255 * share)[..., None]
    changed: Mask = (moving[..., 0] > 0) & ((alpha > 0) | (hole[..., 0] > 0))
    mixed = np.rint(np.clip(below + moving * (over - below), 0, 255)).astype(np.uint8)
    return np.where(changed[..., None], mixed, under), changed


def _alpha(maps: _Maps, seen: Floats, origin: Floats) -> Floats:
    if maps.slope is None or maps.level is None:
        return looked_up(maps.layers.alpha.astype(np.float32), origin) / 255
    return alpha_of(seen / 255, looked_up(maps.slope, origin), looked_up(maps.level, origin))


def plate_share(alpha: Floats, after: Floats) -> Floats:
    """How far the plate must be seen, [F, F] in [0, 1]: under the person's last trace.

    Beside it the photo's own background is better than any painting, unless the person left:
    then a rim of what the cut may have missed goes as well.

    Args:
        alpha, after: share of the person before and after, [F, F].
    """
    rim_px = max(RIM * alpha.shape[0], 1.0)
    trace = alpha > TRACE / 255
    if not trace.any():
        return np.zeros(alpha.shape, np.float32)
    # In full as far as cameras draw an outline, and not much farther: backgrounds keep their bytes.
    rim = np.clip(3 - 2 * distance_to(trace) / rim_px, 0, 1)
    left = grow(alpha - after > _LEFT, 2 * rim_px).astype(np.float32)
    near = cv2.GaussianBlur(left, (0, 0), rim_px)
    share: Floats = np.maximum(np.clip(10 * alpha, 0, 1), rim * near).astype(np.float32)
    return share


def _offsets(layers: Layers, places: Floats) -> Floats:
    """How far from places of the layers their origins are, px of the layers."""
    side, motion = layers.alpha.shape[0], layers.motion
    looked = looked_up(
        np.moveaxis(motion.astype(np.float32), 0, -1), places * (motion.shape[-1] / side)
    )
    offsets: Floats = looked * side
    return offsets
