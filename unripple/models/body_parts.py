"""The body parts that Graphonomy tells apart, and how they hang together.

Source: Gong et al. 2019 (Graphonomy), section 3.2; the values are those of
Gaoyiminggithub/Graphonomy (MIT), `networks/graph.py`, which its weights were trained with.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from unripple.conventions import Face, Labels


class Body(IntEnum):
    """The 20 parts of the CIHP data set, in the order of the published weights."""

    BACKGROUND = 0
    HAT = 1
    HAIR = 2
    GLOVE = 3
    SUNGLASSES = 4
    UPPER_CLOTHES = 5
    DRESS = 6
    COAT = 7
    SOCKS = 8
    PANTS = 9
    TORSO_SKIN = 10
    SCARF = 11
    SKIRT = 12
    FACE = 13
    LEFT_ARM = 14
    RIGHT_ARM = 15
    LEFT_LEG = 16
    RIGHT_LEG = 17
    LEFT_SHOE = 18
    RIGHT_SHOE = 19


FACE_OF_BODY: Mapping[Body, Face] = {
    Body.BACKGROUND: Face.BACKGROUND,
    Body.HAT: Face.HAT,
    Body.HAIR: Face.HAIR,
    Body.GLOVE: Face.CLOTH,
    Body.SUNGLASSES: Face.GLASSES,
    Body.UPPER_CLOTHES: Face.CLOTH,
    Body.DRESS: Face.CLOTH,
    Body.COAT: Face.CLOTH,
    Body.SOCKS: Face.CLOTH,
    Body.PANTS: Face.CLOTH,
    Body.TORSO_SKIN: Face.NECK,
    Body.SCARF: Face.CLOTH,
    Body.SKIRT: Face.CLOTH,
    Body.FACE: Face.SKIN,
    Body.LEFT_ARM: Face.NECK,
    Body.RIGHT_ARM: Face.NECK,
    Body.LEFT_LEG: Face.NECK,
    Body.RIGHT_LEG: Face.NECK,
    Body.LEFT_SHOE: Face.CLOTH,
    Body.RIGHT_SHOE: Face.CLOTH,
}
"""The nearest part of a face parser: bare skin below the face is neck, whatever is worn is cloth.
The face is skin as a whole: brows, eyes, nose and mouth are not told apart."""

FLIP_SWAPS = (
    (Body.LEFT_ARM, Body.RIGHT_ARM),
    (Body.LEFT_LEG, Body.RIGHT_LEG),
    (Body.LEFT_SHOE, Body.RIGHT_SHOE),
)
"""Parts that change places in a mirrored picture."""

NEIGHBOURS_CIHP: tuple[tuple[int, ...], ...] = (
    (),  # background
    (2, 13),  # hat
    (1, 13),  # hair
    (14, 15),  # glove
    (13,),  # sunglasses
    (6, 7, 9, 10, 11, 12, 14, 15),  # upper clothes
    (5, 7, 10, 11, 14, 15, 16, 17),  # dress
    (5, 6, 9, 10, 11, 12, 14, 15),  # coat
    (16, 17, 18, 19),  # socks
    (5, 7, 10, 16, 17, 18, 19),  # pants
    (5, 6, 7, 9, 11, 12, 13, 14, 15, 16, 17),  # torso skin
    (5, 6, 7, 10, 13),  # scarf
    (5, 7, 10, 16, 17),  # skirt
    (1, 2, 4, 10, 11),  # face
    (3, 5, 6, 7, 10),  # left arm
    (3, 5, 6, 7, 10),  # right arm
    (6, 8, 9, 10, 12, 18),  # left leg
    (6, 8, 9, 10, 12, 19),  # right leg
    (8, 9, 16),  # left shoe
    (8, 9, 17),  # right shoe
)
"""Parts of `Body` that touch."""

NEIGHBOURS_PASCAL: tuple[tuple[int, ...], ...] = (
    (0,),
    (1, 2),
    (1, 2, 3, 5),
    (2, 3, 4),
    (3, 4),
    (2, 5, 6),
    (5, 6),
)
"""The same for the 7 parts of PASCAL-Person-Part: background, head, torso, upper arms, lower arms,
upper legs, lower legs. Each is listed among its own neighbours; the published table says so."""

PASCAL_TO_CIHP: tuple[tuple[float, ...], ...] = (
    (
        1.00000000, 0.35333052, 0.32727194, 0.17418084, 0.18757584, 0.40608522, 0.37503981,
        0.35448462, 0.22598555, 0.23893579, 0.33064262, 0.28923404, 0.27986573, 0.42115530,
        0.36915778, 0.41377746, 0.32485771, 0.37248222, 0.36865639, 0.41500332,
    ),
    (
        0.39615879, 0.46201529, 0.52321467, 0.30826114, 0.25669527, 0.54747773, 0.36705230,
        0.39019830, 0.27519473, 0.34333250, 0.52728509, 0.32771333, 0.34819325, 0.63882953,
        0.68042925, 0.69368576, 0.63395791, 0.65344337, 0.59538781, 0.60713750,
    ),
    (
        0.16373166, 0.21663339, 0.30538720, 0.28377612, 0.13724350, 0.44488080, 0.29479995,
        0.31092595, 0.22703953, 0.33983576, 0.75778818, 0.26198180, 0.37069392, 0.35184867,
        0.49877512, 0.49979437, 0.51853277, 0.52517541, 0.32517741, 0.32377309,
    ),
    (
        0.32687232, 0.38482461, 0.37693463, 0.41610834, 0.20415749, 0.76749079, 0.35139853,
        0.37874110, 0.28411737, 0.35155421, 0.58792618, 0.31141718, 0.40585111, 0.51189218,
        0.82042737, 0.83424130, 0.70732188, 0.72752501, 0.60327325, 0.61431337,
    ),
    (
        0.34069369, 0.34817292, 0.37525998, 0.36497069, 0.17841617, 0.69746208, 0.31731463,
        0.34628951, 0.25167277, 0.32072379, 0.56711286, 0.24894776, 0.37000453, 0.52600859,
        0.82483993, 0.84966274, 0.70339910, 0.73449378, 0.56649608, 0.58888791,
    ),
    (
        0.28477487, 0.35139564, 0.42742352, 0.41664321, 0.20004676, 0.78566833, 0.42237487,
        0.41048549, 0.37933812, 0.46542516, 0.62444759, 0.32744930, 0.49466009, 0.49314658,
        0.71244233, 0.71497003, 0.82347870, 0.83566589, 0.62597135, 0.62626812,
    ),
    (
        0.30113780, 0.31775977, 0.42922647, 0.36896257, 0.17597556, 0.72214655, 0.39162804,
        0.38137872, 0.34980296, 0.43818419, 0.60879174, 0.26762545, 0.46271161, 0.51150476,
        0.72318109, 0.73678399, 0.82620388, 0.84942166, 0.59438110, 0.60607602,
    ),
)  # fmt: skip
"""How related every part of PASCAL (rows) is to every part of CIHP: similarity of their names."""


def faces_of(labels: npt.NDArray[np.integer]) -> Labels:
    """Name body parts as a face parser would.

    Args:
        labels: integers of `Body`, any shape.

    Returns:
        uint8 of `Face`, the same shape.

    Raises:
        ValueError: a label is no body part.
    """
    if labels.size and not 0 <= labels.min() <= labels.max() < len(Body):
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}, wanted 0 to {len(Body) - 1} "
            "(classes of Graphonomy's CIHP weights)"
        )
    return np.array([FACE_OF_BODY[part] for part in Body], np.uint8)[labels]
