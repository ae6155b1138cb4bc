"""register: undo what another program did to the whole picture when it edited a photograph.

Its picture comes back into the photograph's frame and colours, with the photograph's details. What
differs then is told from what redrawing explains; `compose` decides what of it stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Affine, CutOff, Floats, Mask, Photo, TooSmall
from unripple.ops.geometry import apply, scale_of
from unripple.ops.homography import centres
from unripple.stages.align import Aligned
from unripple.stages.interface import EXTERNAL, Settings, Stage, Work, knob

LEAST_CROP_PX = 48
"""Side of the crop in the edited picture; a face in a smaller one is a handful of pixels."""
HEAD_SHARE = (0.4, 0.55)  # half axes of what the head fills of a crop, in sides
LEAST_SHOWN = 0.9
"""Of the crop's middle half, where the face is. A zoom of 3% and a shift of 8 px of 1,024 take 7%
from a photo that is all face; what is not shown stays the photo's."""


@dataclass(frozen=True, kw_only=True)
class RegisterSettings(Settings):
    """How the edited picture is brought back."""

    bend: bool = knob(
        True, "undo a smooth bend of the picture as well, where both pictures agree on one"
    )
    details: float = knob(
        1,
        "share of the photo's details that come back where the editor's redrawing blurred them",
        minimum=0,
        maximum=1,
    )
    grow_px: float = knob(
        1, "how far a change reaches beyond what clearly differs", minimum=0, maximum=32
    )


class Registered(NamedTuple):
    """The parts of this stage; `picture` and `motion` are as those of `edit`.

    Attributes:
        picture: the edited picture in the photograph's frame and colours, with its details; where
            the editor shows nothing, the photograph. uint8 [S, S, 3].
        differing: what differs by more than redrawing explains, bool [S, S].
        given: the edited picture as it came, merely resized to the photograph, uint8 [S, S, 3].
        motion: where the picture's points lie in the photograph, as offsets x and y in sides of
            the picture, and how far that is to be believed, float16 [3, S, S].
        drift: what the editor did to the whole picture, see `metrics.drift`.
        mask: where the user lets the edit stay, bool [S, S]; None where nobody says.
    """

    picture: Photo
    differing: Mask
    given: Photo
    motion: Floats
    drift: Mapping[str, float]
    mask: Mask | None = None


def register(
    photo: Photo,
    edited: Photo,
    crop: Photo,
    transform: Affine,
    *,
    bend: bool = True,
    details: float = 1.0,
    grow_px: float = 1.0,
) -> Registered:
    """Bring an edited picture into register with the crop of its photograph.

    A black-and-white or toned answer to a colour photograph stays one: somebody asked for it.

    Args:
        photo: the whole photograph, uint8 [H, W, 3].
        edited: what an editor made of it, of any size, uint8 [h, w, 3].
        crop: the face in the photograph, uint8 [S, S, 3].
        transform: crop pixels -> photograph pixels.
        bend: whether a smooth flow is undone as well.
        details: share of the photograph's details that come back.
        grow_px: how far the mask of changes is grown, px of the crop.

    Raises:
        NotAPair: another picture, mirrored, too small, or without the face.
    """
    from unripple.ops.changes import changed, expected
    from unripple.ops.pairing import drift, pair
    from unripple.ops.returning import origins, returned
    from unripple.ops.tones import tone_of, toned

    found = pair(photo, edited)
    size_px = crop.shape[0]
    grid = centres(size_px, size_px)
    _check_size(found.places, transform, size_px)
    shown = found.shows(edited, apply(transform, grid))
    _check_shown(shown, apply(transform, grid), photo.shape)
    seen = found.seen(edited, apply(transform, grid))
    flow_px = 0.0
    if bend:
        flow = _bent(crop, seen, shown)
        if flow is not None:
            seen = found.seen(edited, apply(transform, grid + flow))
            flow_px = float(np.median(np.hypot(*np.moveaxis(flow, 2, 0))[shown]))
    given = _given(edited, photo.shape, transform, size_px)
    tone = tone_of(given) if tone_of(crop) is None else None
    plain = crop
    if tone is not None:
        plain, seen = toned(crop, tone), toned(_levels(seen), tone).astype(np.float32)
    seen = np.where(shown[..., None], seen, plain)
    what = expected(plain, seen, _unedited(plain, seen) & shown)
    lost = what.picture - plain
    marked = changed(crop, seen, what._replace(picture=crop + lost), grow_px=grow_px) & shown
    where = origins(what.picture, seen)
    detailed = seen
    if details:
        detailed = seen + details * (returned(plain, what.picture, seen, where) - seen)
    picture = _levels(detailed) if tone is None else toned(_levels(detailed), tone)
    told = drift(found.places, photo.shape, edited.shape)
    return Registered(
        np.where(shown[..., None], picture, crop),
        marked,
        given,
        np.concatenate((where.offsets / size_px, details * where.share[None])).astype(np.float16),
        {
            "agreement": found.agreement,
            "zoom_percent": told.zoom_percent,
            "shift_px": told.shift_px,
            "turn_deg": told.turn_deg,
            "flow_px": flow_px * scale_of(transform),
            "blur_px": what.blur_px,
            "noise": what.noise,
        },
    )


