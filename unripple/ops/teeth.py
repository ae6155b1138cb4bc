"""What is seen between lips that part a little: the upper teeth, the dark below them, the lips'
wet inner edges.

Sizes are those of adults (upper incisors 8.5 and 6.5 mm wide, canines 7.5; a relaxed upper lip
leaves a millimetre or two of them free); a head unit is 113 mm.

Source: own.
"""

from __future__ import annotations

import numpy as np

from unripple.conventions import Floats
from unripple.ops.relief import smoothstep

_HALF = 0.235  # head units from the face's middle to a corner of the mouth
_EDGES = (0.0, 0.072, 0.127, 0.186, 0.232)
"""Where one tooth ends and the next begins, from the middle outwards, head units."""
_SHORTER = (0.0, 0.0045, 0.0005, 0.006, 0.012)
"""By how much each is shorter than the middle one."""
_FREE = 0.014  # of the incisors below the edge of a relaxed upper lip
_TOOTH = np.array((1.0, 0.92, 0.78))
_LIPS_LIGHT = np.array((0.75, 1.0, 1.15))
"""Exponents of shade by colour: what reaches the teeth came from lips and gums, and is red."""
_GAP, _GAP_DEPTH = 0.0022, 0.35
_CAVITY = np.array((0.055, 0.022, 0.02))
_WET = np.array((0.30, 0.13, 0.12))
_SHADE, _SHADED = 0.020, 0.22
"""How far the upper lip's shadow reaches onto the teeth, and how dark it is at its edge."""


def mouth_colour(
    across: Floats, above: Floats, below: Floats, lift: float, teeth: Floats, skin: Floats
) -> Floats:
    """Colour of what is between the lips.

    Args:
        across: from -1 at one corner over 0 at the face's middle to 1, [h, w].
        above: distance below the upper lip's edge, head units.
        below: distance above the lower lip's edge.
        lift: by how much the upper lip went up.
        teeth: light of a tooth that no lip shades, linear, [3].
        skin: light of the face's skin, linear, [3].

    Returns:
        Linear light, float32 [h, w, 3].
    """
    at = np.abs(across) * _HALF
    tooth = np.clip(np.searchsorted(_EDGES, at, side="right") - 1, 0, len(_EDGES) - 1)
    edges = np.append(_EDGES, 0.29)
    middle, wide = (edges[tooth] + edges[tooth + 1]) / 2, edges[tooth + 1] - edges[tooth]
    # The row of teeth is an arch: it lies deeper, and hangs less low, towards the corners.
    inward = np.clip(np.abs(across), 0, 1)
    round_off = 0.004 * (2 * (at - middle) / wide) ** 4
    lower_edge = _FREE + lift - np.array(_SHORTER)[tooth] - round_off
    is_tooth = smoothstep(lower_edge - above, -0.0015, 0.0015)
    shade = _SHADED + (1 - _SHADED) * smoothstep(above, -0.002, _SHADE)
    depth = (1 - 0.94 * smoothstep(inward, 0.12, 0.85)) * shade
    nearest = np.min([np.abs(at - edge) for edge in _EDGES], axis=0)
    gaps = 1 - _GAP_DEPTH * np.exp(-((nearest / _GAP) ** 2))
    enamel = teeth * _TOOTH * (depth * gaps)[..., None] ** _LIPS_LIGHT
    dark = skin * _CAVITY * (1 - 0.5 * inward)[..., None]
    inside = dark + is_tooth[..., None] * (enamel - dark)
    wet = np.exp(-np.clip(below, 0, None) / 0.004) * (1 - inward**2)
    made: Floats = inside + 0.8 * wet[..., None] * (skin * _WET - inside)
    return made.astype(np.float32)
