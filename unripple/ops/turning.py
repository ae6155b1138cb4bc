"""A head turned by geometry: where every pixel of the turned picture lies in the photo.

The photo's own pixels are moved, so what is shown stays as sharp as the photo. What the photo does
not show (the far cheek) is stretched from its rim.

Source: own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from unripple.conventions import Floats, Mask
from unripple.ops.head import Head, HeadPose
from unripple.ops.masks import HALF_PX, distance_to
from unripple.ops.relief import deepened, head_axes, relief, smoothstep

WIDEN = 0.8
"""How much of its width the outline keeps. A head is deeper than wide, so when it turns, its back
comes up beside the rim; a relief alone would shrink, and uncover what a real turn does not."""
PROFILE_DEG, MOST_BACK_DEG, LEAST_DEG = 30.0, 20.0, 5.0
"""A head that looks farther to the side than this is turned back to the front by so much at most,
and by three quarters of a degree less with every degree, but by the least all the same. By more its
nose becomes a bulge on photographs: what lies behind it is in none of their pixels."""
_LESS_BACK = 0.75
ASIDE_DEG = 55.0
"""No head is turned to look farther to the side than this: its nose would lie on its cheek."""
FADE = 0.42
"""Heights of the face below the chin over which the turn fades into still shoulders."""
_OWN_WIDTH, _BESIDE = 0.62, 1.0
"""From where on sideways a point belongs to the head less and less, and not at all, widths of the
face from its middle. A neighbour's half face, which no finder sees, begins there. Hair so far out
hardly moves in a turn, so it may as well be bent a little."""
_OVERSAMPLE = 2
_MARGIN = 6  # a sixth of the side is added all around
_TO_BORDER = 0.8
"""How much of the way to a photograph's border a point may come from there."""
_RIM, _EVEN = 0.035, 0.014
"""Width of an outline's rim, where offsets are evened out, and over how much; sides."""
_BEHIND = 0.09
"""What lies this many half widths behind its neighbours shines through a stretched surface."""
_CRACKS = (0.8, 1.6, 3.0, 6.0, 12.0, 24.0)


class Turned(NamedTuple):
    """A turn of the head as a map.

    Attributes:
        offsets: from each pixel of the turned picture to where the photo shows it, x and y, px,
            float32 [2, S, S]. 0 where nothing moved.
        covered: where the turned person is, bool [S, S].
        stretch: how much the photo is magnified there, float32 [S, S]; 1 where nothing moved.
    """

    offsets: Floats
    covered: Mask
    stretch: Floats


def turn_head(
    person: Mask,
    pose: HeadPose,
    head: Head,
    *,
    yaw_deg: float,
    pitch_deg: float = 0.0,
    roll_deg: float = 0.0,
    deeper: float = 1.0,
) -> Turned:
    """Turn a head about its centre; the neck follows part of the way, the shoulders stay.

    Args:
        person: in the photo, bool [S, S].
        pose: of the head in the photo.
        head: the mean head.
        yaw_deg: how far to turn, positive to the picture's right.
        pitch_deg: how far to nod, positive is up.
        roll_deg: how far to tilt, positive is clockwise.
        deeper: factor on the relief's depth.

    Returns:
        The map. A turn by nothing moves nothing. At the border it may lead out of the picture.
    """
    size = person.shape[0]
    if not (yaw_deg or pitch_deg or roll_deg):
        still = np.zeros((2, size, size), np.float32)
        return Turned(still, person.copy(), np.ones((size, size), np.float32))
    # A person goes on beyond the picture: without that, a turn would leave a gap at its border.
    margin = size // _MARGIN
    wide = np.pad(person, margin, mode="edge")
    moved = pose._replace(centre=(pose.centre[0] + margin, pose.centre[1] + margin))
    turned = _turned(wide, moved, head, (yaw_deg, pitch_deg, roll_deg), deeper)
    inner = np.s_[margin : margin + size, margin : margin + size]
    return Turned(turned.offsets[:, *inner], turned.covered[inner], turned.stretch[inner])


def _turned(
    person: Mask,
    pose: HeadPose,
    head: Head,
    turn_deg: tuple[float, float, float],
    deeper: float = 1.0,
) -> Turned:
    size = person.shape[0]
    x, y, z = _turned_points(person, pose, head, turn_deg, deeper)
    nearest = _nearest(x, y, z, size)
    hit = nearest >= 0
    # Points that were spread apart by the turn leave cracks, which are still the person.
    covered = _closed(hit)
    depth = np.where(hit, z.ravel()[nearest], -1e4).astype(np.float32)
    # Through such cracks far points show, an ear behind a cheek: their offsets are dropped, the
    # neighbours' fill in.
    hit &= ~_behind_surface(depth, hit, 2 * _BEHIND * head.half_width * pose.scale)
    # A point's own way, not the way to the pixel's centre: that would keep the rounding.
    column, row = nearest % z.shape[1], nearest // z.shape[1]
    dx = np.where(hit, (column + 0.5) / _OVERSAMPLE - x.ravel()[nearest], 0).astype(np.float32)
    dy = np.where(hit, (row + 0.5) / _OVERSAMPLE - y.ravel()[nearest], 0).astype(np.float32)
    dx, dy, done = _cracks_filled(dx, dy, hit, covered)
    # A gap too wide for any scale shows the background rather than an invented face.
    covered &= done
    done &= turn_weight(pose, head, size, size) > 0  # the shoulders stay, to the byte
    # Zeros outside, so that the filter does not spread what cracks hold.
    offsets = np.stack([np.where(done, _smoothed(np.where(done, d, 0)), 0) for d in (dx, dy)])
    offsets = _even_rim(offsets, covered)
    return Turned(offsets, covered, _stretch(offsets, covered))


