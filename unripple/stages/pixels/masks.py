"""Soft masks of skin, brows, lips and irises in a close look at a face; how good they are.

The parser knows rendered faces best, so its labels only begin: what counts as skin is told by the
person's own colours, within the person, and edges are those of the picture. For hair see
`stages.pixels.hair`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from unripple.conventions import Face, Floats
from unripple.ops.recolour import guided
from unripple.ops.relief import smoothstep
from unripple.stages.pixels.hair import hair
from unripple.stages.pixels.look import (
    BROWS,
    EYES,
    INNER_LIPS,
    LIPS,
    NO_MESH,
    CloseLook,
    Region,
    nothing,
    small_of,
    soft,
)

_MOST_BESIDE = 1.3  # skin beside the face, over the face: ears, a neck and a low neckline have less


def lips(look: CloseLook) -> Region:
    """Both lips, without what is between them."""
    face, side = look.face, look.picture.shape[0]
    if face.mesh is None:
        parts = np.isin(face.labels, (Face.UPPER_LIP, Face.LOWER_LIP)).astype(np.float32)
        if parts.sum() < 6:
            return nothing(look, "the parser sees no lips")
        grown = cv2.resize(parts, (side, side), interpolation=cv2.INTER_LINEAR)
        return Region(guided(grown, look.picture, max(2, side // 100), 12.0), 0.7)
    outer, inner = look.polygon(LIPS), look.polygon(INNER_LIPS)
    share = soft(outer, 0.012 * look.unit) * (1 - soft(inner, 0.006 * look.unit))
    return Region(share)


def irises(look: CloseLook) -> Region:
    """Both irises as far as lids leave them free, without pupils and catch lights."""
    if look.face.mesh is None:
        return nothing(look, NO_MESH)
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
        free = soft(inside, 0.06 * radius)
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
        return nothing(look, NO_MESH)
    wide = np.maximum(*(look.polygon(outline) for outline in BROWS))
    grown = cv2.dilate(wide, np.ones((max(3, int(0.05 * look.unit)),) * 2, np.uint8))
    grey = cv2.cvtColor(look.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    ring = (cv2.dilate(grown, np.ones((max(3, int(0.08 * look.unit)),) * 2, np.uint8)) > 0.5) & (
        grown < 0.1
    )
    core = grey[wide > 0.8]
    if not ring.any() or not len(core):
        return nothing(look, "no brows are seen")
    skin, dark = float(np.median(grey[ring])), float(np.percentile(core, 25))
    if skin - dark < 12:
        return nothing(look, "the brows are hardly darker than the skin")
    hairs = np.clip((skin - grey) / (0.75 * (skin - dark)), 0, 1)
    return Region((soft(grown, 0.02 * look.unit) * hairs).astype(np.float32))


def skin(look: CloseLook) -> Region:
    """Face, ears and neck: what has the colours of the cheeks, light and shadow aside."""
    small = small_of(look)
    if small.cheeks.sum() < 30:
        return nothing(look, "no cheek is seen that would tell skin")
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
            whole = whole * (1 - soft(look.polygon(outline), 0.015 * look.unit))
        inner = soft(look.polygon(INNER_LIPS), 0.01 * look.unit)
        whole = whole * (1 - inner) * (1 - 0.2 * brows(look).share)
    beside = float((share * ~small.oval).sum() / max(int(small.oval.sum()), 1))
    if beside > _MOST_BESIDE:
        return nothing(look, "skin cannot be told from hair and clothes of its colour here")
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
