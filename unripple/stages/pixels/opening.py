"""Lips parted: each goes its own way, and what comes to be seen between them is drawn.

The motion of a mouth that opens breaks along the seam of its lips, which no smooth motion does. So
it is taken apart into the upper lip's and the lower one's, each continued smoothly beyond the seam;
of every pixel of the changed picture it is then told which of both shows there, or neither: that is
the gap, in which teeth are drawn where none are seen yet.

Source: own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from unripple.conventions import Floats, ShapeMismatch
from unripple.ops.mesh import (
    LOWER_LIP_BOTTOM,
    LOWER_LIP_EDGE,
    UPPER_LIP_EDGE,
    UPPER_LIP_TOP,
)
from unripple.ops.recolour import LUMINANCE, to_levels
from unripple.ops.relief import smoothstep
from unripple.ops.shaping import finer, origins_of, unfolded
from unripple.ops.teeth import mouth_colour
from unripple.ops.tones import tone_of, toned
from unripple.stages.pixels.gates import CLOSED, lip_opening
from unripple.stages.pixels.look import EYES, CloseLook
from unripple.stages.pixels.sharpness import as_sharp

WORD = "mouth_open"
_CORNERS = (78, 308)
"""Points of the mesh where the lips' inner edges meet."""
_MIDDLE, _OFF_CENTRE = (13, 14), 0.7
_CHEEKS = (50, 205, 280, 425)
_MARGIN_PX = 2.0
"""At 256: beside the seam, where the motion of a grid mixes that of both lips."""
_ROUNDED = 0.12  # of the half width: how softly the split begins at the corners
_LOOKED, _STEPS, _STEP = 65, 21, 0.0035
"""Where the seam is looked for: places along it, and heights beside the mesh's, head units."""
_STIFF = 0.35  # darkness that is worth a step aside; lips have a spread of 1
_LEAST_GAP_PX = 0.05
_HARDLY = 0.06
"""Opening of a mouth over its width up to which lips may hide all that is behind them."""
_WIDE = 0.3
"""The same from which more than upper teeth is seen; what is seen is then stretched."""
_SCLERA, _OF_SKIN, _MOST = 85.0, 0.45, 1.6
"""Percentile of the light between the lids that is an eye's white; teeth are about as bright, at
least so much of the cheeks' light, and at most that many times as bright as they are."""
_DIM = 0.85
_SKIN, _HUES = np.array((0.50, 0.33, 0.25)), (0.45, 1.6)


