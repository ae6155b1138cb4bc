"""What the page shows of a photo and an edit: pictures as files in memory, figures by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from unripple.conventions import BadPhoto, Mask, Photo, UnrippleError
from unripple.io.artifact import Artifact
from unripple.io.photo import encode_jpeg, encode_png
from unripple.ops.geometry import resample
from unripple.runtime.view import thumbnail
from unripple.zoo.zoo import Zoo

RIPPLE_RGB = (214, 54, 107)
"""The look's `--u-ripple`."""
_LARGEST_PX = 1280  # height of what is sent to a page; saved pictures have all their pixels
_JPEG_FROM = 700_000  # pixels: larger whole photos are sent as JPEG; their pixels by `region`
TIMES = 10
"""By how much differences are made stronger to be seen."""
_MOST_PX = 6_000_000  # of a region
_RATIO = 0.02  # by how much a mask's shape may differ from its photo's


class Shown(NamedTuple):
    """A picture's file and its media type."""

    data: bytes
    media_type: str


def shown(picture: Photo, *, exactly: bool = True) -> Shown:
    """A picture [H, W, 3] for the page, at most 1280 px high; large ones exactly or nearly."""
    small = thumbnail(picture, _LARGEST_PX)
    if not exactly and small.shape[0] * small.shape[1] > _JPEG_FROM:
        return Shown(encode_jpeg(small), "image/jpeg")
    return Shown(encode_png(small), "image/png")


def of_photo(pixels: Photo, artifacts: Mapping[str, Artifact]) -> dict[str, Shown]:
    """The pictures that no slider changes: crop, inversion, and the whole photo."""
    crop: Any = artifacts["align"]["picture"]
    inversion: Any = artifacts["invert"]["picture"]
    return {"photo": shown(crop), "inversion": shown(inversion), "whole_photo": whole(pixels)}


def whole(picture: Photo) -> Shown:
    """A whole photo, which may be large."""
    return shown(picture, exactly=False)


def difference(photo: Photo, edited: Photo) -> Photo:
    """How far an edit is from its photo, `TIMES` as strong; black is equal."""
    apart = np.abs(photo.astype(np.int16) - edited) * TIMES
    seen: Photo = np.minimum(apart, 255).astype(np.uint8)
    return seen


def region(picture: Photo, box: tuple[int, int, int, int]) -> Photo:
    """The pixels of a picture within left, top, width, height.

    Raises:
        UnrippleError: the box lies beside the picture, or is larger than a screen.
    """
    left, top, width, height = box
    if width * height > _MOST_PX:
        raise UnrippleError(f"a region of {width} x {height} px is larger than any screen")
    part = picture[max(0, top) : top + height, max(0, left) : left + width]
    if min(box) < 0 or not part.size:
        raise UnrippleError("there is nothing of the photo in that region")
    return part


def of_edit(artifacts: Mapping[str, Artifact], photo: Photo, picture: Photo) -> dict[str, Shown]:
    """The pictures of an edit: with ripples, its ripple, the result, and the whole photo's.

    Args:
        artifacts: of the face that is looked at.
        photo, picture: the whole photo before and after, all of its faces edited.
    """
    edited: Any = artifacts["edit"]["picture"]
    ripple: Any = artifacts["ripple"]["ripple"]
    composed: Any = artifacts["compose"]["picture"]
    crop: Any = artifacts["align"]["picture"]
    return {
        "edit": shown(edited),
        "ripple": shown(tinted(edited, ripple)),
        "result": shown(composed),
        "difference": shown(difference(crop, composed)),
        "whole_result": whole(picture),
        "whole_difference": whole(difference(photo, picture)),
    }


def of_others(aligned: Mapping[str, Any], photo: Photo, picture: Photo) -> dict[str, Shown]:
    """The pictures where other faces are edited, and not the one that is looked at."""
    crop = aligned["picture"]
    side = crop.shape[0]
    seen = resample(picture, aligned["transform"], width=side, height=side)
    return {
        "result": shown(seen),
        "difference": shown(difference(crop, seen)),
        "whole_result": whole(picture),
        "whole_difference": whole(difference(photo, picture)),
    }


def tinted(picture: Photo, mask: Mask) -> Photo:
    """The picture with a mask [H, W] in the ripple's colour over it."""
    colour = np.array(RIPPLE_RGB, np.float32)
    over = np.rint(picture * 0.4 + colour * 0.6).astype(np.uint8)
    laid: Photo = np.where(mask[..., None], over, picture)
    return laid


def mask_of(drawn: Photo, size: tuple[int, ...]) -> Mask:
    """A mask from a drawing [h, w, 3] of the photo's shape: True where it is light, bool [H, W].

    Raises:
        BadPhoto: it has another shape, so nobody could say what lies where.
    """
    height, width = size
    ratio = (drawn.shape[1] / drawn.shape[0]) / (width / height)
    if abs(ratio - 1) > _RATIO and max(drawn.shape[:2]) > 1:
        raise BadPhoto(
            f"the mask is {drawn.shape[1]}x{drawn.shape[0]}, the photo {width}x{height}: draw it "
            "over the photo, white where nothing may change"
        )
    rows = np.arange(height) * drawn.shape[0] // height
    columns = np.arange(width) * drawn.shape[1] // width
    light: Mask = drawn.mean(axis=2)[rows][:, columns] >= 128
    return light


def yaw_deg(picture: Photo, zoo: Zoo) -> float | None:
    """Where a face looks, or None without a pose network."""
    if not zoo.has("pose"):
        return None
    from unripple.stages.measure import yaw_of

    pose = zoo.load("pose")
    net: Any = pose.net
    return yaw_of(picture, net, net_size_px=pose.size_px)


def figures(
    artifacts: Mapping[str, Artifact], zoo: Zoo, yaw_before: float | None
) -> dict[str, float | None]:
    """Before and after: identity, pose, ghost. None where a figure is undefined."""
    measured: Any = artifacts["measure"]["figures"]
    composed: Any = artifacts["compose"]["picture"]
    values = {
        "identity": measured.get("identity_cosine"),
        "yaw_before": yaw_before,
        "yaw_after": yaw_deg(composed, zoo),
        "ghost_before": measured.get("ghost_transmission_of_edit"),
        "ghost_after": measured.get("ghost_transmission"),
        "background_identical": measured.get("background_identical"),
    }
    return {
        name: None if value is None or not math.isfinite(value) else float(value)
        for name, value in values.items()
    }
