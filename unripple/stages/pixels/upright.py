"""The head upright: a window of the close look along the head's own axes, where hair is drawn."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats
from unripple.ops.recolour import LUMINANCE, within
from unripple.stages.pixels.look import CloseLook, Region
from unripple.stages.pixels.sharpness import SHARP_PX, blur_px

_FINE, _COARSE_UNIT = 2.0, 140.0
"""px of the window per px of the look; of looks that have more px per head unit, the second."""
_FINE_LARGE = 1.5
_OWN_BLUR = 0.5  # px of the look, by which drawing blurs
_BROAD = 0.07  # head units: broader than a lock of hair
_SURE = 0.95
_UPPER = 0.0  # head units below the head's centre
_DARK = 2e-3
_COMPARED = 70.0  # px per head unit at which strands of photographs of all sizes are compared


class UprightWindow(NamedTuple):
    """What is seen of a head, head units from its centre: x right, y down."""

    left: float
    top: float
    right: float
    bottom: float


class Upright(NamedTuple):
    """A head in a window.

    Attributes:
        light: linear, [H, W, 3].
        hair: the share of hair, [H, W].
        low: broad light of the hair, continued beyond it, [H, W, 3].
        usual: the usual light of the hair of the upper head, [3].
        spread: usual deviation of the logarithm of light from strand to strand.
        alike: how much neighbouring strands run the same way, from 0 (curls) to 1.
        unit: px per head unit.
        window: what is seen.
        to_look: from px of the window to those of the close look, [2, 3].
    """

    light: Floats
    hair: Floats
    low: Floats
    usual: Floats
    spread: float
    alike: float
    unit: float
    window: UprightWindow
    to_look: Floats

    def of_look(self, points: Floats) -> Floats:
        """Points of the close look, px, in the window."""
        inverse = cv2.invertAffineTransform(self.to_look)
        found: Floats = points @ inverse[:, :2].T + inverse[:, 2]
        return found

    def taken(self, layer: Floats) -> Floats:
        """A layer of the close look in the window."""
        high, wide = self.hair.shape
        return _taken(layer, self.to_look, (wide, high))

    def row(self, down: float) -> float:
        """The row at a place, head units."""
        return (down - self.window.top) * self.unit

    def column(self, right: float) -> float:
        """The column at a place, head units."""
        return (right - self.window.left) * self.unit


def upright(look: CloseLook, light: Floats, region: Region, window: UprightWindow) -> Upright:
    """See a head upright.

    Args:
        look: the face.
        light: its light by now, linear, [s, s, 3].
        region: its hair.
        window: what is seen.
    """
    pose = look.face.pose
    fine = _FINE if look.unit < _COARSE_UNIT else _FINE_LARGE
    unit = look.unit * fine
    angle = np.radians(pose.roll_deg)
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corner = np.array((window.left, window.top)) * look.unit
    at = np.array(pose.centre) * look.times + turned @ corner - 0.5
    to_look = np.column_stack((turned / fine, at))
    size = (
        round((window.right - window.left) * unit),
        round((window.bottom - window.top) * unit),
    )
    own = light if region.own is None else np.maximum(region.own + (light - look.light), 0)
    light, own, hair = (_taken(one, to_look, size) for one in (light, own, region.share))
    sure = hair * (cv2.blur(hair, (2 * round(0.03 * unit) + 1,) * 2) > _SURE)
    sure = sure if sure.any() else hair
    # As the eye sees it: in light itself what shines would count most.
    low = np.exp(_broad(np.log(np.maximum(own, _DARK)), sure, unit))
    upper = sure > _SURE
    upper[round((_UPPER - window.top) * unit) :] = False
    usual = np.median(own[upper if upper.any() else sure > 0.5], axis=0)
    bright = np.log(np.maximum(own @ LUMINANCE, _DARK)).astype(np.float32)
    fine_light = (bright - within(bright, sure, 0.04 * unit))[sure > _SURE]
    spread = float(fine_light.std()) if len(fine_light) else 0.1
    alike = _alike(light, hair, unit)
    usual = np.maximum(usual, _DARK)
    return Upright(light, hair, low, usual, spread, alike, unit, window, to_look)


def _taken(layer: Floats, to_look: Floats, size: tuple[int, int]) -> Floats:
    found: Floats = cv2.warpAffine(
        layer.astype(np.float32), to_look, size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return found


def _broad(light: Floats, sure: Floats, unit: float) -> Floats:
    """The mean light of what is sure, continued as far as it takes."""
    high, wide = sure.shape
    times = _COMPARED / unit  # what is broad is as well seen when small
    size = (round(wide * times), round(high * times))
    known = cv2.resize(sure, size, interpolation=cv2.INTER_AREA)
    weighed = cv2.resize(light * sure[..., None], size, interpolation=cv2.INTER_AREA)
    found, weight = np.zeros_like(weighed), np.zeros_like(known)
    for broader in (1.0, 3.0, 9.0):
        sigma = broader * _BROAD * _COMPARED
        seen = cv2.GaussianBlur(known, (0, 0), sigma)
        mean = cv2.GaussianBlur(weighed, (0, 0), sigma)
        free = np.clip(1 - weight, 0, 1) * np.clip(8 * seen, 0, 1)
        found += (free / (seen + 1e-5))[..., None] * mean
        weight += free
    near = found / np.maximum(weight, 1e-4)[..., None]
    grown: Floats = cv2.resize(near, (wide, high), interpolation=cv2.INTER_LINEAR)
    return grown


def _alike(light: Floats, hair: Floats, unit: float) -> float:
    """How much strands of the upper head run as their neighbours do: the coherence of the
    structure tensor, by the strength of what is seen of them."""
    times = _COMPARED / unit
    bright = np.log(np.maximum(light @ LUMINANCE, _DARK)).astype(np.float32)
    bright = cv2.resize(bright, None, fx=times, fy=times, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(hair, bright.shape[::-1], interpolation=cv2.INTER_AREA) > _SURE
    across, down = cv2.Sobel(bright, cv2.CV_32F, 1, 0), cv2.Sobel(bright, cv2.CV_32F, 0, 1)
    tensor = (across * across, across * down, down * down)
    xx, xy, yy = (cv2.GaussianBlur(one * inside, (0, 0), 0.1 * _COMPARED) for one in tensor)
    strength = np.maximum(xx + yy, 1e-9)
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / strength
    inner = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if not inner.any():
        return 1.0
    return float((coherence * strength)[inner].sum() / strength[inner].sum())


def laid_on(
    look: CloseLook, seen: Upright, light: Floats, colours: Floats, matte: Floats, shade: Floats
) -> tuple[Floats, Floats]:
    """Lay what is drawn in the window onto the close look, as sharp as the face is.

    Args:
        look: the face.
        seen: the window.
        light: of the close look, linear, [s, s, 3].
        colours: what is drawn, linear light, [H, W, 3].
        matte: how far it covers, [H, W].
        shade: what light behind it is multiplied by, [H, W].

    Returns:
        Light of the close look, and how far it is covered, [s, s].
    """
    fine = seen.unit / look.unit
    more = np.sqrt(max(blur_px(look) ** 2 - _OWN_BLUR**2, 0.0))

    def onto(layer: Floats) -> Floats:
        smooth = cv2.GaussianBlur(layer, (0, 0), 0.4 * fine)
        side = look.picture.shape[0]
        found: Floats = cv2.warpAffine(
            smooth, seen.to_look, (side, side),
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0),
        )  # fmt: skip
        return found if more < SHARP_PX else cv2.GaussianBlur(found, (0, 0), float(more))

    cover, covered = onto(matte), onto(colours * matte[..., None])
    made = light * (1 - onto(1 - shade))[..., None] * (1 - cover[..., None]) + covered
    untouched = (cover <= 0) & (onto(1 - shade) <= 0)
    result: Floats = np.where(untouched[..., None], light, made).astype(np.float32)
    return result, cover
