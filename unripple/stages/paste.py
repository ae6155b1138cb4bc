"""paste: put the composed crop back into the full photograph, at its own resolution.

Only pixels under the crop's `touched` mask are written; every other byte is the photograph's. What
is finer than the crop comes from where the photograph shows the same point of the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Affine, Floats, Mask, Photo, Shares
from unripple.ops.composite import blend
from unripple.ops.geometry import apply, compose, inverse, resample, sample, scale_of, stretched
from unripple.ops.layers import Layers, lay
from unripple.ops.masks import require_same_size, signed_distance
from unripple.stages.align import Aligned
from unripple.stages.compose import Composed, in_tone_of
from unripple.stages.edit import Edited
from unripple.stages.interface import Settings, Stage, Work, knob

SEAM_PX = 0.5
"""Depth of the seam, crop px: from the touched pixels' sides to their centres. At identity scale
it vanishes, so that an aligned photograph gets the composed picture byte for byte."""


BAND_PX = 256
"""Rows of a window whose finest details are looked up at once."""


class Fine(NamedTuple):
    """What tells the details that are finer than the crop.

    Attributes:
        crop: the unedited crop, uint8 [S, S, 3].
        offsets: from each point of the edit to where the crop shows it, x and y in sides of the
            crop, [2, s, s]; their grid may be finer than the crop.
        share: how much of the details to take, uint8 [S, S].
        tint: levels that colouring adds to the photograph, in the crop's frame, [3, s, s]; None
            where it adds nothing.
        laid: levels of what is drawn over the edited crop and how far it covers it, from 0 to 1,
            in its frame, [4, s, s]; None where there is none.
    """

    crop: Photo
    offsets: Floats
    share: Shares
    tint: Floats | None = None
    laid: Floats | None = None


class Pasted(NamedTuple):
    """The parts of this stage.

    Attributes:
        picture: uint8 [H, W, 3], as large as the photograph.
        touched: pixels that may differ from the photograph, bool [H, W].
        notes: `lost` says what of the photograph's file a result cannot keep; None if all is kept.
    """

    picture: Photo
    touched: Mask
    notes: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, kw_only=True)
class PasteSettings(Settings):
    """How the crop's seam and border fade into the photograph."""

    feather_px: float = knob(
        0,
        "how far the seam fades beyond what was touched; 0 keeps every other byte",
        minimum=0,
        maximum=128,
    )
    border_px: float = knob(
        4, "fade where the crop ends and the photo goes on", minimum=0, maximum=128
    )


def paste(
    photo: Photo,
    picture: Photo,
    touched: Mask,
    transform: Affine,
    *,
    fine: Fine | None = None,
    feather_px: float = 0.0,
    border_px: float = 4.0,
) -> Pasted:
    """Warp a crop back and write what was touched.

    Args:
        photo: the full photograph, uint8 [H, W, 3].
        picture: the composed crop, uint8 [S, S, 3].
        touched: pixels of the crop that may differ from the photograph, bool [S, S].
        transform: crop pixels -> photograph pixels.
        fine: where the details come from that the crop is too small for; without it, and where the
            photograph is no larger than the crop, there are none.
        feather_px: how far the seam fades beyond the touched pixels, crop px. 0 keeps every byte
            outside them; more hides the step from the crop's resolution to the photograph's.
        border_px: width of the fade along the crop's own border, where the photograph goes on
            beyond it (the shoulders, usually), crop px.

    Returns:
        The photograph with the edit in it.

    Raises:
        ShapeMismatch: picture and mask differ in size.
    """
    require_same_size(picture=picture, touched=touched)
    written = np.zeros(photo.shape[:2], np.bool_)
    result = photo.copy()
    top, bottom, left, right = _window(photo.shape[0], photo.shape[1], touched.shape[0], transform)
    if not touched.any() or top >= bottom or left >= right:
        return Pasted(result, written)
    window = np.s_[top:bottom, left:right]
    moved = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    to_crop = compose(inverse(transform), moved)  # window px -> crop px
    width, height = right - left, bottom - top
    weight = _seam(touched, to_crop, width, height, feather_px)
    weight *= _border(touched.shape[0], to_crop, width, height, photo, transform, border_px)
    over = resample(picture.astype(np.float32), to_crop, width=width, height=height)
    if fine is not None and scale_of(transform) > 1:
        for top_row in range(0, height, BAND_PX):  # a selfie's window may have 100 megapixels
            band = over[top_row : top_row + BAND_PX]
            below = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, top_row]])
            to_band = compose(to_crop, below)
            band += _finest(photo, fine, transform, to_band, width, len(band))
            if fine.laid is not None:
                band += _laid_over(band, fine.laid, to_band, touched.shape[0])
    result[window] = blend(photo[window], over, weight)
    written[window] = weight > 0
    return Pasted(result, written)