def _turned_points(
    person: Mask,
    pose: HeadPose,
    head: Head,
    turn_deg: tuple[float, float, float],
    deeper: float = 1.0,
) -> tuple[Floats, Floats, Floats]:
    """Where the person's points go: x, y and depth in px, [n, n] of a finer grid; nan beside it."""
    size = person.shape[0]
    fine = size * _OVERSAMPLE
    flat = relief(person, pose, head)
    z = _finer(flat, fine)
    right, down = head_axes(pose, fine, size)
    # Every point has an angle of its own: the neck bends instead of shearing off.
    weight = turn_weight(pose, head, fine, size)
    width = 2 * head.half_width * pose.scale
    # The rim, where the relief meets the centre's plane, keeps its place across the turn.
    rim = WIDEN * np.exp(-((z / (0.28 * width)) ** 2))
    z = _finer(deepened(flat, pose, head, deeper), fine)
    yaw, pitch, roll = (np.radians(angle) * weight for angle in turn_deg)
    keeps_x, keeps_y = (np.cos(angle) + (1 - np.cos(angle)) * rim for angle in (yaw, pitch))
    # Pitch first, then yaw, then roll, as in `ops.head.rotation`.
    nod_y = down * keeps_y - z * np.sin(pitch)
    nod_z = z * np.cos(pitch) + down * np.sin(pitch)
    turn_x = right * keeps_x + nod_z * np.sin(yaw)
    turn_z = nod_z * np.cos(yaw) - right * np.sin(yaw)
    # Tilt in the picture's plane, on top of the tilt that the head has.
    angle = roll + np.radians(pose.roll_deg)
    x = pose.centre[0] + turn_x * np.cos(angle) - nod_y * np.sin(angle)
    y = pose.centre[1] + turn_x * np.sin(angle) + nod_y * np.cos(angle)
    shown = _finer(person.astype(np.float32), fine) > 0.5
    return np.where(shown, x, np.nan), y, turn_z


def held(pose_yaw_deg: float, yaw_deg: float) -> float:
    """How far a head can be turned sideways with the pixels that a photo has of it, degrees.

    Args:
        pose_yaw_deg: where it looks in the photo.
        yaw_deg: how far it is asked to turn; back from a profile, or into one, it is less.
    """
    aside = abs(pose_yaw_deg)
    if pose_yaw_deg * yaw_deg >= 0:  # farther aside
        most = ASIDE_DEG - aside
    elif aside > PROFILE_DEG:
        most = MOST_BACK_DEG - _LESS_BACK * (aside - PROFILE_DEG)
    else:
        most = aside + ASIDE_DEG  # through the front to the other side
    return float(np.copysign(min(abs(yaw_deg), max(most, LEAST_DEG)), yaw_deg))


def kept_within(offsets: Floats, shown: Mask) -> Floats:
    """Stretch what lies along a photograph's border instead of looking beyond it.

    Args:
        offsets: [2, S, S] px, see `Turned`.
        shown: where the photograph is, bool [S, S].
    """
    if shown.all() or not shown.any():
        return offsets
    away = np.maximum(distance_to(~shown) - HALF_PX, 0)  # from the border, inwards
    # Blurred, so that no direction flips half-way between two borders.
    inwards = np.stack(np.gradient(cv2.GaussianBlur(away, (0, 0), away.shape[0] / 40))[::-1])
    inwards /= np.maximum(np.hypot(*inwards), 1e-6)
    outwards = np.maximum(-(offsets * inwards).sum(0), 0)
    # No more than a part of the way to the border, so that the order of points stays.
    allowed = _TO_BORDER * away
    most = outwards * allowed / np.maximum((outwards**4 + allowed**4) ** 0.25, 1e-6)
    kept: Floats = (offsets + (outwards - most) * inwards).astype(np.float32)
    return kept


