"""Things put on a photographed face: rendered on the mean head, in its pose and its light.

The head is rendered with and without them. Where they are solid, their picture covers the photo;
elsewhere the photo is multiplied by the ratio of both, which is what lenses tint, and the shadow
that rims, arms and brims cast on the skin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unripple.conventions import Face, Floats, Labels
from unripple.stages.families import FAMILIES
from unripple.stages.families.worn import WORN
from unripple.stages.interface import Direction
from unripple.stages.pixels.gates import GLASSES_AREA, Reduced
from unripple.stages.pixels.hair import hair, hat_of
from unripple.stages.pixels.hats import fitted
from unripple.stages.pixels.look import CloseLook, Region, small_of
from unripple.stages.pixels.rendered import EYES, HAT, WornLayers, laid, rendered_pair

_YAW_MAX_DEG = 40.0
_LEAST_EYES_PX = 24.0  # distance of the eyes in the photograph


class PutOn(NamedTuple):
    """A face with a thing on.

    Attributes:
        light: of the close look, linear, [s, s, 3].
        labels: parts of the face with it, uint8 [S, S] of the crop; None where they stay.
        reduced: what was held back.
    """

    light: Floats
    labels: Labels | None
    reduced: list[Reduced]


def put_on(light: Floats, look: CloseLook, name: str, direction: Direction, degree: float) -> PutOn:
    """Put a thing on a face.

    Args:
        light: of the close look, linear, [s, s, 3].
        look: the face.
        name, direction, degree: what is asked.
    """
    looks = FAMILIES[direction.family].looks
    assert looks is not None
    factors = looks(direction)
    is_hat = factors.get("hat", 0.0) > 0
    why = _why_not(look, degree, "a hat" if is_hat else "glasses")
    if why:
        return PutOn(light, None, [Reduced(name, degree, 0.0, why)])
    pair = rendered_pair(look, light, factors, HAT if is_hat else EYES)
    if is_hat:
        hat = fitted(look, laid(look, light, pair), pair)
        if hat.why:
            return PutOn(light, None, [Reduced(name, degree, 0.0, hat.why)])
        return PutOn(_covered(light, hat.layers, hat.layers.solid), hat.labels, [])
    layers = laid(look, light, pair)
    region: Region = hair(look)
    # Hair falls over the arms.
    behind = region.share[..., None]
    layers = layers._replace(ratio=1 + (layers.ratio - 1) * (1 - behind))
    return PutOn(
        _covered(light, layers, layers.solid * (1 - region.share * region.trust)), None, []
    )


def _covered(light: Floats, layers: WornLayers, solid: Floats) -> Floats:
    shaded = light * layers.ratio
    made: Floats = shaded + solid[..., None] * (layers.colour - shaded)
    return made.astype(np.float32)


def _why_not(look: CloseLook, degree: float, what: str) -> str:
    face = look.face
    across = float(np.hypot(*(face.landmarks[1] - face.landmarks[0])))
    hat = what == "a hat"
    if degree < 0 and hat:
        return "what is under a hat is not in the photo, so none is taken off"
    if degree < 0:
        return "what is behind glasses is not in the photo, so none are taken off"
    if degree < WORN and hat:
        return f"a hat is worn or not; ask for {WORN:g} or more"
    if degree < WORN:
        return f"glasses are worn or not; ask for {WORN:g} or more"
    if not hat and int((face.labels == Face.GLASSES).sum()) > GLASSES_AREA * across**2:
        return "glasses are worn already"
    if hat and hat_of(small_of(look)).any():
        return "a hat is worn already"
    if abs(face.pose.yaw_deg) > _YAW_MAX_DEG:
        return f"the head looks {abs(face.pose.yaw_deg):.0f} degrees to the side"
    if across * face.px < _LEAST_EYES_PX:
        return f"the eyes are {across * face.px:.0f} px apart, and {_LEAST_EYES_PX:g} are needed"
    return ""
