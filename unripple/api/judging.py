"""The call of `measure`: the figures of a result, against the truth where it is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from unripple.api.work import Work
    from unripple.conventions import Mask
    from unripple.io.artifact import Artifact
    from unripple.stages.measure import Judges, Truth

GHOST_FIGURES = ("ghost_transmission", "texture_energy", "counterfactual_psnr")
"""Figures that are given for the inverter's own edit, too, to compare with."""


def measure(work: Work) -> Artifact:
    """Measure the result, and in a few figures the inverter's edit beside it."""
    from unripple.stages import measure as stage

    photo = work.array("align.picture")
    masks = _persons(work)
    truth = _truth_in_crop(work)
    painted = None if work.settings["paints"] == "edited" else work.array("inpaint.plate")
    figures = stage.measure(
        photo,
        work.array("compose.picture"),
        *masks,
        estimated_plate=painted,
        asked_turn_deg=work.settings["asked_turn_deg"],
        truth=truth,
        judges=_judges(work),
    )
    rippled = stage.measure(
        photo, work.array("edit.picture"), *masks, estimated_plate=painted, truth=truth
    )
    compared = {f"{name}_of_edit": rippled[name] for name in GHOST_FIGURES if name in rippled}
    # JSON knows no nan.
    return {
        "figures": {
            name: None if math.isnan(value) else value
            for name, value in (figures | compared).items()
        }
    }


def _persons(work: Work) -> tuple[Mask, Mask]:
    """The person before and after, as `ripple` found them, or by the labels without it."""
    from unripple.stages.ripple import person

    if "ripple" in work.inputs:
        return work.array("ripple.before"), work.array("ripple.after")
    before, after = (person(work.array(f"parse@{of}.labels")) for of in ("photo", "edit"))
    return before, after


def _truth_in_crop(work: Work) -> Truth:
    """The truth, which is as large as the photo, seen through the crop."""
    from unripple.stages.measure import Truth

    known = work.truth
    if known is None:
        return Truth()
    transform = work.array("align.transform")
    size_px = work.array("align.picture").shape[0]

    def seen(picture: Any) -> Any:
        return None if picture is None else seen_in_crop(picture, transform, size_px=size_px)

    return Truth(
        seen(known.plate),
        seen(known.counterfactual),
        seen(known.before),
        seen(known.after),
        known.yaw_deg,
    )


def seen_in_crop(picture: Any, transform: Any, *, size_px: int) -> Any:
    """A picture or mask as large as the photo, seen through the crop.

    Args:
        picture: uint8 [H, W, 3], or bool [H, W].
        transform: `align.transform`.
        size_px: side of the crop.

    Returns:
        uint8 [size_px, size_px, 3], or bool [size_px, size_px].
    """
    from unripple.ops.geometry import resample

    is_mask = picture.dtype == np.bool_
    source = picture.astype(np.uint8) * 255 if is_mask else picture
    looked = resample(source, transform, width=size_px, height=size_px)
    return looked >= 128 if is_mask else looked


def _judges(work: Work) -> Judges:
    from unripple.metrics.subject import SameFace
    from unripple.stages.measure import Judges

    judges: dict[str, Any] = {}
    if work.settings["pose"]:
        pose = work.zoo.load("pose")
        judges |= {"pose": pose.net, "pose_px": pose.size_px}
    if work.settings["identity"]:
        identity = work.zoo.load("identity")
        net: Any = identity.net
        judges |= {"identity": net, "identity_px": net.input_size}
        reference = identity.metadata.get("same_face")
        if reference is not None:
            columns = {name: np.array(values) for name, values in reference.items()}
            judges["same_face"] = SameFace(**columns)
    return Judges(**judges)
