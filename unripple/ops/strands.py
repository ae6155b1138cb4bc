"""Hair made lighter: dark strands that become light show what dark ones swallow.

Black hair is mostly reflected light over little of its own; multiplied up to blond, its shine would
burn out and its shade would stay black. Light hair has its own light nearly everywhere: its pattern
is flatter, its deeper strands have more colour, not only less light, and where it meets the face or
ends it lies in its own shade.

Source: own; that colour deepens with the way of light through pigment is Lambert and Beer's law.
"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats
from unripple.ops.recolour import AS_IT_IS, DARK, LUMINANCE, Contrast, recoloured, within

_LIGHTER = 2.0
"""Times as bright from which hair counts as made lighter in full."""
_BROAD, _FINE = (0.2, 0.5), (0.45, 0.9)
"""Logarithms, above and below 0, beyond which the pattern of light hair hardly grows: glare and
shadow, and strands."""
_DEEPENED = 0.4  # how far deep strands follow Beer's law: they are lit from the side, too
_SHADOW = 0.4  # of what counts as hair at its edge
_SHADE, _SHADE_PX = 0.45, 2.2  # of light where hair ends; how broad that is, in coarse px


def lightened(
    light: Floats,
    share: Floats,
    before: Floats,
    after: Floats,
    *,
    contrast: Contrast = AS_IT_IS,
    coarse_px: float,
    pure: Floats,
) -> Floats:
    """Give hair another mean colour, which may be much lighter.

    Args:
        light: linear light, [H, W, 3].
        share: of hair in every pixel, [H, W] in [0, 1].
        before, after: its mean colour, [3].
        contrast: what becomes of the pattern of strands.
        coarse_px: size from which structure counts as coarse.
        pure: light of the hair alone, [H, W, 3].

    Returns:
        Linear light, [H, W, 3]; where the share is 0, the very values. Hair that becomes no lighter
        is `recoloured`.
    """
    mean, bright = (max(float(one @ LUMINANCE), DARK) for one in (before, after))
    made = recoloured(
        light, share, before, after, contrast=contrast, coarse_px=coarse_px, pure=pure
    )
    lighter = float(np.clip(np.log(bright / mean) / np.log(_LIGHTER), 0, 1))
    if not lighter:
        return made
    pattern = np.log(np.maximum(pure @ LUMINANCE, DARK) / mean).astype(np.float32)
    coarse = within(pattern, share, coarse_px)
    broad, fine = contrast.coarse * coarse, contrast.fine * (pattern - coarse)
    shaped = _bent(broad, _BROAD) + _bent(fine, _FINE)
    new = after * np.exp(shaped[..., None] * _deepening(after))
    new *= _in_own_shade(share, coarse_px)[..., None]
    # What strands reflect is as bright as it was, on whatever colour.
    new = np.maximum(new, np.minimum(pure, 1.0)).astype(np.float32)
    # Much of what is dark beside hair is its shadow, which light hair throws as well.
    mixed = light + share[..., None] * (new - (pure + _SHADOW * (light - pure)))
    mixed = np.clip(mixed, np.minimum(new, light), np.maximum(new, light))
    found: Floats = (made + lighter * (mixed - made)).astype(np.float32)
    return found


def _bent(pattern: Floats, knees: tuple[float, float]) -> Floats:
    knee = np.where(pattern > 0, *knees).astype(np.float32)
    bent: Floats = knee * np.arcsinh(pattern / knee)
    return bent


def _deepening(colour: Floats) -> Floats:
    """How fast each channel falls as strands get deeper, against their brightness, [3]."""
    own = np.log(np.clip(colour, DARK, 0.98))
    whole = np.log(np.clip(float(colour @ LUMINANCE), DARK, 0.98))
    # Between strands blue light of the sky comes back: without it blond would deepen to olive.
    own[2] = own[1]
    found: Floats = 1 + _DEEPENED * (own / whole - 1)
    return found


def _in_own_shade(share: Floats, coarse_px: float) -> Floats:
    """What of its light hair has near its border, [H, W]."""
    depth = cv2.GaussianBlur(share.astype(np.float32), (0, 0), _SHADE_PX * coarse_px)
    shade: Floats = 1 - _SHADE * np.clip(2 - 2 * depth, 0, 1)
    return shade
