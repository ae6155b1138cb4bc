"""From manifests to the report: strips of all stages, figures, and what went wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unripple import atomic
from unripple.conventions import Photo
from unripple.io.artifact import Part
from unripple.io.config import Config, Edit, edits
from unripple.io.digest import value_sha256
from unripple.io.metadata import NOTHING
from unripple.io.photo import encode_thumbnail
from unripple.io.results import PHOTO, Failure, Manifest, Results, photo_of
from unripple.io.sheet import SHEET, read_sheet
from unripple.io.times import read_times
from unripple.io.truth import TruthFolder
from unripple.pipeline.graph import RECIPES, Step
from unripple.pipeline.jobs import job_from_config, warnings_of
from unripple.report import strip
from unripple.report.facts import advice, facts_of
from unripple.runtime.joint import JOINED
from unripple.runtime.view import within
from unripple.zoo.zoo import Zoo

if TYPE_CHECKING:
    from unripple.stages.report import Failure as ToldFailure
    from unripple.stages.report import Row, Tile

FOLDER = "report"
"""Folder of the strips, in the results folder."""
MARGIN = 1 / 32
"""Of a tile's side, left and right of it in its strip; the page's script knows it, too."""
_STRIP_VERSION = 1  # raise it when the same results shall give other strips
Place = tuple[str, str | None]


def assemble(
    config: Config,
    shards: Sequence[str],
    results: Results,
    steps: Mapping[str, Step] | None = None,
) -> tuple[str, str]:
    """Write the strips, and give the report and the table of figures.

    Args:
        config: a complete config.
        shards: the shards of the photos at hand.
        results: where manifests and artifacts lie; strips go into its folder `report`.
        steps: the table of steps; None is the recipe's.

    Returns:
        HTML and JSON texts.

    Raises:
        StoreError: a stage did not run, an artifact is missing, or a strip cannot be written.
    """
    from unripple.stages import report as stage

    wanted = edits(config)
    steps = RECIPES[config["recipe"]] if steps is None else steps
    manifests = _Manifests(results, shards, tuple(edit.name for edit in wanted), steps)
    zoo = Zoo(config["models"])
    looked_at = dict(steps)
    if "restore" in steps and not steps["restore"].roles(
        job_from_config(config, "restore", wanted[0].name, zoo).settings
    ):
        del looked_at["restore"]  # it handed the edits on
    strips = _Strips(manifests, results, config["report"]["height_px"], _photo_paths(), looked_at)
    told = {edit: tuple(warnings_of(config, edit, zoo)) for edit in wanted}
    shown = config["report"]["max_photos"]
    photos = manifests.photos()
    rows = [
        row
        for number, photo in enumerate(photos)
        for row in _rows(manifests, strips if number < shown else None, told, photo)
    ]
    strips.tidy()
    failures = manifests.failures()
    summary = stage.summary(rows)
    summary["failures"] = [
        {name: text for name, text in failure._asdict().items() if name != "advice"}
        for failure in failures
    ]
    html = stage.report(
        rows,
        failures,
        facts_of(config, zoo, photos, steps),
        title=config["report"]["title"],
        folder=f"{FOLDER}/",
        strips=strips.read() if len(photos) <= config["report"]["embed_photos"] else None,
        times=read_times(results.root / "log", list(steps)),
    )
    return html, json.dumps(summary, indent=1, allow_nan=False) + "\n"


def _photo_paths() -> dict[str, Path]:
    return {row.photo: Path(row.path) for row in read_sheet(SHEET)}


def _rows(
    manifests: _Manifests,
    strips: _Strips | None,
    told: Mapping[Edit, tuple[str, ...]],
    photo: str,
) -> list[Row]:
    from unripple.stages.report import Row

    failure = manifests.failure(photo, None)
    if failure is not None:
        return [Row(photo, "", failure=failure)]
    rows = []
    of_photo = strips.of_photo(photo) if strips else ("", 0)
    for edit, warnings in told.items():
        figures = manifests.figures(edit.name, photo) or {}
        failure = manifests.failure(photo, edit.name)
        reason = manifests.not_offered(edit.name, photo)
        joined = manifests.key(JOINED, edit.name, photo) is not None
        if not figures and failure is None and not reason and not joined:
            continue
        told_all = (*warnings, *manifests.lost(edit.name, photo))
        row = Row(photo, edit.name, (), "", "", figures, told_all, failure, reason)
        if strips is not None:
            of_edit = strips.of_edit(photo, edit)
            listed = strips.tiles(photo, edit.name, of_photo[1], of_edit[1])
            row = row._replace(tiles=listed, photo_strip=of_photo[0], edit_strip=of_edit[0])
        rows.append(row)
    return rows


class _Manifests:
    """The manifests of all shards, as one."""

    def __init__(
        self,
        results: Results,
        shards: Collection[str],
        edit_names: tuple[str, ...],
        steps: Mapping[str, Step],
    ) -> None:
        self._results = results
        manifests: dict[Place, list[Manifest]] = {
            (step.stage, of): [results.read_manifest(step.stage, of, shard) for shard in shards]
            for step in steps.values()
            for of in step.places(edit_names)
        }
        self._keys: dict[Place, dict[str, str]] = {
            place: {photo: key for manifest in listed for photo, key in manifest.keys.items()}
            for place, listed in manifests.items()
        }
        self._not_offered = {
            edit: {
                photo: why.message
                for manifest in manifests["translate", edit]
                for photo, why in manifest.not_offered.items()
            }
            for edit in (edit_names if "translate" in steps else ())
        }
        # Where it happened, not where it was passed on.
        self._failures: dict[Place, dict[str, Failure]] = {
            (stage, of): {
                photo: why
                for manifest in listed
                for photo, why in manifest.failures.items()
                if why.stage == stage
            }
            for (stage, of), listed in manifests.items()
        }

    def photos(self) -> list[str]:
        """Every photo, or face of a photo, that was aligned or failed to be, and every photo that
        has all of its faces in one picture."""
        joined = (
            photo for (stage, _), keys in self._keys.items() if stage == JOINED for photo in keys
        )
        return sorted({*self._keys["align", None], *self._failures["align", None], *joined})

    def key(self, stage: str, of: str | None, photo: str) -> str | None:
        """The artifact of a photo at a place."""
        return self._keys.get((stage, of), {}).get(photo)

    def part(self, stage: str, of: str | None, photo: str, name: str) -> Part | None:
        """A part of it."""
        key = self.key(stage, of, photo)
        return None if key is None else self._results.store.get_part(key, name)

    def failure(self, photo: str, edit: str | None) -> ToldFailure | None:
        """Why an edit of a photo has no result, or with None why the photo has none at all."""
        for (stage, of), failures in self._failures.items():
            if photo in failures and (of == edit if edit else of in (None, PHOTO)):
                return _told(photo, stage, of, failures[photo])
        return None

    def failures(self) -> list[ToldFailure]:
        """Every failure once."""
        return [
            _told(photo, stage, of, why)
            for (stage, of), failures in self._failures.items()
            for photo, why in sorted(failures.items(), key=itemgetter(0))  # whatever their shards
        ]

    def not_offered(self, edit: str, photo: str) -> str:
        """Why a photo was not offered an edit; "" if it was."""
        return self._not_offered.get(edit, {}).get(photo, "")

    def lost(self, edit: str, photo: str) -> tuple[str, ...]:
        """What of the photo's file did not come along into an edit, one sentence each."""
        key = self.key("paste", edit, photo)
        if key is None or "notes" not in self._results.store.parts(key):
            return ()
        notes: Any = self._results.store.get_part(key, "notes")
        return tuple(notes["lost"])

    def figures(self, edit: str, photo: str) -> dict[str, float] | None:
        """The figures of an edit; nan where undefined, None if it was not measured."""
        figures: Any = self.part("measure", edit, photo, "figures")
        if figures is None:
            return None
        return {name: math.nan if value is None else value for name, value in figures.items()}