def paste_layers(
    photo: Photo,
    layers: Layers,
    plate: Photo,
    transform: Affine,
    *,
    border_px: float = 4.0,
) -> Pasted:
    """Lay an edit's layers on the full photograph, at its own resolution.

    Args:
        photo: the full photograph, uint8 [H, W, 3].
        layers: the edit, in the photograph's colours.
        plate: the background of the layers, uint8 [F, F, 3].
        transform: pixels of the layers -> photograph pixels.
        border_px: width of the fade along the layers' own border, where the photograph goes on
            beyond it, px of the layers.
    """
    side = layers.alpha.shape[0]
    result, touched = photo.copy(), np.zeros(photo.shape[:2], np.bool_)
    active = layers.active
    if active is None:
        return Pasted(result, touched)
    window = _window(photo.shape[0], photo.shape[1], side, transform, active)
    top, bottom, left, right = window
    if top >= bottom or left >= right:
        return Pasted(result, touched)

    def weight(first: int, last: int) -> Floats:
        below = np.array([[1.0, 0.0, left], [0.0, 1.0, top + first]])
        to_crop = compose(inverse(transform), below)
        return _border(side, to_crop, right - left, last - first, photo, transform, border_px)

    place = np.s_[top:bottom, left:right]
    result[place], touched[place] = lay(photo, transform, layers, plate, window, weight)
    return Pasted(result, touched)


def _window(
    height: int,
    width: int,
    size: int,
    transform: Affine,
    part: tuple[int, int, int, int] | None = None,
) -> tuple[int, int, int, int]:
    """Rows and columns of the photograph that the crop, or a part of it, reaches: top, bottom,
    left, right."""
    above, below, before, after = part or (0, size, 0, size)
    places = [[before, above], [after, above], [before, below], [after, below]]
    corners = apply(transform, np.array(places, np.float64))
    low, high = np.floor(corners.min(0)), np.ceil(corners.max(0))
    left, right = (int(np.clip(edge, 0, width)) for edge in (low[0], high[0]))
    top, bottom = (int(np.clip(edge, 0, height)) for edge in (low[1], high[1]))
    return top, bottom, left, right


def _seam(touched: Mask, to_crop: Affine, width: int, height: int, feather_px: float) -> Floats:
    """Weight by the distance to the border of what was touched, float32 [height, width]."""
    farthest = float(sum(touched.shape))
    inside = np.clip(signed_distance(touched), -farthest, farthest).astype(np.float32)
    distance_px = resample(inside, to_crop, width=width, height=height, smooth=False)
    return np.clip((distance_px + feather_px) / (SEAM_PX + feather_px), 0, 1).astype(np.float32)


def _finest(
    photo: Photo, fine: Fine, transform: Affine, to_crop: Affine, width: int, height: int
) -> Floats:
    """What the photograph shows beyond its crop, at each point's origin, [height, width, 3]."""
    size = fine.crop.shape[0]
    grid = max(size, fine.offsets.shape[-1])
    offsets = np.stack([stretched(axis, grid) * size for axis in fine.offsets], axis=-1)
    finer = grid / size
    to_grid = to_crop if grid == size else compose(np.diag((finer, finer, 1.0))[:2], to_crop)
    moved = np.stack(
        [
            resample(offsets[..., axis], to_grid, width=width, height=height, smooth=False)
            for axis in (0, 1)
        ],
        axis=-1,
    )
    share = resample(
        fine.share.astype(np.float32) / 255, to_crop, width=width, height=height, smooth=False
    )
    origin = _places(to_crop, width, height) + moved  # crop px
    beyond = sample(photo, apply(transform, origin)) - sample(fine.crop, origin)
    if fine.tint is not None:
        tint = np.ascontiguousarray(np.moveaxis(fine.tint, 0, -1), dtype=np.float32)
        coarse = cv2.resize(tint, (size, size), interpolation=cv2.INTER_AREA)
        beyond += sample(tint, origin * (tint.shape[0] / size)) - sample(coarse, origin)
    return share[..., None] * beyond


def _laid_over(band: Floats, laid: Floats, to_crop: Affine, size: int) -> Floats:
    """What is added where something is drawn over the edited crop, [height, width, 3]."""
    times = laid.shape[-1] / size
    to_laid = compose(np.diag((times, times, 1.0))[:2], to_crop)
    height, width = band.shape[:2]
    layers = [
        resample(layer.astype(np.float32), to_laid, width=width, height=height, smooth=False)
        for layer in laid
    ]
    colour, cover = np.stack(layers[:3], axis=-1), layers[3][..., None]
    added: Floats = cover * (colour - band)
    return added