class Seam(NamedTuple):
    """The line between closed lips.

    Attributes:
        middle: of the mouth, px of the crop, [2].
        along: unit vector from its left corner in the picture to its right one.
        half: half its width, px.
        places, heights: places along it, from -1 to 1, and how far the lower lip's edge lies below
            the middle there, px, [K].
        tops: the same of the upper lip's edge; where lips are closed, it is the same line.
        centre: the place of the face's own middle.
        closed: whether they are.
    """

    middle: Floats
    along: Floats
    half: float
    places: Floats
    heights: Floats
    tops: Floats
    centre: float
    closed: bool = True

    @property
    def down(self) -> Floats:
        """Unit vector from the upper lip to the lower one."""
        return np.array((-self.along[1], self.along[0]))

    def of(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Place along the mouth and distance below the lower lip's edge, px, of points of the
        crop."""
        right, below = x - self.middle[0], y - self.middle[1]
        place = (right * self.along[0] + below * self.along[1]) / self.half
        height = np.interp(place, self.places, self.heights)
        distance = right * self.down[0] + below * self.down[1] - height
        return place, distance

    def apart(self, place: Floats) -> Floats:
        """By how much the upper lip's edge is above the lower one's at places, px."""
        apart: Floats = np.interp(place, self.places, self.heights - self.tops)
        return apart


class PartedLips(NamedTuple):
    """A mouth opened.

    Attributes:
        offsets: see `ops.shaping.origins_of`.
        held: what share of the motion it is.
        laid: levels of what is seen between the lips and how far it covers the picture, from 0
            to 1, in the changed crop's frame, float16 [4, s, s].
    """

    offsets: Floats
    held: float
    laid: Floats


def is_opened(look: CloseLook, degree: float) -> bool:
    """Whether an edit parts lips: of a mouth that is wide open more shows by itself."""
    return degree > 0 and look.face.mesh is not None and lip_opening(look.face) < _WIDE


def _is_closed(look: CloseLook) -> bool:
    """Whether nothing is seen yet of what is behind the lips."""
    opening = lip_opening(look.face)
    return opening < CLOSED or (opening < _HARDLY and _dark_between(look))


def _dark_between(look: CloseLook) -> bool:
    """Whether it is darker between the lips than on them: no teeth are seen."""
    grey = cv2.cvtColor(look.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = (UPPER_LIP_TOP, UPPER_LIP_EDGE, LOWER_LIP_EDGE, LOWER_LIP_BOTTOM)
    top, upper, lower, bottom = (look.points(edge)[2:-2] for edge in edges)

    def bright(points: Floats) -> float:
        x, y = (points.astype(np.float32) - 0.5).T
        return float(cv2.remap(grey, x, y, cv2.INTER_LINEAR).mean())

    lips = (bright((top + upper) / 2) + bright((lower + bottom) / 2)) / 2
    return bright((upper + lower) / 2) < lips


def open_lips(look: CloseLook, motion: Floats) -> PartedLips:
    """Part lips.

    Teeth that are seen already stay with the upper lip, and the gap opens below them.

    Args:
        look: the face.
        motion: of the whole edit, px of the crop, float32 [2, n, n].
    """
    size = look.face.size
    seam = find_seam(look)
    sides = [unfolded(one, size) for one in split(motion, seam, size)]
    held = min(share for _, share in sides)
    upper, lower = (origins_of(one * np.float32(held / share), size) for one, share in sides)
    _, above, below = _distances(upper, lower, seam, size)
    gap = above - below
    share = np.where(gap > _LEAST_GAP_PX, above / np.maximum(gap, _LEAST_GAP_PX), above > 0)
    offsets = upper + np.clip(share, 0, 1).astype(np.float32) * (lower - upper)
    return PartedLips(offsets, held, _interior(look, upper, lower, seam))


def find_seam(look: CloseLook) -> Seam:
    """Where lips part: along the dark line near where the mesh has closed lips' seam, else along
    the lower lip's edge."""
    mesh = look.face.mesh
    if mesh is None:
        raise ShapeMismatch("the seam of lips needs the mesh of the face")
    left, right = (mesh[number] for number in _CORNERS)
    half = max(float(np.hypot(*(right - left))) / 2, 1.0)
    middle, along = (left + right) / 2, (right - left) / (2 * half)
    places, down = np.linspace(-1, 1, _LOOKED), np.array((-along[1], along[0]))
    edges = []
    for numbers in (UPPER_LIP_EDGE, LOWER_LIP_EDGE):
        points = mesh[list(numbers)] - middle
        order = (points @ along).argsort()
        known = np.concatenate(((-1.0,), (points @ along / half)[order], (1.0,)))
        edges.append(np.interp(places, known, np.pad((points @ down)[order], 1)))
    centre = (mesh[list(_MIDDLE)].mean(0) - middle) @ along / half
    centre = float(np.clip(centre, -_OFF_CENTRE, _OFF_CENTRE))
    if not _is_closed(look):
        return Seam(middle, along, half, places, edges[1], edges[0], centre, closed=False)
    line = (edges[0] + edges[1]) / 2
    return _on_dark_line(look, Seam(middle, along, half, places, line, line, centre))


def _on_dark_line(look: CloseLook, rough: Seam) -> Seam:
    places = np.linspace(-0.96, 0.96, _LOOKED)
    beside = (np.arange(_STEPS) - _STEPS // 2) * _STEP
    heights = np.interp(places, rough.places, rough.heights)
    unit = look.face.pose.scale
    down = heights + beside[:, None] * unit  # [steps, looked]
    at = (
        rough.middle[:, None, None]
        + rough.along[:, None, None] * places * rough.half
        + rough.down[:, None, None] * down
    )
    grey = cv2.GaussianBlur(
        cv2.cvtColor(look.picture, cv2.COLOR_RGB2GRAY).astype(np.float32),
        (0, 0),
        max(0.006 * look.unit, 0.5),
    )
    x, y = (axis.astype(np.float32) * np.float32(look.times) - 0.5 for axis in at)
    bright = cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    bright = (bright - bright.mean(0)) / max(float(bright.std(0).mean()), 1.0)
    cost = bright + (beside[:, None] / 0.02) ** 2
    path = _cheapest(cost)
    # At the corners the mesh is right, and a line would run on into a crease.
    share = 1 - smoothstep(np.abs(places), 0.75, 0.96)
    aside = ndimage.gaussian_filter1d(beside[path] * unit, 1.5) * share
    found = np.concatenate(((-1.0,), places, (1.0,)))
    seen = np.concatenate(((rough.heights[0],), heights + aside, (rough.heights[-1],)))
    return rough._replace(places=found, heights=seen, tops=seen)


def _cheapest(cost: Floats) -> Floats:
    """Row of each column of the cheapest path that steps aside by one row at most, [K]."""
    rows, columns = cost.shape
    total, came = cost.copy(), np.zeros(cost.shape, int)
    for column in range(1, columns):
        before = np.pad(total[:, column - 1], 1, constant_values=np.inf)
        ways = np.stack((before[:-2] + _STIFF, before[1:-1], before[2:] + _STIFF))
        best = ways.argmin(0)
        came[:, column] = np.arange(rows) + best - 1
        total[:, column] += ways.min(0)
    path = np.zeros(columns, int)
    path[-1] = total[:, -1].argmin()
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came[path[column], column]
    return path


def split(motion: Floats, seam: Seam, size: int) -> tuple[Floats, Floats]:
    """The motions of what is above the seam and of what is below, each continued beyond it.

    Args:
        motion: px of the crop, float32 [2, n, n].
        seam: see `find_seam`.
        size: side of the crop.
    """
    grid = motion.shape[-1]
    x, y = _centres(grid, size)
    place, below = seam.of(x, y)
    margin = _MARGIN_PX * size / 256
    within = 1 - smoothstep(np.abs(place), 1.0, 1.0 + _ROUNDED)
    sides = []
    from_top = below + seam.apart(place)
    for aside in (np.minimum(-margin - from_top, 0), np.maximum(margin - below, 0)):
        moved = aside * within
        columns, rows = (
            ((at + way * moved) * grid / size - 0.5).astype(np.float32)
            for at, way in zip((x, y), seam.down, strict=True)
        )
        continued = [
            cv2.remap(axis, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for axis in motion
        ]
        sides.append(np.stack(continued))
    return sides[0], sides[1]


def _centres(side: int, size: int) -> tuple[Floats, Floats]:
    """Where a picture's pixels lie in the crop, px."""
    middles = (np.arange(side) + 0.5) * size / side
    x, y = np.meshgrid(middles, middles)
    return x, y


def _distances(
    upper: Floats, lower: Floats, seam: Seam, size: int
) -> tuple[Floats, Floats, Floats]:
    """Place along the mouth, and how far below the upper lip's edge and the lower one's the pixels
    of the changed picture are, px of the crop."""
    x, y = _centres(upper.shape[-1], size)
    place, above = seam.of(x + upper[0], y + upper[1])
    _, below = seam.of(x + lower[0], y + lower[1])
    return place, above, below


def _interior(look: CloseLook, upper: Floats, lower: Floats, seam: Seam) -> Floats:
    """See `PartedLips.laid`."""
    side, size = look.picture.shape[0], look.face.size
    place, above, below = _distances(finer(upper, side), finer(lower, side), seam, size)
    unit = look.face.pose.scale
    # Edges as soft as a pixel; beyond the corners both lips move alike.
    cover = np.clip(above * look.times + 0.5, 0, 1) * np.clip(0.5 - below * look.times, 0, 1)
    cover = cover * smoothstep((above - below) * look.times, 0.2, 1.5) * (np.abs(place) < 1)
    across = np.where(
        place < seam.centre,
        (place - seam.centre) / (1 + seam.centre),
        (place - seam.centre) / (1 - seam.centre),
    )
    lift = _lift(upper, seam, size) / unit if seam.closed else -1.0  # no more teeth
    light = mouth_colour(across, above / unit, -below / unit, lift, *_lights(look))
    levels = np.rint(to_levels(light)).astype(np.uint8)
    tone = tone_of(look.picture)
    levels = levels if tone is None else toned(levels, tone)
    laid = np.concatenate((levels, cover[..., None]), axis=-1).astype(np.float32)
    laid = as_sharp(laid, look, 0.5)
    return np.moveaxis(laid, -1, 0).astype(np.float16)


def _lift(upper: Floats, seam: Seam, size: int) -> float:
    """By how much the upper lip's middle goes up, px."""
    grid = upper.shape[-1]
    x, y = (np.clip(int(at * grid / size), 0, grid - 1) for at in seam.middle)
    return max(float(upper[:, y, x] @ seam.down), 0.0)


def _lights(look: CloseLook) -> tuple[Floats, Floats]:
    """The light that teeth and the mouth's skin would send, linear, [3] each."""
    light, side = look.light, look.picture.shape[0]
    spots = look.points(_CHEEKS).astype(int).clip(2, side - 3)
    cheeks = np.array([np.median(light[y - 2 : y + 3, x - 2 : x + 3], (0, 1)) for x, y in spots])
    skin = np.median(cheeks, axis=0)
    bright = float(skin @ LUMINANCE)
    whites = []
    for outline in EYES:
        inside = look.polygon(outline) > 0.8
        if inside.any():
            whites.append(float(np.percentile(light[inside] @ LUMINANCE, _SCLERA)))
    white = max(whites, default=bright)
    teeth = _DIM * float(np.clip(white, _OF_SKIN * bright, _MOST * bright))
    # The colour of the light: by how much the skin's differs from that of skin in white light.
    hue = (skin / max(bright, 1e-4)) / (_SKIN / float(_SKIN @ LUMINANCE))
    return teeth * np.clip(hue, *_HUES), skin
