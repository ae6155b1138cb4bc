"""The mean head rendered in pose, light and camera of a photo, and laid onto its head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from unripple.conventions import Face, Floats
from unripple.ops.recolour import LUMINANCE, to_linear
from unripple.stages.pixels.look import CloseLook
from unripple.stages.pixels.sharpness import as_sharp

if TYPE_CHECKING:
    from unripple.faceworld import RenderedFaces

COARSEST = 0.0125
"""World units per rendered px at most."""
_SOLID = 4e-4  # inverse depth by which what is worn is nearer than the face
_DARKEST, _BRIGHTEST = 0.08, 1.3
_TELLING = 0.06  # linear light


class RenderedWindow(NamedTuple):
    """What of a head is rendered, world units.

    Attributes:
        x, y, z: its middle in the head's frame.
        wide, high: its sides.
        finest: units per px at least.
    """

    x: float
    y: float
    z: float
    wide: float
    high: float
    finest: float


EYES = RenderedWindow(0.0, -0.05, 0.64, 2.0, 1.0, 0.005)
HAT = RenderedWindow(0.0, 0.50, 0.10, 3.0, 2.0, 0.010)
"""The hat and the eyes, by which it is laid onto the photo; felt and wool have no fine edges."""


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


class RenderedPair(NamedTuple):
    """A head without a thing and with it, alike in all else, and from render to close look, px."""

    bare: RenderedFaces
    worn: RenderedFaces
    affine: Floats


def rendered_pair(
    look: CloseLook, light: Floats, looks: Mapping[str, float], window: RenderedWindow
) -> RenderedPair:
    """Render the mean head as the photo's, with a thing and without.

    Args:
        look: the face.
        light: of the close look, linear, [s, s, 3].
        looks: factors of the thing.
        window: what of it.
    """
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
    per_px = float(np.clip(1 / look.unit, window.finest, COARSEST))
    bare, worn = (
        _rendered(one, per_px, window) for one in (factors, with_factors(factors, **looks))
    )
    # By the eyes alone: noses differ, and would tilt what is laid onto the eyes.
    known = bare.landmarks[0, :2].double().numpy()
    observed = look.face.landmarks[:2].astype(np.float64) * look.times
    return RenderedPair(bare, worn, _similarity(known, observed))


def _similarity(known: Floats, observed: Floats) -> Floats:
    """The map that takes two points to two others: turned, resized and moved, [2, 3]."""
    one, other = (complex(*(pair[1] - pair[0])) for pair in (known, observed))
    times = other / one
    linear = np.array([[times.real, -times.imag], [times.imag, times.real]])
    return np.column_stack((linear, observed[0] - linear @ known[0]))


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


def _rendered(factors: object, per_px: float, window: RenderedWindow) -> RenderedFaces:
    """The window of one head."""
    import torch

    from unripple.faceworld import View, render
    from unripple.faceworld.camera import CAMERA_HEIGHT, CAMERA_Z
    from unripple.faceworld.shape import head_shift, rotation

    assert isinstance(factors, torch.Tensor)
    middle = (
        rotation(factors)[0] @ torch.tensor((window.x, window.y, window.z)) + head_shift(factors)[0]
    )
    times = CAMERA_Z / (CAMERA_Z - float(middle[2]))
    width, high = (8 * round(side / per_px / 8) for side in (window.wide, window.high))
    view = View(
        width, high, float(middle[0]) * times, (float(middle[1]) - CAMERA_HEIGHT) * times, per_px
    )
    blank = torch.full((1, 3, high, width), 128, dtype=torch.uint8)
    return render(factors, torch.zeros(1, dtype=torch.long), view=view, plates=blank)


def laid(look: CloseLook, light: Floats, pair: RenderedPair) -> WornLayers:
    """Lay what is worn onto the close look.

    Args:
        look: the face.
        light: of the close look, linear, [s, s, 3].
        pair: the renders.
    """
    side = look.picture.shape[0]
    bare, worn, affine = pair
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
    exposure = _exposure(look, light, before, pair)
    per_px = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))  # of the render, in the close look

    def onto(layer: Floats, beyond: float) -> Floats:
        found: Floats = cv2.warpAffine(
            layer.astype(np.float32), affine, (side, side), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT, borderValue=(beyond,) * 4,
        )  # fmt: skip
        return as_sharp(found, look, 0.6 * per_px)

    return WornLayers(onto(after * exposure, 0.0), onto(solid, 0.0), onto(ratio, 1.0))


def _exposure(look: CloseLook, light: Floats, before: Floats, pair: RenderedPair) -> float:
    """What is worn is as bright as the light on this face, not that of the render: by the nose."""
    side = look.picture.shape[0]
    x, y = (look.face.landmarks[2] * look.times).astype(int).clip(0, side - 1)
    skin = float(np.median(light[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] @ LUMINANCE))
    there = pair.bare.landmarks[0, 2].numpy().astype(int)
    row = before[there[1].clip(0, before.shape[0] - 1)]
    skin_there = float(row[there[0].clip(0, before.shape[1] - 1)] @ LUMINANCE)
    return float(np.clip(skin / max(skin_there, 0.02), 0.3, 2.5))