def turn_weight(pose: HeadPose, head: Head, grid: int, size: int) -> Floats:
    """Share of the turn that a point takes part in: 1 on the head, 0 on the shoulders."""
    right, down = head_axes(pose, grid, size)
    width = 2 * head.half_width * pose.scale
    # Three fades: into the shoulders, sideways (a person beside), and above a high hairdo.
    chin, tall = head.chin_y * pose.scale, 2 * (head.chin_y - head.brow_y) * pose.scale * 0.7
    below = 1 - smoothstep(down, chin, chin + FADE * tall)
    beside = 1 - smoothstep(np.abs(right), _OWN_WIDTH * width, _BESIDE * width)
    above = 1 - smoothstep(-down, 1.5 * tall, 1.9 * tall)
    share: Floats = below * beside * above
    return share


def _nearest(x: Floats, y: Floats, z: Floats, size: int) -> npt.NDArray[np.int64]:
    """For every pixel the point that is nearest to the viewer, -1 without any, [size, size]."""
    flat = np.flatnonzero(np.isfinite(x.ravel()))
    column = np.floor(x.ravel()[flat]).astype(np.int64)
    row = np.floor(y.ravel()[flat]).astype(np.int64)
    here = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    flat, place = flat[here], row[here] * size + column[here]
    # Far points first: what is written last, the nearest, stays.
    order = np.argsort(z.ravel()[flat], kind="stable")
    nearest = np.full(size * size, -1, np.int64)
    nearest[place[order]] = flat[order]
    return nearest.reshape(size, size)


def _closed(hit: Mask) -> Mask:
    """Coverage without the cracks that magnification opens."""
    closed = cv2.morphologyEx(hit.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
    filled: Mask = ndimage.binary_fill_holes(closed)
    return filled


def _behind_surface(depth: Floats, hit: Mask, step_px: float) -> Mask:
    """Points far behind their neighbours, seen through the cracks of a stretched surface."""
    # Cracks hold no depth: the median would take them for background without a neighbour's.
    near = cv2.dilate(depth, np.ones((3, 3), np.uint8))
    around = cv2.medianBlur(np.where(hit, depth, near).astype(np.float32), 5)
    behind: Mask = hit & (depth < around - step_px / 2)
    return behind


def _cracks_filled(dx: Floats, dy: Floats, hit: Mask, covered: Mask) -> tuple[Floats, Floats, Mask]:
    """Offsets where no point fell, from their neighbours: the nearest scale that reaches any."""
    hit_weight = hit.astype(np.float32)
    fill_x, fill_y, done = dx.copy(), dy.copy(), hit.copy()
    for sigma in _CRACKS:
        if done[covered].all():
            break
        # Normalised convolution: means over the hits that lie within reach alone.
        weight = cv2.GaussianBlur(hit_weight, (0, 0), sigma)
        reached = ~done & (weight > 0.02)
        for fill, offset in ((fill_x, dx), (fill_y, dy)):
            fill[reached] = cv2.GaussianBlur(offset, (0, 0), sigma)[reached] / weight[reached]
        done |= reached
    return fill_x, fill_y, done


def _smoothed(offsets: Floats) -> Floats:
    """Without the rounding of the points to pixels, steps kept."""
    # Bilateral, so that a nose's offsets do not run into the cheek behind it.
    smooth: Floats = cv2.bilateralFilter(offsets.astype(np.float32), 7, 6.0, 1.6)
    return smooth


def _even_rim(offsets: Floats, covered: Mask) -> Floats:
    """Smooth offsets along the outline, where the relief is so steep that points land anywhere.

    Else a stretched outline looks like a comb.
    """
    size = covered.shape[0]
    where = covered.astype(np.float32)
    blur = (0, 0), max(_EVEN * size, 0.5)
    weight = np.maximum(cv2.GaussianBlur(where, *blur), 1e-6)
    share = np.clip(1 - distance_to(~covered) / max(_RIM * size, 1), 0, 1)

    def blurred(axes: Floats) -> Floats:
        return np.stack([cv2.GaussianBlur(axis * where, *blur) / weight for axis in axes])

    # Twice (Tukey's twicing): a mean at a border leans inwards, where offsets are larger.
    even = blurred(offsets)
    even += blurred(offsets - even)
    moved = np.where(offsets != 0, share, 0)
    smooth: Floats = (offsets + moved * (even - offsets)).astype(np.float32)
    return smooth


def _stretch(offsets: Floats, covered: Mask) -> Floats:
    """Magnification across the turn: how many pixels one pixel of the photo is drawn over."""
    size = covered.shape[0]
    # How far the place in the photo moves per pixel: less than a pixel is magnified.
    gradient_x = np.gradient(offsets[0] + np.arange(size), axis=1)
    gradient_y = np.gradient(offsets[1] + np.arange(size)[:, None], axis=0)
    shrunk = np.clip(np.minimum(np.abs(gradient_x), np.abs(gradient_y)), 0.05, 20)
    stretched: Floats = np.where(covered, 1 / shrunk, 1).astype(np.float32)
    return stretched


def _finer(values: Floats, fine: int) -> Floats:
    large: Floats = cv2.resize(values, (fine, fine), interpolation=cv2.INTER_LINEAR)
    return large
