"""Wrinkles, bags and freckles that the photo has itself: made weaker, and bags stronger.

What lies on skin is a band of its light: coarser than pores, finer than the face. The band is
weakened, what is finer and coarser stays, so skin keeps its texture and the face its form
(frequency separation, as retouchers do it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Face, Floats
from unripple.ops.relief import smoothstep
from unripple.ops.shaping import on_head
from unripple.stages.families.detail import BELOW_EYE, BELOW_EYE_REACH
from unripple.stages.pixels.look import BROWS, EYES, LIPS, OVAL, CloseLook

_DARKEST = 1e-3  # light under which a logarithm says nothing
_BESIDE, _BESIDE_LIPS = 0.05, 0.04  # head units around eyes and brows, and lips, that stay
_HIGHLIGHT = 0.5  # share by which what is lighter than its surroundings is weakened
_DEEP = 0.5
"""Logarithm of light from which something is no wrinkle but a nostril, a shadow, a rim."""


class Band(NamedTuple):
    """What is weakened.

    Attributes:
        finest, coarsest: usual deviations of the Gaussians between which it lies, head units.
        weaker: share of it that goes per degree below 0.
        stronger: share that is added per degree above 0.
        below_eyes: whether it is looked for under the eyes alone.
    """

    finest: float
    coarsest: float
    weaker: float
    stronger: float = 0.0
    below_eyes: bool = False


WORDS: Mapping[str, Band] = {
    "wrinkles": Band(0.006, 0.045, 0.3),
    "freckles": Band(0.003, 0.02, 0.33),
    "bags": Band(0.010, 0.16, 0.33, stronger=0.25, below_eyes=True),
}


def with_own(light: Floats, look: CloseLook, name: str, degree: float) -> Floats:
    """Weaken or strengthen what the photo shows of a detail.

    Args:
        light: of the close look, linear, [s, s, 3].
        look: the face.
        name: of `WORDS`.
        degree: of the edit.

    Returns:
        The light with it, float32 [s, s, 3].
    """
    band = WORDS[name]
    factor = degree * (band.weaker if degree < 0 else band.stronger)
    if not factor:
        return light
    skin = _skin(look)
    share = skin * _below_eyes(look) if band.below_eyes else skin
    logarithm = np.log(np.maximum(light, _DARKEST))
    # Means of skin alone: no dark lashes or brows in the light that a wrinkle is compared with.
    fine, coarse = (
        _mean_of(logarithm, skin, sigma * look.unit) for sigma in (band.finest, band.coarsest)
    )
    own = fine - coarse
    shade = own.mean(-1, keepdims=True)
    # What is lighter than the skin around is form as often as it is a detail.
    own = own * np.where(shade < 0, 1.0, _HIGHLIGHT)
    own = own * (1 - smoothstep(np.abs(shade), _DEEP, 2 * _DEEP))
    made: Floats = light * np.exp(max(factor, -1.0) * share[..., None] * own)
    return made.astype(np.float32)


def _mean_of(values: Floats, share: Floats, sigma: float) -> Floats:
    """Gaussian means of what lies within a share."""
    sigma = max(sigma, 0.4)
    weights = cv2.GaussianBlur(share, (0, 0), sigma)[..., None]
    sums = cv2.GaussianBlur(values * share[..., None], (0, 0), sigma)
    found: Floats = sums / np.maximum(weights, 1e-3)
    return np.where(weights > 1e-3, found, values)


def _skin(look: CloseLook) -> Floats:
    """Bare skin of the face, soft, without its features, float32 [s, s]."""
    face, side = look.face, look.picture.shape[0]
    parts = np.isin(face.labels, (Face.SKIN, Face.NOSE)).astype(np.float32)
    share = cv2.resize(parts, (side, side), interpolation=cv2.INTER_LINEAR)
    unit = look.unit
    if face.mesh is not None:
        share = np.minimum(share, look.polygon(OVAL))
        for outline in (*EYES, LIPS, *BROWS):
            beside = _BESIDE_LIPS if outline is LIPS else _BESIDE
            grown = 2 * round(beside * unit) + 1
            cut = cv2.dilate(look.polygon(outline), np.ones((grown, grown), np.uint8))
            share = share * (1 - cut)
    inward = 2 * round(0.03 * unit) + 1
    eroded = cv2.erode(share, np.ones((inward, inward), np.uint8))
    soft: Floats = cv2.GaussianBlur(eroded, (0, 0), max(0.02 * unit, 0.5))
    return soft


def _below_eyes(look: CloseLook) -> Floats:
    """1 on the skin below the eyes, falling off softly, float32 [s, s]."""
    face, side = look.face, look.picture.shape[0]
    places, inside = on_head(face.laid, face.points)
    across = (np.abs(places[0]) - BELOW_EYE[0]) / BELOW_EYE_REACH[0]
    down = (places[1] - BELOW_EYE[1]) / BELOW_EYE_REACH[1]
    near = (1 - smoothstep(np.hypot(across, down), 0.7, 1.3)) * inside
    found: Floats = cv2.resize(
        near.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR
    )
    return found
