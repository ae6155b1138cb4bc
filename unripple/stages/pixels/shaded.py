"""Details of the skin (wrinkles, a beard, make-up) laid onto a photographed face, in any pose."""

from __future__ import annotations

import cv2
import numpy as np

from unripple.conventions import Face, Floats
from unripple.ops.shaping import on_head
from unripple.stages.families import FAMILIES
from unripple.stages.families.detail import PER_PX, WINDOW
from unripple.stages.interface import Direction
from unripple.stages.pixels import softened, stubble
from unripple.stages.pixels.gates import Reduced
from unripple.stages.pixels.look import EYES, INNER_LIPS, LIPS, CloseLook
from unripple.stages.pixels.sharpness import as_sharp, blur_px

LEAST_FACE_PX = 90.0
"""Width of a face in the photograph below which no detail of its skin is seen."""
SEEN, GONE = 0.03, 0.06
"""Blur of a face, head units, up to which a detail of its skin is seen as it is, and from which
nothing of it is."""
_WIDTH = 1.24  # of the mean face, head units
_OFF_LIPS = ("wrinkles", "bags", "beard", "moustache", "stubble", "freckles")


def shaded_by(
    light: Floats, look: CloseLook, name: str, direction: Direction, degree: float
) -> tuple[Floats, list[Reduced]]:
    """Lay a detail onto a face.

    Args:
        light: of the close look, linear, [s, s, 3].
        look: the face.
        name, direction, degree: what is asked.

    Returns:
        Its light with the detail, and what was held back.
    """
    face = look.face
    width = _WIDTH * face.pose.scale * face.px
    if width < LEAST_FACE_PX:
        why = f"the face is {width:.0f} px wide in this photo, and {LEAST_FACE_PX:g} are needed"
        return light, [Reduced(name, degree, 0.0, why)]
    if degree < 0 and name not in softened.WORDS:
        why = "what is beneath it is not in the photo, so none is taken away"
        return light, [Reduced(name, degree, 0.0, why)]
    blur = blur_px(look)
    seen = float(np.clip((GONE - blur / look.unit) / (GONE - SEEN), 0, 1))
    reduced = []
    if seen < 1:
        # px of the photograph, as whoever took it would say it
        wide = 2.5 * blur / look.times * face.px
        why = f"the face is blurred in this photo: its edges are {wide:.0f} px wide"
        reduced.append(Reduced(name, degree, round(degree * seen, 3), why))
    if not seen:
        return light, reduced
    if name in softened.WORDS:
        light = softened.with_own(light, look, name, degree * seen)
    if degree < 0:
        return light, reduced
    shading = FAMILIES[direction.family].shading
    assert shading is not None
    picture, per_px = shading(direction, degree * seen), PER_PX
    if name in stubble.WORDS:
        picture, per_px = stubble.in_hairs(picture), PER_PX / stubble.FINER
        px = 1 / (per_px * look.unit)  # of hairs per px of the look, which shows their mean
        picture = cv2.GaussianBlur(picture, (0, 0), max(px / 2, 0.3))
    side, (high, wide) = look.picture.shape[0], picture.shape[:2]
    places, inside = on_head(face.laid, face.points)
    x = (places[0] - WINDOW.left) / (WINDOW.right - WINDOW.left) * wide - 0.5
    y = (places[1] - WINDOW.top) / (WINDOW.bottom - WINDOW.top) * high - 0.5
    x, y, share = (
        cv2.resize(axis.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
        for axis in (x, y, inside)
    )
    logarithm = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    logarithm = as_sharp(logarithm, look, per_px * look.unit / 2)
    made: Floats = light * np.exp(logarithm * (share * _bare(look, name))[..., None])
    return made.astype(np.float32), reduced


def _bare(look: CloseLook, name: str) -> Floats:
    """Where skin shows: not on eyes, lips, glasses, nor on hair that falls over the face."""
    face, side = look.face, look.picture.shape[0]
    hidden = np.isin(face.labels, (Face.GLASSES, Face.HAT)).astype(np.float32)
    free: Floats = 1 - cv2.resize(hidden, (side, side), interpolation=cv2.INTER_LINEAR)
    if face.mesh is None:
        return free
    soft = max(0.008 * look.unit, 0.6)
    outlines = [*EYES, *([LIPS] if name in _OFF_LIPS else [INNER_LIPS])]
    for outline in outlines:
        free = free * (1 - cv2.GaussianBlur(look.polygon(outline), (0, 0), soft))
    return free
