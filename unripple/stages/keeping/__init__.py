"""What an edit shall leave alone: by a mask of the user's, or where the parser sees background.

The published mask acts on an inverter's features alone, so that masked regions still change; with
`edit.keep_pixels` they keep the photo's very bytes, up to the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unripple.conventions import BadConfig, Mask, Photo, Shares
from unripple.ops.masks import require_same_size
from unripple.ops.resample import resize_bilinear
from unripple.stages.align import Aligned
from unripple.stages.interface import Plan, Values, Work
from unripple.stages.inverters import INVERTERS
from unripple.stages.parsers import PARSERS

if TYPE_CHECKING:
    from unripple.stages.edit import Edited, EditSettings

NONE, BACKGROUND, MASKS = "none", "background", "masks"
"""Nothing; what the parser sees; a picture for each photo. The last is no word of the config, where
the folder of those pictures stands instead."""
HALF = 128


class Kept(NamedTuple):
    """What an edit shall leave alone.

    Attributes:
        shares: how much, 255 is all, uint8 [S, S].
        pixels: whose bytes stay where bytes are to stay, bool [S, S].
    """

    shares: Shares
    pixels: Mask


def kept_by(work: Work, settings: EditSettings) -> Kept | None:
    """What this edit shall leave alone, if anything.

    Args:
        work: of stage `edit`.
        settings: `keep` is one of the words above.
    """
    if settings.keep == NONE:
        return None
    aligned = work.input(Aligned, "align")
    if settings.keep == BACKGROUND:
        return background(work, aligned.picture, settings)
    mask = work.keep
    assert mask is not None
    return of_photo(mask.levels, aligned) if mask.of_photo else of_crop(mask.levels, aligned)


def background(work: Work, photo: Photo, settings: EditSettings) -> Kept:
    """Where the parser is sure to see background: a share of `keep_threshold` and more."""
    from unripple.stages.parse import ParseSettings, person_share

    parser = work.load("parser")
    parsing = ParseSettings(scales=settings.scales, person=settings.person)
    share = PARSERS[parser.network].background(photo, parser, parsing)
    if settings.person:  # photographs, which the parser alone knows less well
        person = work.load("person")
        share_of_person = person_share(photo, person.net, net_size_px=person.size_px)
        share = np.where(share_of_person > 0.5, 0.0, share)
    mask: Mask = share >= settings.keep_threshold
    return Kept(mask.astype(np.uint8) * 255, mask)


def of_photo(levels: Shares, aligned: Aligned) -> Kept:
    """A mask of the whole photo, levels uint8 [H, W], seen through the crop.

    Of bytes, all that the mask reaches stays: a crop's pixel may cover several of the photo's.
    """
    shares: Shares = aligned.seen((levels >= HALF).astype(np.uint8) * 255)
    return Kept(shares, shares > 0)


def of_crop(levels: Shares, aligned: Aligned) -> Kept:
    """A mask of the aligned picture, levels uint8 of any size."""
    size_px = aligned.picture.shape[0]
    coloured = np.repeat(levels[..., None], 3, axis=2)
    shares: Shares = np.ascontiguousarray(resize_bilinear(coloured, (size_px, size_px))[..., 0])
    return Kept(shares, shares >= HALF)


def laid_back(photo: Photo, edited: Edited, kept: Kept, *, pixels: bool) -> Edited:
    """An edit with what it left alone beside it.

    Args:
        photo: the unedited picture, uint8 [S, S, 3].
        edited: what was made of it.
        kept: see `Kept`.
        pixels: whether the photo's bytes go back there.

    Raises:
        ShapeMismatch: the arrays differ in size.
    """
    require_same_size(photo=photo, edited=edited.picture, kept=kept.pixels)
    shown = kept.shares[..., None] / 255
    rear = np.rint(photo * shown).astype(np.uint8)
    made = edited._replace(keep=kept.shares, face=photo - rear, background=rear)
    if not pixels:
        return made
    stays = kept.pixels[..., None]
    return made._replace(picture=np.where(stays, photo, edited.picture), kept=kept.pixels)


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """The settings of an edit that keeps something; none, where nothing is to be kept.

    Raises:
        BadConfig: there is nothing in this inverter that a mask could act on.
    """
    section = plan.config["edit"]
    if section["keep"] == NONE:
        return {}
    method = settings["method"]
    if not INVERTERS[method].masks and not section["keep_pixels"]:
        able = " or ".join(name for name, one in INVERTERS.items() if one.masks)
        raise BadConfig(
            f"edit.keep: a mask acts on features, which invert.method {method!r} does not edit; "
            f"set edit.keep_pixels to true, which keeps the bytes, or invert.method to {able}"
        )
    pixels = {"keep_pixels": bool(section["keep_pixels"])}
    if section["keep"] != BACKGROUND:
        return {"keep": MASKS, **pixels}
    threshold = {"keep_threshold": section["keep_threshold"]}
    return {"keep": BACKGROUND, **threshold, **pixels, **plan.settings_of("parse")}


def roles(settings: Values) -> tuple[str, ...]:
    """Networks that see the background."""
    if settings.get("keep") != BACKGROUND:
        return ()
    return ("parser", "person") if settings.get("person") else ("parser",)


def keeps_pixels(config: Mapping[str, Any]) -> dict[str, Any]:
    """For stages after `edit`: whether they must leave bytes alone. Nothing, if they need not."""
    section = config["edit"]
    asked = section["keep"] != NONE and section["keep_pixels"]
    return {"keep_pixels": True} if asked else {}