def _told(photo: str, stage: str, of: str | None, why: Failure) -> ToldFailure:
    from unripple.stages.report import Failure as ToldFailure

    edit = "" if of in (None, PHOTO) else str(of)
    return ToldFailure(photo, stage, str(why), edit, advice(why))


class _Strips:
    """One picture for all tiles of a photo, and one for those of each of its edits.

    Named by what they are made from, so that those which are there need not be drawn again.
    """

    def __init__(
        self,
        manifests: _Manifests,
        results: Results,
        side_px: int,
        paths: Mapping[str, Path],
        steps: Mapping[str, Step],
    ) -> None:
        self._manifests = manifests
        self._folder = results.root / FOLDER
        self._side_px = side_px
        self._paths = paths
        self._steps = steps
        self._used: dict[str, Path] = {}

    def of_photo(self, photo: str) -> tuple[str, int]:
        """The strip's file, and how many tiles are in it."""
        return self._strip(photo, Edit("", ()), None, of_photo=True)

    def of_edit(self, photo: str, edit: Edit) -> tuple[str, int]:
        """The strip's file, and how many tiles are in it; the truth is the last one."""
        path, moves = self._paths.get(photo_of(photo)), dict(edit.moves)
        if self._manifests.key("align", None, photo) is None:
            path = None  # all faces in one picture: there is no crop to show the truth in
        truth = None if path is None else TruthFolder(path, photo_of(photo), edit.name, moves)
        return self._strip(photo, edit, truth, of_photo=False)

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
        known = truth.read() if truth is not None else None
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

            drawn = strip.tiles(edit.name, part, known, self._steps)
            pictures = [tile.picture for tile in drawn if tile.of_photo == of_photo]
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
