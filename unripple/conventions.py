"""Names, ranges, colour order, label enums, array types and errors that every room shares.

Pictures outside a network are RGB, height x width x channel, uint8. Inside a network they are
float32, batch x channel x height x width, in [-1, 1]. Masks are bool. Labels are `Face`.
Coordinates are (x, y) in pixels with the origin at the top-left corner of the top-left pixel, so
the centre of that pixel is (0.5, 0.5). Inverse depth grows towards the camera. A positive yaw turns
the face towards the picture's right, a positive pitch raises the chin, angles are in degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Photo: TypeAlias = npt.NDArray[np.uint8]  # [H, W, 3] RGB
Mask: TypeAlias = npt.NDArray[np.bool_]  # [H, W]
Labels: TypeAlias = npt.NDArray[np.uint8]  # [H, W] of Face
Shares: TypeAlias = npt.NDArray[np.uint8]  # [H, W], 255 is all
InverseDepth: TypeAlias = npt.NDArray[np.float32]  # [H, W], larger is nearer
Landmarks: TypeAlias = npt.NDArray[np.float32]  # [5, 2] px: eyes, nose tip, mouth corners
WPlus: TypeAlias = npt.NDArray[np.float32]  # [codes, style width]
Affine: TypeAlias = npt.NDArray[np.float64]  # [2, 3]
Floats: TypeAlias = npt.NDArray[np.floating[Any]]

STAGES = (
    "align",
    "project",
    "invert",
    "translate",
    "edit",
    "register",
    "parse",
    "restore",
    "ripple",
    "depth",
    "foreground",
    "mix",
    "inpaint",
    "compose",
    "paste",
    "measure",
    "report",
)
"""The stage words of all recipes, in running order; no recipe has every one of them."""


LEVELS: Mapping[str, tuple[int, int | None]] = {
    "coarse": (0, 4),
    "medium": (4, 8),
    "fine": (8, None),
}
"""Codes of w+, as in a slice, by what they are about: pose and shape, features, colours."""


class Face(IntEnum):
    """The 19 parts of CelebAMask-HQ in the order that the published BiSeNet was trained with.

    Left and right are the person's own. Source: zllrunning/face-parsing.PyTorch.
    """

    BACKGROUND = 0
    SKIN = 1
    LEFT_BROW = 2
    RIGHT_BROW = 3
    LEFT_EYE = 4
    RIGHT_EYE = 5
    GLASSES = 6
    LEFT_EAR = 7
    RIGHT_EAR = 8
    EARRING = 9
    NOSE = 10
    MOUTH = 11
    UPPER_LIP = 12
    LOWER_LIP = 13
    NECK = 14
    NECKLACE = 15
    CLOTH = 16
    HAIR = 17
    HAT = 18


FACE_COLOURS: npt.NDArray[np.uint8] = np.array(
    [
        (24, 26, 32), (232, 190, 160), (120, 72, 40), (150, 96, 56), (70, 190, 230),
        (40, 140, 220), (70, 80, 200), (250, 180, 120), (230, 150, 130), (255, 230, 60),
        (236, 128, 96), (120, 10, 30), (250, 90, 130), (210, 40, 90), (160, 205, 130),
        (40, 220, 180), (70, 120, 80), (120, 70, 165), (240, 215, 90),
    ],
    dtype=np.uint8,
)  # fmt: skip
"""One colour per part, for people to look at; never parsed back. uint8 [19, 3]."""


class UnrippleError(Exception):
    """Base of every error that unripple raises for a user to read.

    The text says what is wrong, where, and what to do.
    """


class BadPhoto(UnrippleError):
    """A file that cannot be read as a photograph."""


class NoFace(UnrippleError):
    """No face was found in a photograph."""


class SeveralFaces(UnrippleError):
    """A photograph shows more than one face and the config asks to refuse that."""


class LimitExceeded(UnrippleError):
    """A photo took more time or memory than the config allows."""


class Crashed(UnrippleError):
    """A library crashed over a photo."""


class BadConfig(UnrippleError):
    """A config has a wrong key or value."""


class BadCheckpoint(UnrippleError):
    """A weights file is truncated, foreign, or does not fit its network."""


class DownloadFailed(UnrippleError):
    """A published file could not be fetched, or is not what the list says."""


class BadTranslation(UnrippleError):
    """A named translation is missing, badly named, or no offset of codes."""


class BadText(UnrippleError):
    """A text that says nothing, too much, or nothing that this generator could draw."""


class NotOffered(UnrippleError):
    """An edit makes no sense for a photo, which has what the edit would give it; no failure."""


class UnknownName(UnrippleError):
    """A direction, model, stage, edit or photo that does not exist."""


class NotAPair(UnrippleError):
    """An edited picture that nothing can be taken from for its photograph."""


class AnotherPicture(NotAPair):
    """It shows something else than the photograph."""


class Mirrored(NotAPair):
    """It shows the photograph mirrored."""


class CutOff(NotAPair):
    """It shows too little of the face that is to be repaired."""


class TooSmall(NotAPair):
    """It is too small for a face to be taken from."""


class ShapeMismatch(UnrippleError):
    """Two arrays that must agree in size do not."""


class StoreError(UnrippleError):
    """An artifact is missing, damaged, or could not be written."""
