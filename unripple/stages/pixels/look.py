"""A face seen closely, and parts of it: what masks are found with."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.recolour import to_linear
from unripple.ops.relief import head_axes
from unripple.stages.pixels.face import SeenFace

LOOK_PX = 224
"""Side at which masks are found."""

# fmt: off
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80,
              191)
EYES = ((33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
        (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466))
BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283,
         276))
# fmt: on
"""Outlines of parts in the face mesh."""


class CloseLook(NamedTuple):
    """A face seen closely.

    Attributes:
        picture: uint8 [s, s, 3].
        times: its px per px of the crop.
        face: what is known of the face in the crop.
    """

    picture: Photo
    times: float
    face: SeenFace

    @property
    def light(self) -> Floats:
        """The picture in linear light, float32 [s, s, 3]."""
        return to_linear(self.picture)

    @property
    def unit(self) -> float:
        """px per head unit."""
        return self.face.pose.scale * self.times

    def points(self, numbers: Any) -> Floats:
        """Points of the mesh, px."""
        assert self.face.mesh is not None
        found: Floats = self.face.mesh[list(numbers)] * self.times
        return found

    def polygon(self, numbers: Any) -> Floats:
        """1 within an outline of the mesh, float32 [s, s]."""
        return filled(self.points(numbers), self.picture.shape[0])


class Region(NamedTuple):
    """A part of the face.

    Attributes:
        share: of every pixel that belongs to it, float32 [s, s] in [0, 1].
        trust: how far it is to be trusted, from 0 to 1.
        why: what is wrong with it, the end of a sentence; "" where nothing is.
        own: light of the part alone, linear, [s, s, 3], where pixels are mixtures of it and of what
            shows through; None where they are not.
    """

    share: Floats
    trust: float = 1.0
    why: str = ""
    own: Floats | None = None


def filled(outline: Floats, side: int) -> Floats:
    """1 within an outline [N, 2] of a picture's px, float32 [side, side]."""
    shift = 4
    points = np.rint((outline - 0.5) * (1 << shift)).astype(np.int32)
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, shift)
    return mask.astype(np.float32) / 255


def soft(mask: Floats, sigma: float) -> Floats:
    """A mask blurred by half a pixel or more."""
    blurred: Floats = cv2.GaussianBlur(mask, (0, 0), max(sigma, 0.5))
    return blurred


def nothing(look: CloseLook, why: str) -> Region:
    """A part that is not to be found, and why."""
    return Region(np.zeros(look.picture.shape[:2], np.float32), 0.0, why)


NO_MESH = "no mesh of this face is known; run `unripple models fetch packaged`"


class SmallLook(NamedTuple):
    """The face at a size at which masks are found."""

    picture: Photo
    lab: Floats
    right: Floats  # head units from the head's centre
    down: Floats
    oval: Mask
    person: Floats
    labels: Any
    cheeks: Mask


def small_of(look: CloseLook) -> SmallLook:
    """The face at `LOOK_PX` px a side."""
    face = look.face
    side = min(LOOK_PX, look.picture.shape[0])
    picture = cv2.resize(look.picture, (side, side), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    right, down = (axis / face.pose.scale for axis in head_axes(face.pose, side, face.size))
    if face.mesh is not None:
        oval = filled(face.mesh[list(OVAL)] * side / face.size, side) > 0.5
    else:
        oval = (right / 0.58) ** 2 + ((down - 0.2) / 0.72) ** 2 < 1
    labels = cv2.resize(face.labels, (side, side), interpolation=cv2.INTER_NEAREST)
    person = face.person if face.person_share is None else face.person_share
    person = cv2.resize(person.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    inner = cv2.erode(oval.astype(np.uint8), np.ones((max(3, side // 40),) * 2, np.uint8)) > 0
    cheeks = inner & (down > 0.14) & (down < 0.5) & (np.abs(right) > 0.12)
    return SmallLook(picture, lab, right, down, oval, person, labels, cheeks)
