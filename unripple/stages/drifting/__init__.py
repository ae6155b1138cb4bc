"""Figures of an edit that another program made: as it came, and as it is after its repair."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.ops.geometry import scale_of
from unripple.ops.masks import grow
from unripple.stages.align import Aligned
from unripple.stages.interface import Work
from unripple.stages.register import Registered

if TYPE_CHECKING:
    from collections.abc import Callable

    Distance = Callable[[Photo, Photo], float]

LPIPS_ROLES = ("lpips_trunk", "lpips_head")
ALSO_OF_EDIT = ("seam", "background_identical", "identity", "identity_cosine")
"""Figures of a result that are told of the editor's own picture as well."""
_LPIPS_PX = 256
_REACH_SHARE = 3 / 128  # of the picture's side: so far an edit's border may reach beyond the person
_NEAR_SHARE = 4 / 128  # of the side: so far a change belongs to the person who left
_LEAST_LOST = 0.02  # of the details; of less nobody can say how much came back


def drift_figures(
    work: Work, result: Photo, before: Mask, after: Mask, *, with_lpips: bool
) -> dict[str, float]:
    """All figures of `metrics.drift`, of the editor's picture by names that end in `_of_edit`.

    Args:
        work: of the stage measure, with what `register` made as its edit.
        result: the repaired crop, uint8 [S, S, 3].
        before, after: person masks, bool [S, S].
        with_lpips: whether the published LPIPS is asked.
    """
    aligned, registered = work.input(Aligned, "align"), work.input(Registered, "edit")
    photo, distance = aligned.picture, _lpips(work) if with_lpips else None
    now = drifted(photo, result, before, after, scale_of(aligned.transform), distance)
    came = drifted_before(photo, registered, before, after, distance)
    return {**now, **came, **_sharpness(now["sharpness"], came["sharpness_of_edit"])}


def person_after(before: Mask, after: Mask, changed: Mask) -> Mask:
    """The person in an edited picture: nobody left a place where nothing changed.

    Parsers differ by a few pixels between two pictures; what is still the old person there is no
    ghost.

    Args:
        before, after: the person as parsed, bool [S, S].
        changed: `differing` of `stages.register.Registered`, bool [S, S].
    """
    near = grow(changed, _NEAR_SHARE * changed.shape[0])
    stayed: Mask = after | (before & ~near)
    return stayed


def _sharpness(now: float, came: float) -> dict[str, float]:
    """Which share of the person's details the editor lost, and which share of that came back."""
    lost = max(0.0, 1 - came) if math.isfinite(came) else math.nan
    returned = (now - came) / lost if lost > _LEAST_LOST else math.nan
    return {"sharpness_lost": lost, "sharpness_returned": returned}


def drifted(
    photo: Photo,
    result: Photo,
    before: Mask,
    after: Mask,
    scale: float,
    distance: Distance | None = None,
) -> dict[str, float]:
    """How far a result is still astray.

    Args:
        photo: the crop before the edit, uint8 [S, S, 3].
        result: after it.
        before, after: person masks, bool [S, S].
        scale: pixels of the photograph per pixel of the crop.
        distance: of two pictures, as people see them; None leaves that figure out.

    Returns:
        Figures by name, see `metrics.drift.DRIFT_FIGURES`.
    """
    from unripple.ops.pairing import drift
    from unripple.ops.registration import align

    found = align(photo, result, person=before | after)
    left = drift(found.places, photo.shape, result.shape)
    return {
        "drift_zoom": left.zoom_percent,
        "drift_shift": left.shift_px * scale,
        "drift_turn": left.turn_deg,
        "drift_flow": _bend_px(photo, result, found.places, before | after) * scale,
        **_of_pictures(photo, result, before, after, distance),
    }


def _bend_px(photo: Photo, result: Photo, places: Floats, person: Mask) -> float:
    """By how much a result is bent beyond a homogeneous map, px of the crop."""
    from unripple.ops.bending import bend
    from unripple.ops.homography import look, luminance

    height, width = person.shape
    flow = bend(luminance(photo), look(luminance(result), places, width, height), ~person)
    if flow is None:
        return 0.0
    return float(np.median(np.hypot(*np.moveaxis(flow, 2, 0))[~person]))


def _of_pictures(
    photo: Photo, picture: Photo, before: Mask, after: Mask, distance: Distance | None
) -> dict[str, float]:
    from unripple.metrics.drift import bytes_kept, drift_colour, sharpness

    told = {
        "drift_colour": drift_colour(photo, picture, before, after),
        "bytes_kept": bytes_kept(photo, picture),
        "sharpness": sharpness(photo, picture, before, after),
    }
    if distance is not None:
        edit = grow(before | after, _REACH_SHARE * photo.shape[0])
        told["lpips_outside"] = distance(np.where(edit[..., None], photo, picture), photo)
    return told


def drifted_before(
    photo: Photo,
    registered: Registered,
    before: Mask,
    after: Mask,
    distance: Distance | None = None,
) -> dict[str, float]:
    """The same of the picture as it came from its editor, by the names that end in `_of_edit`."""
    drift: Mapping[str, float] = registered.drift
    told = {
        "drift_zoom": drift["zoom_percent"],
        "drift_shift": drift["shift_px"],
        "drift_turn": drift["turn_deg"],
        "drift_flow": drift["flow_px"],
        **_of_pictures(photo, registered.given, before, after, distance),
        "agreement": drift["agreement"],
    }
    return {f"{name}_of_edit": value for name, value in told.items()}


def _lpips(work: Work) -> Distance:
    """The published metric, at the size it is published for."""
    import torch

    from unripple.models.lpips import LPIPS
    from unripple.ops.resample import resize_bilinear
    from unripple.ops.tensors import to_tensor

    trunk, head = (work.load(role) for role in LPIPS_ROLES)
    net: Any = LPIPS(trunk.net, head.net).eval()
    device = next(trunk.net.parameters()).device

    def distance(one: Photo, other: Photo) -> float:
        small = (resize_bilinear(picture, (_LPIPS_PX, _LPIPS_PX)) for picture in (one, other))
        with torch.inference_mode():
            return float(net(*(to_tensor(picture, device=device) for picture in small)))

    return distance
