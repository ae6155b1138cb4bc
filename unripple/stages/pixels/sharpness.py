"""How sharp a photographed face is: what is laid onto it must be no sharper.

A step that a lens blurs by a Gaussian has a slope of one over its sigma. Blurred once more, by a
known sigma, it has less; the ratio of both slopes tells the first.

Source: Zhuo, Sim 2011, "Defocus map estimation from a single image", section 3.
"""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Floats, Mask
from unripple.stages.pixels.look import CloseLook, small_of

_AGAIN_PX = 3.0
_STEEP = 99.0
"""Percentile of the slopes of a face that are its steps: lids, brows, nostrils, lips."""
_LARGEST_PX = 512
_OF_SLOPES = 0.5  # variance by which differences of pixels blur themselves
SHARP_PX = 0.5
"""Blur of the sharpest photographs."""


def blur_px(look: CloseLook) -> float:
    """Usual deviation of the blur of a face's steps, px of the close look."""
    side = look.picture.shape[0]
    times = min(1.0, _LARGEST_PX / side)
    grey = cv2.cvtColor(look.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if times < 1:
        grey = cv2.resize(grey, None, fx=times, fy=times, interpolation=cv2.INTER_AREA)
    oval = small_of(look).oval.astype(np.float32)
    inside = cv2.resize(oval, grey.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
    return blur_of(grey, inside) / times if inside.any() else SHARP_PX


def blur_of(grey: Floats, inside: Mask) -> float:
    """Usual deviation of the blur of a picture's steps, px, at least `SHARP_PX`.

    Args:
        grey: levels, float32 [H, W].
        inside: where steps are looked for, bool [H, W].
    """
    once, again = _slope(grey), _slope(cv2.GaussianBlur(grey, (0, 0), _AGAIN_PX))
    steps = inside & (once >= np.percentile(once[inside], _STEEP))
    ratio = float(np.median(once[steps] / np.maximum(again[steps], 1e-3)))
    variance = _AGAIN_PX**2 / max(ratio**2 - 1, 1e-3) - _OF_SLOPES
    return float(np.sqrt(max(variance, SHARP_PX**2)))


def as_sharp(layer: Floats, look: CloseLook, own_px: float) -> Floats:
    """A layer as blurred as the face.

    Args:
        layer: of the close look, [s, s] or [s, s, K].
        look: the face.
        own_px: by how much the layer is blurred already.
    """
    more = np.sqrt(max(blur_px(look) ** 2 - own_px**2, 0.0))
    if more < SHARP_PX:
        return layer
    blurred: Floats = cv2.GaussianBlur(layer, (0, 0), float(more))
    return blurred


def _slope(grey: Floats) -> Floats:
    found: Floats = np.hypot(
        *(cv2.Sobel(grey, cv2.CV_32F, *axis, ksize=3) for axis in ((1, 0), (0, 1)))
    )
    return found
