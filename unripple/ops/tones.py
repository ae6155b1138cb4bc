"""Grey and toned photographs: one chroma for each level of light, and pictures brought to it.

Generators were trained on colour photographs and give every face brown skin. What a photograph has
no chroma of, its edit has none of, and a sepia print stays one.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Photo

_LUMA = np.array([0.299, 0.587, 0.114])  # BT.601, which JPEG and "L" pictures mean by grey
_BLUE, _RED = 2 * (1 - _LUMA[2]), 2 * (1 - _LUMA[0])
_LEVELS = np.arange(256.0)
_SMOOTH_LEVELS = 6.0  # no chemical or digital toning turns within fewer levels
_WINDOW = 1 / 16  # of the side: wider than a JPEG's blocks, narrower than an eye or a mouth
# Measured on 13 photographs: toned ones, also as JPEG at quality 60 and WebP at 75, stray by up to
# 4 levels (7 where the tone itself has a chroma of 80); colour ones by 24 to 59, and by 5 to 12
# once four fifths of their colour are taken. Between the two tones of a split toning, codecs and
# shrinking mix what lies side by side: by up to a sixth of how far the tone turns.
_STRAY_LEVELS, _STRAY_SHARE, _TURN_SHARE = 2.0, 0.1, 0.1
_GREY_LEVELS = 1.0  # a tone weaker than the rounding of a colour conversion is none


class Tone(NamedTuple):
    """The chroma of each level of light, in levels.

    Attributes:
        blue: blue minus luma, as BT.601 scales it, [256].
        red: red minus luma, [256].
    """

    blue: Floats
    red: Floats


_GREY = Tone(np.zeros(256), np.zeros(256))


def tone_of(photo: Photo) -> Tone | None:
    """The tone of a photograph that has but one; None for a colour photograph.

    Args:
        photo: uint8 [H, W, 3].
    """
    if (photo == photo[..., :1]).all():
        return _GREY
    luma, *chroma = _split(photo)
    blue, red = (_curve(luma, axis) for axis in chroma)
    levels = np.unique(np.rint(luma).astype(int))
    strength = float(np.hypot(blue, red)[levels].max())
    turn = float(np.hypot(np.ptp(blue[levels]), np.ptp(red[levels])))
    stray = max(
        _stray(axis - np.interp(luma, _LEVELS, curve))
        for axis, curve in zip(chroma, (blue, red), strict=True)
    )
    if stray > _STRAY_LEVELS + _STRAY_SHARE * strength + _TURN_SHARE * turn:
        return None
    return _GREY if strength < _GREY_LEVELS else Tone(blue, red)


def toned(picture: Photo, tone: Tone) -> Photo:
    """A picture in another one's tone: its light stays, up to rounding.

    Args:
        picture: uint8 [H, W, 3].
        tone: from `tone_of`.

    Returns:
        uint8 [H, W, 3]; in a grey tone the three channels are one.
    """
    luma = picture @ _LUMA
    blue, red = (np.interp(luma, _LEVELS, curve) for curve in tone)
    # What keeps the luma: the weighted chroma of the three channels sums to 0.
    green = -(_LUMA[0] * _RED * red + _LUMA[2] * _BLUE * blue) / _LUMA[1]
    channels = [luma + _RED * red, luma + green, luma + _BLUE * blue]
    return np.rint(np.clip(np.stack(channels, axis=-1), 0, 255)).astype(np.uint8)


def _split(photo: Photo) -> tuple[Floats, Floats, Floats]:
    """Luma, and the chroma of blue and red, [H, W] each."""
    luma: Floats = photo @ _LUMA
    return luma, (photo[..., 2] - luma) / _BLUE, (photo[..., 0] - luma) / _RED


def _curve(luma: Floats, chroma: Floats) -> Floats:
    """Mean chroma by level of light, smooth, [256]; levels that do not occur ask the nearest."""
    levels = np.rint(luma).astype(int).ravel()
    kernel = np.exp(-0.5 * (np.arange(-255, 256) / _SMOOTH_LEVELS) ** 2)
    counts = np.bincount(levels, minlength=256).astype(float)
    sums = np.bincount(levels, chroma.ravel(), minlength=256)
    weights, weighted = (np.convolve(column, kernel)[255:511] for column in (counts, sums))
    occurring = weights > 1e-3
    return np.interp(_LEVELS, _LEVELS[occurring], weighted[occurring] / weights[occurring])


def _stray(residual: Floats) -> float:
    """The farthest that any small area's mean is from the curve: noise averages out, paint not."""
    window = max(1, round(min(residual.shape) * _WINDOW))
    mean = cv2.blur(residual, (window, window), borderType=cv2.BORDER_REPLICATE)
    return float(np.abs(mean).max())
