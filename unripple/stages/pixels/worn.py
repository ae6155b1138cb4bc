"""Glasses put on a photographed face: rendered on the mean head, in its pose and its light.

The head is rendered with and without them. Where they are solid, their picture covers the photo;
elsewhere the photo is multiplied by the ratio of both, which is what lenses tint, and the shadow
that rims and arms cast on the skin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from unripple.conventions import Face, Floats
from unripple.ops.recolour import LUMINANCE, to_linear
from unripple.stages.families import FAMILIES
from unripple.stages.families.worn import WORN
from unripple.stages.interface import Direction
from unripple.stages.pixels.gates import GLASSES_AREA, Reduced
from unripple.stages.pixels.masks import CloseLook, Region, hair

if TYPE_CHECKING:
    from unripple.faceworld import RenderedFaces

WIDE, HIGH = 2.0, 1.0
"""Window that is rendered around the eyes, world units."""
FINEST, COARSEST = 0.0050, 0.0125
"""World units per rendered px."""
_YAW_MAX_DEG = 40.0
_LEAST_EYES_PX = 24.0  # distance of the eyes in the photograph
_SOLID = 4e-4  # inverse depth by which rims are nearer than the face
_DARKEST, _BRIGHTEST = 0.08, 1.3
_TELLING = 0.06  # linear light


class WornLayers(NamedTuple):
    """What is put on, in the close look.

    Attributes:
        colour: of what is solid, linear light, [s, s, 3].
        solid: how far it covers the photo, [s, s].
        ratio: what the photo's light is multiplied by elsewhere, [s, s, 3].
    """

    colour: Floats
    solid: Floats
    ratio: Floats


def put_on(
    light: Floats, look: CloseLook, name: str, direction: Direction, degree: float
) -> tuple[Floats, list[Reduced]]:
    """Put a thing on a face.

    Args:
        light: of the close look, linear, [s, s, 3].
        look: the face.
        name, direction, degree: what is asked.

    Returns:
        Its light with the thing, and what was held back.
    """
    why = _why_not(look, degree)
    if why:
        return light, [Reduced(name, degree, 0.0, why)]
    looks = FAMILIES[direction.family].looks
    assert looks is not None
    layers = _layers(look, light, looks(direction))
    region: Region = hair(look)
    # Hair falls over the arms.
    covered = layers.solid * (1 - region.share * region.trust)
    ratio = 1 + (layers.ratio - 1) * (1 - region.share[..., None])
    shaded = light * ratio
    made: Floats = shaded + covered[..., None] * (layers.colour - shaded)
    return made.astype(np.float32), []


def _why_not(look: CloseLook, degree: float) -> str:
    face = look.face
    across = float(np.hypot(*(face.landmarks[1] - face.landmarks[0])))
    if degree < 0:
        return "what is behind glasses is not in the photo, so none are taken off"
    if degree < WORN:
        return f"glasses are worn or not; ask for {WORN:g} or more"
    if int((face.labels == Face.GLASSES).sum()) > GLASSES_AREA * across**2:
        return "glasses are worn already"
    if abs(face.pose.yaw_deg) > _YAW_MAX_DEG:
        return f"the head looks {abs(face.pose.yaw_deg):.0f} degrees to the side"
    if across * face.px < _LEAST_EYES_PX:
        return f"the eyes are {across * face.px:.0f} px apart, and {_LEAST_EYES_PX:g} are needed"
    return ""


def _layers(look: CloseLook, light: Floats, looks: dict[str, float]) -> WornLayers:
    """The thing rendered, laid onto the close look."""
    import torch

    from unripple.faceworld import FACTORS, PITCH_MAX_DEG, ROLL_MAX_DEG, YAW_MAX_DEG, with_factors

    pose = look.face.pose
    factors = with_factors(
        torch.zeros(1, len(FACTORS)),
        yaw=pose.yaw_deg / YAW_MAX_DEG,
        pitch=pose.pitch_deg / PITCH_MAX_DEG,
        roll=-pose.roll_deg / ROLL_MAX_DEG,  # there the other way round
        light_azimuth=_azimuth(look, light),
        bald=1.0,
    )
    per_px = float(np.clip(1 / look.unit, FINEST, COARSEST))
    bare, worn = (_rendered(one, per_px) for one in (factors, with_factors(factors, **looks)))
    return _laid(look, light, bare, worn)


def _azimuth(look: CloseLook, light: Floats) -> float:
    """From which side the light comes, as the factor has it: by the cheeks' brightness."""
    bright = cv2.GaussianBlur((light @ LUMINANCE).astype(np.float32), (0, 0), 0.06 * look.unit)
    eyes, nose = look.face.landmarks[:2], look.face.landmarks[2]
    sides = []
    for eye in eyes:
        x, y = (np.array([eye[0], nose[1]]) * look.times).astype(int)
        high, wide = bright.shape
        sides.append(float(bright[np.clip(y, 0, high - 1), np.clip(x, 0, wide - 1)]))
    lean = np.log(max(sides[1], 1e-3) / max(sides[0], 1e-3))
    return float(np.clip(0.8 * lean, -1, 1))