def _check_size(places: Floats, transform: Affine, size_px: int) -> None:
    from unripple.ops.homography import mapped

    half = np.array(((0.0, size_px / 2), (size_px, size_px / 2)))
    ends = mapped(places, apply(transform, half))
    side = float(np.hypot(*(ends[1] - ends[0])))
    if side < LEAST_CROP_PX:
        raise TooSmall(
            f"the face and its surroundings have {side:.0f} px in the edited picture, at least "
            f"{LEAST_CROP_PX} are wanted; have the photo edited in a larger size, or cropped"
        )


def _check_shown(shown: Mask, places: Floats, shape: tuple[int, ...]) -> None:
    """Refuse a picture without the face; what of a crop lies beyond the photograph is no part."""
    x, y = np.moveaxis(places, -1, 0)
    inside = (x >= 0) & (y >= 0) & (x <= shape[1]) & (y <= shape[0])
    quarter = shown.shape[0] // 4
    middle = np.s_[quarter:-quarter, quarter:-quarter]
    share = float(shown[middle][inside[middle]].mean()) if inside[middle].any() else 0.0
    if share < LEAST_SHOWN:
        raise CutOff(
            f"the edited picture shows {100 * share:.0f}% of the face, the rest was cut off; have "
            "the whole photo edited, or photo and edited picture cropped alike"
        )


def _bent(crop: Photo, seen: Floats, shown: Mask) -> Floats | None:
    from unripple.ops.bending import bend
    from unripple.ops.homography import luminance

    # A head that turned is no bend of the picture: the middle has no vote.
    size_px = crop.shape[0]
    x, y = np.moveaxis(centres(size_px, size_px) / size_px - 0.5, -1, 0)
    around = np.hypot(x / HEAD_SHARE[0], y / HEAD_SHARE[1]) > 1
    return bend(luminance(crop), cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), shown & around)


def _unedited(crop: Photo, seen: Floats) -> Mask:
    """Where structure says that both show the same."""
    from unripple.ops.homography import luminance
    from unripple.ops.registration import BANDS_PX, correlation

    alike, detailed = correlation(
        luminance(crop), cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), *BANDS_PX[1]
    )
    same: Mask = detailed & (alike > 0.6)
    return same


def _given(edited: Photo, shape: tuple[int, ...], transform: Affine, size_px: int) -> Photo:
    """The edited picture as it came, seen through the crop after a plain resize."""
    from unripple.ops.pairing import Pair
    from unripple.ops.tone_match import same

    resize = np.diag((edited.shape[1] / shape[1], edited.shape[0] / shape[0], 1.0))
    seen = Pair(resize, same(), 1.0).seen(edited, apply(transform, centres(size_px, size_px)))
    return _levels(seen)


def _levels(values: Floats | Photo) -> Photo:
    levels: Photo = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return levels


def run(work: Work, settings: RegisterSettings) -> Registered:
    """Bring what somebody edited elsewhere into register with the photo."""
    assert work.photo is not None and work.edited is not None
    aligned = work.input(Aligned, "align")
    registered = register(
        work.photo.srgb,
        work.edited.srgb,
        aligned.picture,
        aligned.transform,
        bend=settings.bend,
        details=settings.details,
        grow_px=settings.grown(aligned.picture).grow_px,
    )
    mask = work.edited.mask
    return registered._replace(mask=None if mask is None else _seen(mask, work, aligned))


def _seen(mask: Mask, work: Work, aligned: Aligned) -> Mask:
    from unripple.ops.masks import require_same_size

    assert work.photo is not None
    require_same_size(photo=work.photo.pixels, mask=mask)
    seen: Mask = aligned.seen(mask)
    return seen


STAGE = Stage(
    name="register",
    help="undo what another program's redrawing did to the whole picture",
    version=3,
    run=run,
    outputs=Registered,
    settings=RegisterSettings,
    edit_inputs=("align",),
    edit_title="in register",
    recipes=(EXTERNAL,),
    reads_photo=True,
    reads_edited=True,
    marked=True,
)
