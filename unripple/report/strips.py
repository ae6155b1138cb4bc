"""The strips that the report shows: files in the results folder, drawn once and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unripple import atomic
from unripple.conventions import Photo, UnrippleError
from unripple.io.artifact import Part
from unripple.io.config import Edit
from unripple.io.digest import value_sha256
from unripple.io.metadata import NOTHING
from unripple.io.photo import encode_thumbnail, read_photo
from unripple.io.results import PHOTO, Results, photo_of
from unripple.io.sheet import stamp
from unripple.io.truth import TruthFolder
from unripple.pipeline.graph import Step
from unripple.report import strip
from unripple.report.manifests import Manifests, Place
from unripple.runtime.view import as_picture, within

if TYPE_CHECKING:
    from unripple.stages.report import Failure, Tile

FOLDER = "report"
"""Folder of the strips, in the results folder."""
MARGIN = 1 / 32
"""Of a tile's side, left and right of it in its strip; the page's script knows it, too."""
_STRIP_VERSION = 1  # raise it when the same results shall give other strips
_PAIR_PX = 96  # of each half
_DECODED = ("NoFace", "SeveralFaces")
"""Failures of photos that can be opened; the others may crash whoever tries."""


class Strips:
    """One picture for all tiles of a photo, and one for those of each of its edits.

    Named by what they are made from, so that those which are there need not be drawn again.
    """

    def __init__(
        self,
        manifests: Manifests,
        results: Results,
        side_px: int,
        paths: Mapping[str, Path],
        steps: Mapping[str, Step],
        *,
        max_megapixels: float,
    ) -> None:
        self._max_megapixels = max_megapixels
        self._manifests = manifests
        self._folder = results.root / FOLDER
        self._side_px = side_px
        self._paths = paths
        self._steps = steps
        self._used: dict[str, Path] = {}

    def of_photo(self, photo: str) -> tuple[str, int]:
        """The strip's file, and how many tiles are in it."""
        return self._strip(photo, Edit("", ()), None, of_photo=True)

    def of_failed(self, photo: str, failure: Failure) -> tuple[str, int]:
        """The strip's file of a photo that stopped early, and how many of the stages' tiles are in
        it; none where the file itself is all that can be shown."""
        name, count = self.of_photo(photo)
        path = self._paths.get(photo)
        if count or path is None or failure.reason.partition(":")[0] not in _DECODED:
            return name, count
        name = value_sha256(["file", str(path), stamp(str(path)), self._side_px])[:24] + ".webp"
        small = self._folder / name
        if not small.exists():
            try:
                picture = read_photo(path, max_megapixels=self._max_megapixels).pixels
            except UnrippleError:  # the file is another one meanwhile
                return "", 0
            square = _beside([within(picture, min(self._side_px, *picture.shape[:2]))])
            atomic.write_bytes(small, encode_thumbnail(square, NOTHING))
        self._used[name] = small
        return name, 0

    def of_edit(self, photo: str, edit: Edit) -> tuple[str, int]:
        """The strip's file, and how many tiles are in it; the truth is the last one."""
        path, moves = self._paths.get(photo_of(photo)), dict(edit.moves)
        if self._manifests.key("align", None, photo) is None:
            path = None  # all faces in one picture: there is no crop to show the truth in
        truth = None if path is None else TruthFolder(path, photo_of(photo), edit.name, moves)
        return self._strip(photo, edit, truth, of_photo=False)

    def of_pair(self, photo: str, edit: str) -> str:
        """A small file with photo and result, so that a page of many weighs little; "" without."""
        places: tuple[Place, ...] = (("align", None), ("compose", edit))
        keys = [self._manifests.key(*place, photo) for place in places]
        if None in keys:
            return ""
        name = value_sha256(["pair", _STRIP_VERSION, *keys])[:24] + ".webp"
        path = self._used[name] = self._folder / name
        if not path.exists():
            parts = [self._manifests.part(*place, photo, "picture") for place in places]
            small = [
                within(as_picture("picture", part), _PAIR_PX) for part in parts if part is not None
            ]
            marks = NOTHING.of_result(marked=True)
            atomic.write_bytes(path, encode_thumbnail(np.concatenate(small, axis=1), marks))
        return name

    def tiles(self, photo: str, edit: str, in_photo: int, in_edit: int) -> tuple[Tile, ...]:
        """Where to find the tiles, in running order."""
        from unripple.stages.report import Tile

        found, at = [], {True: 0, False: 0}
        counts = {True: in_photo, False: in_edit}
        for place in self._places(photo, edit):
            one = place.of_photo
            file = _file(place)
            found.append(Tile(place.title, one, at[one], counts[one], file))
            at[one] += 1
        if at[False] < in_edit:
            found.append(Tile(strip.TRUTH, False, in_edit - 1, in_edit))
        return tuple(found)

    def read(self) -> dict[str, bytes]:
        """All strips of this report by name."""
        return {name: path.read_bytes() for name, path in self._used.items()}

    def tidy(self) -> None:
        """Delete the strips of earlier reports."""
        for path in self._folder.glob("*.webp"):
            if path.name not in self._used:
                path.unlink(missing_ok=True)

    def _places(self, photo: str, edit: str) -> list[strip.Place]:
        return [
            place
            for place in strip.places(edit, self._steps)
            if self._manifests.key(place.step.stage, place.of, photo) is not None
        ]

    def _strip(
        self, photo: str, edit: Edit, truth: TruthFolder | None, *, of_photo: bool
    ) -> tuple[str, int]:
        listed = self._places(photo, edit.name)
        own = [place for place in listed if place.of_photo == of_photo]
        known = truth.read(only_edit=True) if truth is not None else None
        shows_truth = known is not None and known.counterfactual is not None
        if not own:
            return "", 0
        made_from = {
            "version": _STRIP_VERSION,
            "side_px": self._side_px,
            "tiles": [
                [p.step.stage, p.of_photo, self._manifests.key(p.step.stage, p.of, photo)]
                for p in (own if of_photo else listed)
            ],
            "truth": truth.digests() if truth is not None and shows_truth else {},
        }
        name = value_sha256(made_from)[:24] + ".webp"
        path = self._used[name] = self._folder / name
        if not path.exists():

            def part(stage: str, of: str | None, wanted: str) -> Part | None:
                return self._manifests.part(stage, of, photo, wanted)

            drawn = strip.tiles(edit.name, part, known, self._steps, of_photo=of_photo)
            pictures = [tile.picture for tile in drawn]
            side_px = min(self._side_px, pictures[0].shape[0])
            row = _beside([within(picture, side_px) for picture in pictures])
            marked = any(place.step.marked for place in own)
            atomic.write_bytes(path, encode_thumbnail(row, NOTHING.of_result(marked=marked)))
        return name, len(own) + shows_truth


def _beside(pictures: Sequence[Photo]) -> Photo:
    """Squares in a row, each with a margin left and right that repeats its border.

    Browsers scale a strip as a whole: without margins a neighbour would shine into each tile.
    """
    margin_px = round(pictures[0].shape[0] * MARGIN)
    sides = ((0, 0), (margin_px, margin_px), (0, 0))
    return np.concatenate([np.pad(one, sides, mode="edge") for one in pictures], axis=1)


def _file(place: strip.Place) -> str:
    """Where the readable results tree shows a place's picture."""
    if place.step.shows == "inverse_depth":  # an array, no picture
        return ""
    folder = {None: "", PHOTO: f"{PHOTO}/"}.get(place.of, "{edit}/")
    return f"{place.step.stage}/{folder}{{photo}}.{place.step.shows}.png"
