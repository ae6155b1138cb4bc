"""What named edits of one attribute mean in the face world: which factors they set.

The names are those of the recipe `ceteris_paribus`: `{attribute}_{value}` for the six of a photo's
nine attributes (the sheet's column `characteristics`) that are used, `{attribute}_min` and `_max`
for the others, since only the nine have values that a photo may already have. Gl are glasses, Bd is
the beard, Sm the smile. Where the world has no such factor, the nearest ones stand in:

    A   age             wrinkles, lips and cheeks that thin; grey hair is one by itself
    Se  sex             besides the face, its brows, jaw, beard and make-up
    D   double chin     full cheeks, wide jaw, thick neck
    Be  bags            those that age draws, held to the skin under the eyes
    N   narrow eyes     small ones, hardly open
    Pn  pointy nose     thin and long
    Bn  big nose        wide and a little longer
    Ch  cheeks          full ones
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unripple.faceworld.factors import INDEX, with_factors

Setting = Mapping[str, float]

_HAIR = {"bald": 0.0}
_FEMININE = {
    "brow_thickness": -0.6,
    "jaw_width": -0.5,
    "lipstick": 0.8,
    "beard": 0.0,
    "moustache": 0.0,
}
_MASCULINE = {"brow_thickness": 0.7, "jaw_width": 0.6, "lipstick": 0.0}

SETTINGS: Mapping[str, Setting] = {
    "Sk_0": {"melanin": 0.05},
    "Sk_1": {"melanin": 0.45},
    "Sk_2": {"melanin": 0.92},
    "A_0": {"age": 0.0, "lip_fullness": 0.3, "cheek": 0.3},
    "A_1": {"age": 0.42, "lip_fullness": 0.0, "cheek": 0.0},
    "A_2": {"age": 1.0, "lip_fullness": -0.7, "cheek": -0.7},
    "Se_0": {"masculinity": -1.0, **_FEMININE},
    "Se_1": {"masculinity": 1.0, **_MASCULINE},
    "B_0": {"fringe": -0.9, **_HAIR},
    "B_1": {"fringe": 0.95, **_HAIR},
    "Hc_0": {"hair_light": 0.02, "grey": 0.0, **_HAIR},
    "Hc_1": {"hair_light": 0.45, "grey": 0.0, **_HAIR},
    "Hc_2": {"hair_light": 0.97, "grey": 0.0, **_HAIR},
    "Hc_3": {"grey": 0.97, **_HAIR},
    "Hc_4": {"bald": 1.0},
    "Hs_0": {"hair_curl": 0.0, **_HAIR},
    "Hs_1": {"hair_curl": 0.95, **_HAIR},
    "D_0": {"cheek": -0.4, "jaw_width": -0.4, "neck_width": -0.4},
    "D_1": {"cheek": 1.0, "jaw_width": 1.2, "neck_width": 1.2},
    "Be_min": {"age": 0.0},
    "Be_max": {"age": 1.0},
    "N_min": {"eye_open": 1.0, "eye_size": 1.0},
    "N_max": {"eye_open": -1.0, "eye_size": -1.0},
    "Pn_min": {"nose_width": 0.3, "nose_length": -0.6},
    "Pn_max": {"nose_width": -0.95, "nose_length": 0.8},
    "Bn_min": {"nose_width": -0.95, "nose_length": -0.3},
    "Bn_max": {"nose_width": 0.98, "nose_length": 0.4},
    "Bp_min": {"lip_fullness": -1.2},
    "Bp_max": {"lip_fullness": 1.2},
    "Ch_min": {"cheek": -1.0},
    "Ch_max": {"cheek": 1.0},
    "Gl_min": {"glasses": 0.0},
    "Gl_max": {"glasses": 1.0, "glasses_dark": 0.0, "glasses_shape": 0.7},
    "Bd_min": {"beard": 0.0, "moustache": 0.0},
    "Bd_max": {"beard": 0.95, "moustache": 0.9},
    "Sm_min": {"smile": -1.0},
    "Sm_max": {"smile": 1.0},
}
"""Name of an edit -> factors to set. Hair colours: 0 black, 1 brown, 2 blond, 3 grey, 4 none; hair
styles: 0 straight, 1 curly; sexes: 0 feminine, 1 masculine."""

UNDER_EYES = "Be"
"""The attribute that is held to the skin under the eyes."""

SHEET_ATTRIBUTES = ("Sk", "A", "Se", None, None, "B", "Hc", "D", "Hs")
"""The attributes of the sheet's column `characteristics`, in their order; two are of no use and
always 0."""


def edits_of(attribute: str) -> list[str]:
    """All edits of an attribute, like ["A_0", "A_1", "A_2"]."""
    return [name for name in SETTINGS if name.partition("_")[0] == attribute]


def is_categorical(name: str) -> bool:
    """Whether the edit sets one of several values, rather than the least or most of something."""
    return name.partition("_")[2].isdigit()


def sheet_values(factors: Tensor) -> list[tuple[int, ...]]:
    """The nine attributes of faces as in the sheet: of each the value whose setting is nearest.

    Args:
        factors: float32 [B, len(FACTORS)].

    Returns:
        Nine numbers per face.
    """
    bald = factors[:, INDEX["bald"]] > 0.5
    grey = factors[:, INDEX["grey"]] > 0.5
    nearest = {
        attribute: _nearest(factors, attribute) for attribute in ("Sk", "A", "Se", "B", "D", "Hs")
    }
    light = factors[:, INDEX["hair_light"]]
    colour = torch.where(light < 0.24, 0, torch.where(light < 0.71, 1, 2))
    nearest["Hc"] = torch.where(bald, 4, torch.where(grey, 3, colour))
    nearest["Hs"] = torch.where(bald, 2, nearest["Hs"])
    nearest["B"] = torch.where(bald, 0, nearest["B"])
    columns = [
        nearest[attribute] if attribute else torch.zeros_like(colour)
        for attribute in SHEET_ATTRIBUTES
    ]
    return [tuple(row) for row in torch.stack(columns, dim=1).tolist()]


def _nearest(factors: Tensor, attribute: str) -> Tensor:
    """Number of the value whose setting is nearest in its first factor, int64 [B]."""
    first = [next(iter(SETTINGS[name].items())) for name in edits_of(attribute)]
    levels = torch.tensor([value for _, value in first])
    return (factors[:, INDEX[first[0][0]], None] - levels).abs().argmin(1)


def edited(factors: Tensor, name: str) -> Tensor:
    """Faces after an edit.

    Args:
        factors: float32 [B, len(FACTORS)].
        name: a word of `SETTINGS`.

    Returns:
        A new tensor of the same shape.
    """
    return with_factors(factors, **SETTINGS[name])


def under_eyes(eyes: npt.NDArray[np.floating], size: int) -> npt.NDArray[np.bool_]:
    """Mark the skin under the eyes: an ellipse below each, as wide as the eye.

    Args:
        eyes: (x, y) of both, float [2, 2], px.
        size: side of the picture, px.

    Returns:
        bool [size, size].
    """
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    y, x = np.mgrid[:size, :size] + 0.5
    inside: npt.NDArray[np.bool_] = np.zeros((size, size), np.bool_)
    for eye_x, eye_y in eyes:
        across, down = (x - eye_x) / (0.36 * apart), (y - eye_y - 0.3 * apart) / (0.18 * apart)
        inside |= across**2 + down**2 <= 1
    return inside
