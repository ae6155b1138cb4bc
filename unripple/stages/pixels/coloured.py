"""Colours of a face changed on the photo's own pixels, part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Labels, Photo
from unripple.ops.geometry import compose, resample
from unripple.ops.recolour import LUMINANCE, mean_colour, recoloured, to_levels, to_linear
from unripple.ops.strands import lightened
from unripple.ops.tones import tone_of
from unripple.stages.align import Aligned
from unripple.stages.families import FAMILIES
from unripple.stages.interface import Direction, Work
from unripple.stages.pixels.face import SeenFace
from unripple.stages.pixels.fringe import with_fringe
from unripple.stages.pixels.gates import Reduced
from unripple.stages.pixels.hair import hair
from unripple.stages.pixels.look import CloseLook, Region
from unripple.stages.pixels.masks import REGIONS, irises, lips
from unripple.stages.pixels.shaded import shaded_by
from unripple.stages.pixels.worn import put_on

LARGEST_PX = 1024
"""Side of the close look. What is finer keeps its own light and takes the colour along."""
LEAST_IRIS_PX = 4.0
"""Width of an iris in the photograph below which nobody sees its colour."""
LEAST_LIPS_PX = 24.0
FRINGE = "fringe"
_TRUSTED = 0.98
_BRIGHTEST: Mapping[str, float] = {"iris": 2.2, "lipstick": 1.05}
"""How much brighter than before a part may become."""
_VISIBLE = 0.4  # levels
_COARSE = 0.03  # head units: broader than a strand of hair, finer than a wave of it


class Coloured(NamedTuple):
    """What colouring adds to a photo.

    Attributes:
        tint: levels to add in the crop's frame, float16 [3, s, s]; None where nothing is.
        reduced: what was held back, and why.
        labels: the face's parts where something that was put on changes them, uint8 [S, S].
    """

    tint: Floats | None
    reduced: list[Reduced]
    labels: Labels | None = None


Regions = dict[Callable[[CloseLook], Region], Region]
"""Parts of a face by what finds them."""


def close_look(work: Work, face: SeenFace, largest_px: int = LARGEST_PX) -> CloseLook:
    """The photograph around the face, as large as it shows it."""
    assert work.photo is not None
    side = int(np.clip(round(face.size * face.px), face.size, max(largest_px, face.size)))
    times = side / face.size
    smaller = np.array([[1 / times, 0.0, 0.0], [0.0, 1 / times, 0.0]])
    transform = compose(work.input(Aligned, "align").transform, smaller)
    picture: Photo = resample(work.photo.srgb, transform, width=side, height=side)
    return CloseLook(picture, times, face)


def coloured(
    work: Work,
    face: SeenFace,
    words: Mapping[str, tuple[Direction, float]],
    *,
    largest_px: int = LARGEST_PX,
    regions: Regions | None = None,
) -> Coloured:
    """Colour the parts that an edit asks for.

    Args:
        work: of stage `edit`.
        face: in the crop.
        words: direction and degree by name.
        largest_px: side of the close look.
        regions: what was found before, by such a look; more is added to it.
    """
    asked = {name: words[name] for name in REGIONS if name in words and words[name][1]}
    worn = {name: one for name, one in words.items() if one[1] and _is_worn(one[0])}
    shaded = {name: one for name, one in words.items() if one[1] and _shades(one[0])}
    grown = {name: one for name, one in words.items() if one[1] and name == FRINGE}
    if not asked and not worn and not shaded and not grown:
        return Coloured(None, [])
    look = close_look(work, face, largest_px)
    light, reduced = to_linear(look.picture), []
    before, labels = to_levels(light), None
    found: Regions = {} if regions is None else regions
    for name, (direction, degree) in asked.items():
        part = REGIONS[name]
        why = _too_small(part, look) or _toneless(name, look)
        if not why:
            if part not in found:
                found[part] = part(look)
            region = found[part]
            why = region.why
            if region.trust > 0:
                light = _one(light, region, (name, direction, degree), look)
        used = 0.0 if why and (part not in found or not found[part].trust) else degree
        if used and found[part].trust < _TRUSTED:
            used = round(degree * found[part].trust, 3)
            why = why or "the edges of that part are doubtful here"
        if why:
            reduced.append(Reduced(name, degree, used, why))
    for name, (direction, degree) in shaded.items():
        light, held = shaded_by(light, look, name, direction, degree)
        reduced += held
    for name, (direction, degree) in grown.items():
        if hair not in found:
            found[hair] = hair(look)
        form = FAMILIES[direction.family].form
        assert form is not None
        light, labels, why = with_fringe(light, look, found[hair], form(direction, degree))
        reduced += [Reduced(name, degree, 0.0, why)] if why else []
    for name, (direction, degree) in worn.items():
        light, parts, held = put_on(light, look, name, direction, degree)
        labels = labels if parts is None else parts
        reduced += held
    tint = to_levels(light) - before
    tint[np.abs(tint).max(-1) < _VISIBLE] = 0
    if not tint.any():
        return Coloured(None, reduced)
    return Coloured(np.moveaxis(tint, -1, 0).astype(np.float16), reduced, labels)


def _shades(direction: Direction) -> bool:
    return FAMILIES[direction.family].shading is not None


def _is_worn(direction: Direction) -> bool:
    return FAMILIES[direction.family].looks is not None


def _one(
    light: Floats, region: Region, word: tuple[str, Direction, float], look: CloseLook
) -> Floats:
    name, direction, degree = word
    recolour = FAMILIES[direction.family].recolour
    assert recolour is not None
    mean = mean_colour(light, region.share)
    after, contrast = recolour(direction, degree, mean)
    if name in _BRIGHTEST:  # no iris shines in the shade of its lids, nor lips in that of a face
        most = _BRIGHTEST[name] * float(mean @ LUMINANCE)
        after = after * min(1.0, most / max(float(after @ LUMINANCE), 1e-4))
    share = region.share * np.float32(region.trust)
    coarse_px = max(1.0, _COARSE * look.unit)
    if region.own is not None:
        return lightened(
            light, share, mean, after, contrast=contrast, coarse_px=coarse_px, pure=region.own
        )
    return recoloured(
        light,
        share,
        mean,
        after,
        contrast=contrast,
        coarse_px=coarse_px,
        shines=name in ("skin", "lipstick"),
    )


def _too_small(part: object, look: CloseLook) -> str:
    face = look.face
    if part is irises and face.mesh is not None:
        width = float(np.hypot(*(face.mesh[33] - face.mesh[133]))) * 0.41 * face.px
        if width < LEAST_IRIS_PX:
            return f"an iris is {width:.1f} px wide in this photo, and {LEAST_IRIS_PX:g} are needed"
    if part is lips:
        width = float(np.hypot(*(face.landmarks[4] - face.landmarks[3]))) * face.px
        if width < LEAST_LIPS_PX:
            return f"the mouth is {width:.0f} px wide here, and {LEAST_LIPS_PX:g} are needed"
    return ""


def _toneless(name: str, look: CloseLook) -> str:
    """Why a photo without colours takes none."""
    if name in ("hair_light", "grey", "skin", "brow_light") or tone_of(look.picture) is None:
        return ""
    return "the photo has no colours"


def smaller(tint: Floats, size: int) -> Floats:
    """A tint at another side, float32 [n, n, 3]."""
    levels = np.ascontiguousarray(np.moveaxis(tint, 0, -1), dtype=np.float32)
    if levels.shape[0] == size:
        return levels
    found: Floats = cv2.resize(levels, (size, size), interpolation=cv2.INTER_AREA)
    return found
