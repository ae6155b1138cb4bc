"""Hair over the forehead, drawn strand by strand from the photo's own hairline.

Strands are rooted within the hair above the forehead, fan out from a parting and hang down as far
as the degree says, in locks whose tips thin out. Each has the light of the hair where it is rooted,
and differs from its neighbours as the photo's own strands do.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from unripple.conventions import Face, Floats, Labels
from unripple.ops.recolour import LUMINANCE
from unripple.ops.strokes import Strands, drawn
from unripple.stages.pixels.look import BROWS, OVAL, CloseLook, Region
from unripple.stages.pixels.upright import Upright, UprightWindow, laid_on, upright

WINDOW = UprightWindow(-0.95, -1.45, 0.95, 0.25)
_BROWS_DOWN, _BROWS_HALF = -0.30, 0.62  # of the mean head, head units
_FACE_HALF, _MARGIN = 0.66, 0.02
_TEMPLE, _OVER_HAIR = 0.25, 0.04
_LEAST_COVER = 0.85  # share of the forehead's width above which hair must be seen
_LEAST_HIGH = 0.16  # head units of free forehead below which there is a fringe already
_LEAST_DEEP = 0.345  # head units of hair above the forehead, seen from the front: else cropped
_YAW_MAX_DEG = 22.0
_PASSES = 40.0  # px per head unit: below, no strand is seen
_BELOW = 0.1  # head units below the brows that are looked at
_LOCKS, _SMALLER = 13, 5  # locks, and smaller ones in each
_LOCK_WIDE = 0.07  # usual deviation of where its strands cross the hairline, half foreheads
_POINTS = 16
_LEAST_FREE = 0.06  # head units
_WIDEST_PX = 3.0
_CURLY = 0.30
"""How alike strands lie beside each other, from 0 to 1, below which they curl: .22 to .29 on curls
and cropped hair, .33 and more on others."""
_SHADOW, _SHADOW_BROAD, _SHADOW_DOWN = 0.34, 0.030, 0.022  # of light; head units


class Hairline(NamedTuple):
    """Where the forehead is, px of the window, by its columns.

    Attributes:
        line: where hair ends above it, [W].
        brow: where brows begin, [W].
        left, right: its sides.
        high: of free forehead in its middle, head units.
        deep: of hair above that, head units.
        cover: share of its width above which there is hair.
        within: the face's outline at the brows; nothing hangs beyond.
    """

    line: Floats
    brow: Floats
    left: float
    right: float
    high: float
    deep: float
    cover: float
    within: tuple[float, float]


def hairline(look: CloseLook, seen: Upright) -> Hairline:
    """Find the hairline above a forehead."""
    brow, left, right = _brows(look, seen)
    within = _to_hair(_outline(look, seen, float(brow.mean())), seen, float(brow.mean()))
    left, right = max(left, within[0]), min(right, within[1])
    high, wide = seen.hair.shape
    columns = np.arange(wide)
    # The forehead hangs together with the skin above the brows; behind a lock it goes on.
    rows = np.arange(high)[:, None]
    face = (columns > within[0]) & (columns < within[1]) & (rows < brow + _BELOW * seen.unit)
    bare = ndimage.binary_opening((seen.hair < 0.5) & face, np.ones((3, 3)))
    middle = (np.abs(columns - (left + right) / 2) < 0.3 * (right - left)) & (
        np.abs(rows - brow) < 0.05 * seen.unit
    )
    pieces, _ = ndimage.label(bare)
    forehead = np.isin(pieces, np.setdiff1d(np.unique(pieces[middle]), (0,)))
    forehead &= rows < brow
    last = np.where(forehead.any(0), forehead.argmax(0), brow)
    crown = (seen.hair > 0.5).argmax(0)
    last = np.where((seen.hair > 0.5).any(0) & (crown < last), last, -1.0)
    reach = (columns > left - 0.1 * seen.unit) & (columns < right + 0.1 * seen.unit)
    known = reach & (last >= 0)
    cover = float(known.sum() / max(int(reach.sum()), 1))
    if not known.any():
        return Hairline(brow, brow, left, right, 0.0, 0.0, 0.0, within)
    line = np.interp(columns, columns[known], last[known].astype(float))
    line = ndimage.median_filter(line, round(0.1 * seen.unit) | 1)
    line = ndimage.gaussian_filter1d(line, 0.05 * seen.unit)
    inner = (columns > left + 0.2 * (right - left)) & (columns < right - 0.2 * (right - left))
    deep = ((seen.hair > 0.5) & (rows < line)).sum(0)[inner] / seen.unit
    free = float((brow - line)[inner].mean() / seen.unit)
    return Hairline(line, brow, left, right, free, float(np.median(deep)), cover, within)


def _brows(look: CloseLook, seen: Upright) -> tuple[Floats, float, float]:
    columns = np.arange(seen.hair.shape[1])
    if look.face.mesh is None:
        row = np.full(len(columns), seen.row(_BROWS_DOWN))
        return row, seen.column(-_BROWS_HALF), seen.column(_BROWS_HALF)
    both = sorted((seen.of_look(look.points(one)) for one in BROWS), key=lambda p: p[:, 0].mean())
    middles = [float(points[:, 0].mean()) for points in both]
    tops = [float(np.percentile(points[:, 1], 20)) for points in both]
    every = np.concatenate(both)[:, 0]
    return np.interp(columns, middles, tops), float(every.min()), float(every.max())


def _outline(look: CloseLook, seen: Upright, row: float) -> tuple[float, float]:
    """Columns between which the face is at a row."""
    if look.face.mesh is None:
        return seen.column(-_FACE_HALF), seen.column(_FACE_HALF)
    oval = seen.of_look(look.points(OVAL))
    near = oval[np.abs(oval[:, 1] - row) < 0.25 * seen.unit][:, 0]
    margin = _MARGIN * seen.unit
    return float(near.min()) + margin, float(near.max()) - margin


def _to_hair(within: tuple[float, float], seen: Upright, brow: float) -> tuple[float, float]:
    """The outline, moved to the hair beside it where some is near: temples are beyond the mesh."""
    reach, over = round(_TEMPLE * seen.unit), _OVER_HAIR * seen.unit
    rows = np.clip(np.array((brow - 0.2 * seen.unit, brow)).astype(int), 0, len(seen.hair))
    beside = seen.hair[slice(*rows)].mean(0) > 0.5
    left, right = (int(np.clip(edge, 0, len(beside))) for edge in within)
    before, after = beside[max(left - reach, 0) : left][::-1], beside[right : right + reach]
    wider = [
        float(side.argmax()) + over if side.any() and side.argmax() else 0.0
        for side in (before, after)
    ]
    return within[0] - wider[0], within[1] + wider[1]


def why_none(look: CloseLook, region: Region, form: float) -> str:
    """Why no fringe is drawn, the end of a sentence, or "": what is known before looking closer."""
    if form < 0:
        return "the forehead behind a fringe is not in the photo, so none is taken away"
    if not region.trust:
        return region.why
    if abs(look.face.pose.yaw_deg) > _YAW_MAX_DEG:
        yaw = abs(look.face.pose.yaw_deg)
        return f"the head looks {yaw:.0f} degrees to the side, and its far half is hidden"
    if look.unit < _PASSES:
        return "the head is too small in this photo for strands to be seen"
    return ""


def why_not(found: Hairline, seen: Upright) -> str:
    """Why no fringe would convince above this forehead, or ""."""
    if found.cover < _LEAST_COVER:
        return "no hair is seen above the forehead that it could hang from"
    if found.deep < _LEAST_DEEP:
        return (
            f"the hair is too short or thin: {found.deep:.2f} of half a head's width is seen of it "
            f"above the forehead, and {_LEAST_DEEP:.2f} are needed"
        )
    if found.high < _LEAST_HIGH:
        return "hair falls to the brows already"
    if seen.alike < _CURLY:
        return "the hair curls, and a fringe is drawn of straight strands"
    return ""


def strands_of(found: Hairline, seen: Upright, full: float) -> Strands:
    """The strands of a fringe, px of the window, the lowest first.

    Args:
        found: where they are rooted.
        seen: the head.
        full: 1 is a full one that ends at the brows; less is shorter and has gaps.
    """
    rng = np.random.default_rng(0)
    unit, (_, wide) = seen.unit, seen.hair.shape
    middle, half = (found.left + found.right) / 2, (found.right - found.left) / 2
    locks = _locks(rng, full, each=float(np.clip(half * 0.55, 28, 85)))
    across, apart = locks.across, locks.apart
    crosses = np.clip(middle + half * across, *found.within)
    column = np.clip(crosses, 0, wide - 1).astype(int)
    line, free = found.line[column], np.maximum(found.brow - found.line, 0.0)[column]
    # Longest in the middle of a lock; the sides of a fringe frame the face.
    down = free * (0.36 + 0.64 * full) + unit * 0.07 * full * np.clip(across, -1, 1) ** 2
    long = down * locks.longer * (1 - 0.30 * np.minimum(apart**2, 1.5))
    long = long + np.minimum(0.16 * long, 0.05 * unit) * rng.normal(0, 1, len(across))
    long = np.clip(long, 0.05 * unit, free + 0.09 * unit)
    deep = rng.uniform(0.05, 0.26, len(across)) * unit * (1 - 0.5 * np.minimum(across**2, 1))
    # Hair parts a little beside the middle, and swings the farther the lighter a fringe is.
    part = middle - 0.22 * half
    root = part + (crosses - part) * (1 - 0.9 * deep / unit)
    swing = np.tanh(1.6 * (crosses - part) / half) * (1 - np.minimum(np.abs(across), 1) ** 3)
    swing = (0.34 - 0.16 * full) * swing * long - 0.65 * half * locks.beside
    swing += rng.normal(0, 0.009, len(across)) * unit
    along = np.linspace(0, 1, _POINTS)[None]
    whole = (deep + long)[:, None]
    below = np.clip((along * whole - deep[:, None]) / long[:, None], 0, 1)
    above = np.clip(along * whole / deep[:, None], 0, 1)
    x = root[:, None] + (crosses - root)[:, None] * above + swing[:, None] * below**1.5
    bend = rng.normal(0, 0.007, (len(across), 1)) * unit
    x += bend * np.sin(np.pi * along * rng.uniform(0.8, 1.8, (len(across), 1)))
    y = (line - deep)[:, None] + along * whole
    # What lies higher is lit more; bent over a forehead, hair shines where it faces the light
    # above, and its tips are in their own shade.
    tone = _tones(rng, locks.number, seen.spread)
    tone -= 0.30 * (1 - np.linspace(0, 1, len(across))) ** 1.5
    gloss = 0.26 * np.exp(-(((below - 0.25) / 0.28) ** 2)) - 0.24 * below**2
    own = _own(seen, np.clip(line - 0.18 * unit, 0, None).astype(int), column)
    colours = own[:, None] * np.exp(tone[:, None] + gloss)[..., None]
    widths = np.minimum(rng.uniform(0.0035, 0.0095, len(across)) * unit, _WIDEST_PX)
    # Where hair frames the face already, none is laid over it.
    bare = free > _LEAST_FREE * unit
    return Strands(np.stack((x, y), -1)[bare], colours[bare], widths[bare])


class Locks(NamedTuple):
    """Strands of hair by their locks, in a random order.

    Attributes:
        number: of the lock of every strand, int [N].
        across: where it crosses the hairline, half widths of the forehead from its middle, [N].
        beside: how far that is from the lock's middle, likewise, [N].
        apart: the same in usual deviations, [N].
        longer: the length of the lock over the usual one, [N].
    """

    number: npt.NDArray[np.int_]
    across: Floats
    beside: Floats
    apart: Floats
    longer: Floats


def _locks(rng: np.random.Generator, full: float, each: float) -> Locks:
    """Locks side by side, some missing where a fringe is light, of up to `each` strands."""
    large = np.linspace(-1.16, 1.16, _LOCKS) + rng.normal(0, 0.05, _LOCKS)
    middles = (large[:, None] + rng.normal(0, 0.075, (_LOCKS, _SMALLER))).ravel()
    count = len(middles)
    longer = np.repeat(1 + rng.normal(0, 0.08, _LOCKS), _SMALLER) + rng.normal(0, 0.07, count)
    # The sides are never bare: there a fringe goes over into the hair beside the face.
    present = (rng.uniform(size=count) < 0.40 + 0.65 * full) | (np.abs(middles) > 1)
    strands = round(each * (0.42 + 0.68 * full))
    number = np.repeat(np.flatnonzero(present), strands)
    rng.shuffle(number)
    apart = rng.normal(0, 1, len(number))
    beside = _LOCK_WIDE * apart
    long = np.clip(longer, 0.7, 1.25)[number]
    return Locks(number, middles[number] + beside, beside, apart, long)


def _tones(rng: np.random.Generator, lock: npt.NDArray[np.int_], spread: float) -> Floats:
    """Logarithms by which strands differ in light: neighbours less than others."""
    spread = float(np.clip(spread, 0.08, 0.4))
    of_lock = rng.normal(0, 1.1 * spread, int(lock.max()) + 1)
    found: Floats = of_lock[lock] + rng.normal(0, 0.85 * spread, len(lock))
    return found


def _own(seen: Upright, rows: npt.NDArray[np.int_], columns: npt.NDArray[np.int_]) -> Floats:
    """Light of the hair at roots, [N, 3]: half as bright as there, half as all; its hue is that
    of all, as next to skin and sky it has some of theirs."""
    found = np.maximum(seen.low[rows, columns], 1e-4)
    bright, usual = found @ LUMINANCE, seen.usual
    mean = float(usual @ LUMINANCE)
    hue = (found / bright[:, None]) ** 0.35 * (usual / mean) ** 0.65
    mixed: Floats = np.sqrt(bright * mean)[:, None] * hue
    return mixed


def with_fringe(
    light: Floats, look: CloseLook, region: Region, form: float
) -> tuple[Floats, Labels | None, str]:
    """Draw a fringe.

    Args:
        light: of the close look, linear, [s, s, 3].
        look: the face.
        region: its hair.
        form: how much of one, 1 ends at the brows; see `strands_of`.

    Returns:
        The light with it, the face's parts, and why there is none, or "".
    """
    why = why_none(look, region, form)
    if why:
        return light, None, why
    seen = upright(look, light, region, WINDOW)
    found = hairline(look, seen)
    why = why_not(found, seen)
    if why:
        return light, None, why
    strands = strands_of(found, seen, min(form, 1.0))
    colours, matte = drawn(strands, 0.75 * seen.low)
    rows = np.arange(len(matte))[:, None]
    # Roots come out of the hair, not onto it.
    rooted = np.clip((rows - (found.line - 0.24 * seen.unit)) / (0.15 * seen.unit), 0, 1)
    matte = (matte * rooted).astype(np.float32)
    shadow = cv2.GaussianBlur(matte, (0, 0), _SHADOW_BROAD * seen.unit)
    down = np.array([[1, 0, 0], [0, 1, _SHADOW_DOWN * seen.unit]], np.float32)
    shadow = cv2.warpAffine(shadow, down, shadow.shape[::-1])
    shade = 1 - _SHADOW * shadow * (1 - seen.hair)
    made, cover = laid_on(look, seen, light, colours, matte, shade)
    size = look.face.size
    covered = cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA) > 0.5
    labels: Labels = np.where(covered & look.face.person, np.uint8(Face.HAIR), look.face.labels)
    return made, labels, ""