def _places(to_crop: Affine, width: int, height: int) -> Floats:
    """Where the centres of a window's pixels lie in the crop, px, [height, width, 2]."""
    columns, rows = np.arange(width) + 0.5, np.arange(height) + 0.5
    return apply(to_crop, np.stack(np.broadcast_arrays(columns, rows[:, None]), axis=-1))


def _border(
    size: int,
    to_crop: Affine,
    width: int,
    height: int,
    photo: Photo,
    transform: Affine,
    border_px: float,
) -> Floats:
    """Weight that fades along those sides of the crop beyond which the photograph goes on."""
    high, wide = photo.shape[:2]
    corners = np.array([[0.5, 0.5], [wide - 0.5, 0.5], [0.5, high - 0.5], [wide - 0.5, high - 0.5]])
    reach = apply(inverse(transform), corners)  # of the outermost pixel centres, crop px
    beyond = *reach.min(0), *(size - reach.max(0))
    weight = np.ones((height, width))
    if min(beyond) >= 0:
        return weight.astype(np.float32)
    x, y = np.moveaxis(_places(to_crop, width, height), -1, 0)
    for inside, outermost in zip((x, y, size - x, size - y), beyond, strict=True):
        if outermost < 0:
            weight = np.minimum(weight, np.clip(inside / max(border_px, 1e-6), 0, 1))
    return weight.astype(np.float32)


def run(work: Work, settings: PasteSettings) -> Pasted:
    """Put the composed crop back into the full photograph, and tell what its file loses."""
    assert work.photo is not None
    aligned, composed = work.input(Aligned, "align"), work.input(Composed, "compose")
    edit = work.input(Edited, "edit")
    if edit.layers is not None and composed.plate is not None:
        return _told(work, _in_layers(work, aligned, edit, composed.plate, settings))
    fine, motion = None, edit.motion
    if composed.detail is not None:
        assert motion is not None
        crop = _in_own_colours(work, aligned, aligned.picture)
        fine = Fine(crop, motion[:2], composed.detail, edit.tint, edit.laid)
    knobs = settings.grown(composed.picture)
    pasted = paste(
        work.photo.pixels,
        _in_own_colours(work, aligned, composed.picture),
        composed.touched,
        aligned.transform,
        fine=fine,
        feather_px=knobs.feather_px,
        border_px=knobs.border_px,
    )
    return _told(work, pasted)


def _in_layers(
    work: Work, aligned: Aligned, edited: Edited, plate: Photo, settings: PasteSettings
) -> Pasted:
    """Lay the edit's layers, brought into the photograph's own colours."""
    assert work.photo is not None and edited.layers is not None
    layers, photo = edited.layers, work.photo
    size, side = aligned.picture.shape[0], layers.alpha.shape[0]
    transform = aligned.transform.copy()
    transform[:, :2] *= size / side
    if edited.kept is not None:
        stays = stretched(edited.kept.astype(np.float32), side) > 0
        layers = layers._replace(moving=np.where(stays, np.uint8(0), layers.moving))
    own = layers._replace(
        picture=photo.in_own_colours(layers.picture),
        colours=photo.in_own_colours(layers.colours),
    )
    border_px = settings.grown(layers.picture).border_px
    pasted = paste_layers(
        photo.pixels, own, photo.in_own_colours(plate), transform, border_px=border_px
    )
    # Stray chroma of a grey photo moves along and adds up; what was touched is in its tone again.
    seen = resample(photo.pixels, aligned.transform, width=size, height=size)
    plain = in_tone_of(seen, pasted.picture)
    if plain is pasted.picture:
        return pasted
    return pasted._replace(picture=np.where(pasted.touched[..., None], plain, pasted.picture))


def _told(work: Work, pasted: Pasted) -> Pasted:
    """With what the photograph's file loses."""
    assert work.photo is not None
    lost = work.photo.metadata.lost
    return pasted._replace(notes={"lost": list(lost)}) if lost else pasted


def _in_own_colours(work: Work, aligned: Aligned, crop: Photo) -> Photo:
    """A crop, or what was made of it, in the photograph's colour space and in its tone."""
    assert work.photo is not None
    own = work.photo.in_own_colours(crop)
    if own is crop:  # sRGB: `compose` saw to the tone
        return own
    # The way through another space leaves a level of chroma on grey.
    size_px, photo = crop.shape[0], work.photo.pixels
    return in_tone_of(resample(photo, aligned.transform, width=size_px, height=size_px), own)


STAGE = Stage(
    name="paste",
    help="put the result back into the full photo",
    version=4,
    run=run,
    outputs=Pasted,
    settings=PasteSettings,
    edit_inputs=("align", "edit", "compose"),
    edit_title="in the full photo",
    reads_photo=True,
    marked=True,
)