def _rendered(factors: object, per_px: float) -> RenderedFaces:
    """The window around the eyes of one head."""
    import torch

    from unripple.faceworld import View, render
    from unripple.faceworld.camera import CAMERA_HEIGHT, CAMERA_Z
    from unripple.faceworld.shape import head_shift, rotation

    assert isinstance(factors, torch.Tensor)
    middle = rotation(factors)[0] @ torch.tensor([0.0, -0.05, 0.64]) + head_shift(factors)[0]
    times = CAMERA_Z / (CAMERA_Z - float(middle[2]))
    width, high = (8 * round(side / per_px / 8) for side in (WIDE, HIGH))
    view = View(
        width, high, float(middle[0]) * times, (float(middle[1]) - CAMERA_HEIGHT) * times, per_px
    )
    blank = torch.full((1, 3, high, width), 128, dtype=torch.uint8)
    return render(factors, torch.zeros(1, dtype=torch.long), view=view, plates=blank)


def _laid(look: CloseLook, light: Floats, bare: RenderedFaces, worn: RenderedFaces) -> WornLayers:
    side = look.picture.shape[0]
    before, after = (to_linear(one.photo[0].permute(1, 2, 0).numpy()) for one in (bare, worn))
    nearer = (worn.inverse_depth - bare.inverse_depth)[0].numpy() > _SOLID
    solid = cv2.GaussianBlur(nearer.astype(np.float32), (0, 0), 0.6)
    person = cv2.GaussianBlur((bare.alpha[0].numpy() > 127).astype(np.float32), (0, 0), 1.5)
    ratio = np.clip(after / np.maximum(before, 0.01), _DARKEST, _BRIGHTEST)
    # Of what is dark on the render, its eyes and brows, no ratio can be told: a lens tints all
    # behind it alike, and no shadow is looked for there.
    told = before.min(-1) > _TELLING
    lens = (worn.labels[0].numpy() == Face.GLASSES) & ~nearer
    behind = np.median(ratio[lens & told], axis=0) if (lens & told).any() else np.ones(3)
    ratio = np.where(told[..., None], ratio, 1.0)
    ratio = cv2.GaussianBlur(ratio.astype(np.float32), (0, 0), 1.5)
    ratio = np.where(lens[..., None], behind, ratio)
    ratio = 1 + (ratio - 1) * (person * (1 - nearer))[..., None]
    # Rims are as bright as the light on this face, not as that of the render.
    known = bare.landmarks[0, :3].double().numpy()
    observed = look.face.landmarks[:3].astype(np.float64) * look.times
    affine, _ = cv2.estimateAffinePartial2D(known, observed, method=cv2.LMEDS)
    if affine is None:
        affine = cv2.getAffineTransform(known.astype(np.float32), observed.astype(np.float32))
    x, y = observed[2].astype(int).clip(0, side - 1)
    skin = float(np.median(light[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] @ LUMINANCE))
    there = known[2].astype(int)
    skin_there = float(
        before[there[1].clip(0, before.shape[0] - 1)][there[0].clip(0, before.shape[1] - 1)]
        @ LUMINANCE
    )
    exposure = float(np.clip(skin / max(skin_there, 0.02), 0.3, 2.5))

    def onto(layer: Floats, beyond: float) -> Floats:
        laid: Floats = cv2.warpAffine(
            layer.astype(np.float32), affine, (side, side), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT, borderValue=(beyond,) * 4,
        )  # fmt: skip
        return laid

    return WornLayers(onto(after * exposure, 0.0), onto(solid, 0.0), onto(ratio, 1.0))
