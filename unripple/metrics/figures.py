"""All figures of one edit by name, as far as what is known of it allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from functools import cache
from typing import NamedTuple

from unripple.conventions import Floats, Mask, Photo
from unripple.metrics.background import (
    background_identical,
    background_psnr,
    background_worst_tile_psnr,
)
from unripple.metrics.fidelity import ms_ssim, psnr, ssim
from unripple.metrics.ghost import inner_shares, outer_shares, texture_energy
from unripple.metrics.regions import disoccluded
from unripple.metrics.seam import seam
from unripple.metrics.subject import SameFace, cosine, identity, yaw_error

IDENTICAL_DB = 100.0
"""What a PSNR of infinity reads in a table: JSON knows no infinity, bytes never get this close."""


class Figure(NamedTuple):
    """How to read a figure.

    Attributes:
        meaning: what it tells, in a line.
        perfect: its value for the truth; None where it is "as high as possible".
        unit: unit, or "".
        of_edit: whether it is given for the inverter's own edit, too, to compare with.
    """

    meaning: str
    perfect: float | None
    unit: str = ""
    of_edit: bool = False


FIGURES = {
    "ghost_transmission": Figure("old person left where nobody stands now", 0.0, of_edit=True),
    "texture_return": Figure("true background texture back in that place", 1.0),
    "texture_energy": Figure("as much texture in that place as there should be", 1.0, of_edit=True),
    "fill_psnr": Figure("that place against the true background", None, "dB"),
    "seam": Figure("steepness along the border of that place over that beside it", 1.0),
    "background_identical": Figure("bytes kept far from both silhouettes", 1.0),
    "background_psnr": Figure("background against the photo", None, "dB"),
    "background_worst_tile_psnr": Figure("worst tile of the background", None, "dB"),
    "inner_ghost": Figure("old face left inside the new one", 0.0),
    "inner_return": Figure("true new face inside the new one", 1.0),
    "counterfactual_psnr": Figure("whole picture against the true edit", None, "dB", of_edit=True),
    "counterfactual_ssim": Figure("structural similarity to the true edit", 1.0),
    "counterfactual_ms_ssim": Figure("the same over five scales (176 px and more)", 1.0),
    "yaw_error": Figure("achieved minus asked turn", 0.0, "°"),
    "mesh_yaw_error": Figure("the same, by a face mesh that turns nothing", 0.0, "°"),
    "mesh_pitch_drift": Figure("how much the head nodded unasked, by the same", 0.0, "°"),
    "identity_distance": Figure(
        "distance of face and photo by dlib's net, below .6 the same person", 0.0
    ),
    "identity": Figure("likeness to the photo, less what a true turn keeps", 0.0),
    "identity_cosine": Figure("likeness to the photo", 1.0),
}
"""Every name that `edit_figures` may give, in the order of reading."""


def edit_figures(
    photo: Photo,
    result: Photo,
    before: Mask,
    after: Mask,
    *,
    plate: Photo | None = None,
    estimated_plate: Photo | None = None,
    counterfactual: Photo | None = None,
    true_before: Mask | None = None,
    true_after: Mask | None = None,
    asked_yaw_deg: float | None = None,
    achieved_yaw_deg: float | None = None,
    yaw_change_deg: float | None = None,
    photo_embedding: Floats | None = None,
    result_embedding: Floats | None = None,
    same_face: SameFace | None = None,
    wanted: Container[str] | None = None,
) -> dict[str, float]:
    """Measure one edit.

    Args:
        photo: the picture before the edit, uint8 [H, W, 3].
        result: the edited picture.
        before, after: person masks as parsed, bool [H, W].
        plate: the true background without the person.
        estimated_plate: a background filled in by inpainting. In place of a true one it serves the
            ghost figure only: a fill compared with itself would always look perfect.
        counterfactual: the true picture of the edit.
        true_before, true_after: true person masks; they replace the parsed ones.
        asked_yaw_deg: the yaw that the edit should reach.
        achieved_yaw_deg: the yaw of the result.
        yaw_change_deg: achieved turn from photo to result, for `identity`.
        photo_embedding, result_embedding: of an identity network, [E].
        same_face: what that network says of true pairs.
        wanted: names of the figures to give, None for all: no other one is computed.

    Returns:
        The figures that the given truth allows, by name, in the order of `FIGURES`. A figure that
        is undefined on this edit (nobody moved, no texture) is nan; an infinite PSNR reads 100 dB.

    Raises:
        ShapeMismatch: pictures or masks differ in size.
    """
    old = before if true_before is None else true_before
    new = after if true_after is None else true_after
    # As functions: half of the figures are asked of the result alone.
    ways: dict[str, Callable[[], float]] = {
        "background_identical": lambda: background_identical(result, photo, old, new),
        "background_psnr": lambda: background_psnr(result, photo, old, new),
        "background_worst_tile_psnr": lambda: background_worst_tile_psnr(result, photo, old, new),
        "seam": lambda: seam(result, old, new),
        "texture_energy": lambda: texture_energy(result, photo, plate, old, new),
    }
    any_plate = estimated_plate if plate is None else plate
    if any_plate is not None:
        outside = cache(lambda: outer_shares(result, photo, any_plate, old, new))
        ways["ghost_transmission"] = lambda: outside()[0]
        if plate is not None:
            ways["texture_return"] = lambda: outside()[1]
            ways["fill_psnr"] = lambda: psnr(result, any_plate, disoccluded(old, new))
    if counterfactual is not None:
        inside = cache(lambda: inner_shares(result, photo, counterfactual, old, new))
        ways["inner_ghost"] = lambda: inside()[0]
        ways["inner_return"] = lambda: inside()[1]
        ways["counterfactual_psnr"] = lambda: psnr(result, counterfactual)
        ways["counterfactual_ssim"] = lambda: ssim(result, counterfactual)
        ways["counterfactual_ms_ssim"] = lambda: ms_ssim(result, counterfactual)
    if asked_yaw_deg is not None and achieved_yaw_deg is not None:
        ways["yaw_error"] = lambda: yaw_error(achieved_yaw_deg, asked_yaw_deg)
    if photo_embedding is not None and result_embedding is not None:
        ways["identity_cosine"] = lambda: cosine(photo_embedding, result_embedding)
        if same_face is not None and yaw_change_deg is not None:
            ways["identity"] = lambda: identity(
                photo_embedding,
                result_embedding,
                yaw_change_deg=yaw_change_deg,
                same_face=same_face,
            )
    names = [name for name in FIGURES if name in ways and (wanted is None or name in wanted)]
    figures = {name: ways[name]() for name in names}
    return {name: IDENTICAL_DB if math.isinf(value) else value for name, value in figures.items()}
