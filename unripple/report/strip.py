"""The strip: what every stage made of one photo and edit, as pictures in running order.

Which stages there are, the table of steps says, and their declarations how a tile is captioned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from unripple.conventions import Photo
from unripple.io.artifact import Artifact, Part
from unripple.io.config import check_knob
from unripple.io.results import PHOTO
from unripple.pipeline.graph import STEPS, Step
from unripple.runtime.view import as_picture, over, within
from unripple.stages.align import seen_in_crop

if TYPE_CHECKING:
    from unripple.io.truth import PhotoTruth

TRUTH = "truth"
PHOTO_FILE = "the photo's file"
_NOT_SEEN = ("w_plus", "figures")  # parts that hold numbers: no pictures for people
_GROUNDS = ("align", "edit", "register")
"""Stages whose pictures the masks after them are shown over."""
_CAPTION_PX = 13
_GAP_PX = 6


class Place(NamedTuple):
    """Where a tile comes from: a step, and what it looks at (an edit's name, `PHOTO`, None)."""

    step: Step
    of: str | None

    @property
    def of_photo(self) -> bool:
        """Whether all edits of a photo share it."""
        return self.of in (None, PHOTO)

    @property
    def title(self) -> str:
        """Its caption."""
        declared = self.step.photo_title if self.of_photo else self.step.edit_title
        return declared or self.step.stage


class Tile(NamedTuple):
    """One picture of a strip: stage word (or `TRUTH`), whether it is the photo's, its caption."""

    stage: str
    of_photo: bool
    title: str
    picture: Photo


def places(edit: str, steps: Mapping[str, Step] = STEPS) -> list[Place]:
    """Every place of the steps that gives something to look at, in running order."""
    return [
        Place(step, of)
        for step in steps.values()
        if step.shows not in _NOT_SEEN
        for of in step.places((edit,))
    ]


def tiles(
    edit: str,
    part: Callable[[str, str | None, str], Part | None],
    truth: PhotoTruth | None = None,
    steps: Mapping[str, Step] = STEPS,
    *,
    of_photo: bool | None = None,
) -> Iterator[Tile]:
    """The tiles of one photo and edit, as far as there are results.

    Args:
        edit: the edit's name.
        part: (stage, of, part's name) -> the part, or None where the stage has no result.
        truth: what is known of the photo.
        steps: the table of steps.
        of_photo: whether those of the photo or those of the edit are wanted; None is both.
    """
    below = None
    for place in places(edit, steps):
        name, is_ground = place.step.shows, place.step.stage in _GROUNDS
        wanted = of_photo in (None, place.of_photo)
        if not wanted and not is_ground:
            continue
        found = part(place.step.stage, place.of, name)
        if found is None:
            continue
        picture = as_picture(name, found)
        if is_ground:
            below = picture
        if not wanted:
            continue
        if below is not None and isinstance(found, np.ndarray) and found.dtype == np.bool_:
            picture = over(below, found)
        yield Tile(place.step.stage, place.of_photo, place.title, picture)
    if of_photo or truth is None or truth.counterfactual is None:
        return
    transform = part("align", None, "transform")
    if below is not None:
        assert isinstance(transform, np.ndarray)
        seen = seen_in_crop(truth.counterfactual, transform, size_px=below.shape[0])
        yield Tile(TRUTH, False, TRUTH, seen)


def tiles_of(
    artifacts: Mapping[str, Artifact], edit: str, truth: PhotoTruth | None = None
) -> list[Tile]:
    """The tiles of what a live session made, see `Editor.run`."""

    def part(stage: str, of: str | None, name: str) -> Part | None:
        found = artifacts.get(f"{stage}@{PHOTO}" if of == PHOTO else stage)
        return None if found is None else found[name]

    return list(tiles(edit, part, truth))


def draw(strip: list[Tile], *, side_px: int, captions: bool = True) -> Photo:
    """Tiles side by side on white, each a square of `side_px`, its caption below.

    Returns:
        uint8 [H, W, 3].

    Raises:
        BadConfig: the side is none.
    """
    side_px = min(side_px, check_knob("strip.side_px", max(side_px, 16), where="side_px"))
    step_px = side_px + _GAP_PX
    band_px = 2 * _CAPTION_PX if captions else 0
    size = step_px * len(strip) - _GAP_PX, side_px + band_px
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for number, tile in enumerate(strip):
        left = number * step_px
        sheet.paste(Image.fromarray(within(tile.picture, side_px)), (left, 0))
        if captions:
            centre = left + side_px / 2, side_px + band_px / 2
            pen.text(centre, tile.title, "#1d2126", _font(tile.title, step_px), anchor="mm")
    return np.asarray(sheet)


def _font(text: str, width_px: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, small enough for the text to fit."""
    font = ImageFont.load_default(_CAPTION_PX)
    assert isinstance(font, ImageFont.FreeTypeFont)
    shrunk = min(1.0, width_px / max(1.0, font.getlength(text)))
    return font.font_variant(size=_CAPTION_PX * shrunk)
