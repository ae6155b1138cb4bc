"""From manifests to the report: strips of all stages, figures, and what went wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.io.config import Config, Edit, edits
from unripple.io.places import sheet_to_read
from unripple.io.results import Results
from unripple.io.sheet import read_sheet
from unripple.io.times import read_times
from unripple.pipeline.checks import warnings_of
from unripple.pipeline.graph import RECIPES, Step
from unripple.pipeline.jobs import job_from_config
from unripple.report import strip
from unripple.report.changed import ChangedShares
from unripple.report.facts import facts_of
from unripple.report.manifests import Manifests
from unripple.report.strips import FOLDER, Strips
from unripple.runtime.cache import StoreCache
from unripple.runtime.joint import JOINED
from unripple.runtime.texts import told_of
from unripple.zoo.zoo import EMBEDDED, Zoo

if TYPE_CHECKING:
    from unripple.stages.report import Row


def assemble(
    config: Config,
    shards: Sequence[str],
    results: Results,
    steps: Mapping[str, Step] | None = None,
    *,
    other: Mapping[str, Any] | None = None,
) -> tuple[str, str]:
    """Write the strips, and give the report and the table of figures.

    Args:
        config: a complete config.
        shards: the shards of the photos at hand.
        results: where manifests and artifacts lie; strips go into its folder `report`.
        steps: the table of steps; None is the recipe's.
        other: the table of figures of a run to compare with, and its `name`.

    Returns:
        HTML and JSON texts.

    Raises:
        StoreError: a stage did not run, an artifact is missing, or a strip cannot be written.
    """
    from unripple.stages import report as stage

    wanted = edits(config)
    steps = RECIPES[config["recipe"]] if steps is None else steps
    manifests = Manifests(results, shards, tuple(edit.name for edit in wanted), steps)
    zoo = Zoo(config["models"])
    looked_at = dict(steps)
    if "restore" in steps and not steps["restore"].roles(
        job_from_config(config, "restore", wanted[0].name, zoo).settings
    ):
        del looked_at["restore"]  # it handed the edits on
    strips = Strips(
        manifests,
        results,
        config["report"]["height_px"],
        _photo_paths(results),
        looked_at,
        max_megapixels=config["limits"]["megapixels"],
    )
    changed = ChangedShares(StoreCache(results.store), results.root / FOLDER)
    told = {edit: tuple(warnings_of(config, edit, zoo)) for edit in wanted}
    shown, embedded = config["report"]["max_photos"], zoo.choice("generator") == EMBEDDED
    photos = manifests.photos()
    holds_pictures = len(photos) <= config["report"]["embed_photos"]
    rows = [
        row
        for number, photo in enumerate(photos)
        for row in _rows(
            manifests, strips if number < shown else None, told, photo, changed, embedded=embedded
        )
    ]
    if not holds_pictures:
        rows = [
            row._replace(pair=strips.of_pair(row.photo, row.edit)) if row.edit_strip else row
            for row in rows
        ]
    if other is not None:
        rows = _beside_other(rows, other)
    strips.tidy()
    changed.keep()
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
        strips=strips.read() if holds_pictures else None,
        times=read_times(results.root / "log", list(steps)),
        against=other["name"] if other else "",
    )
    return html, json.dumps(summary, indent=1, allow_nan=False) + "\n"


def _photo_paths(results: Results) -> dict[str, Path]:
    return {row.photo: Path(row.path) for row in read_sheet(sheet_to_read(results.root))}


def _beside_other(rows: Sequence[Row], other: Mapping[str, Any]) -> list[Row]:
    """The rows with the figures that another run has for the same photo and edit."""
    names = ("photo", "edit", "warnings", "told")
    figures = {
        (one["photo"], one["edit"]): {
            name: math.nan if value is None else value
            for name, value in one.items()
            if name not in names
        }
        for one in other["edits"]
    }
    return [row._replace(other=figures.get((row.photo, row.edit))) for row in rows]


def _rows(
    manifests: Manifests,
    strips: Strips | None,
    told: Mapping[Edit, tuple[str, ...]],
    photo: str,
    changed: ChangedShares,
    *,
    embedded: bool,
) -> list[Row]:
    from unripple.stages.report import Row, Tile

    failure = manifests.failure(photo, None)
    if failure is not None:
        file, count = strips.of_failed(photo, failure) if strips else ("", 0)
        tiles = strips.tiles(photo, "", count, 0) if strips and count else ()
        if file and not tiles:
            tiles = (Tile(strip.PHOTO_FILE, True, 0, 1),)
        return [Row(photo, "", tiles, file, failure=failure)]
    rows = []
    of_photo = strips.of_photo(photo) if strips else ("", 0)
    foreign = manifests.foreign(photo, embedded=embedded)
    for edit, warnings in told.items():
        figures = manifests.figures(edit.name, photo) or {}
        failure = manifests.failure(photo, edit.name)
        reason = manifests.not_offered(edit.name, photo)
        joined = manifests.key(JOINED, edit.name, photo) is not None
        if not figures and failure is None and not reason and not joined:
            continue
        told_all = (*warnings, *foreign, *manifests.lost(edit.name, photo))
        row = Row(photo, edit.name, (), "", "", figures, told_all, failure, reason)
        if edit.said:
            parts = manifests.of_text(edit.name, photo)
            row = row._replace(told=tuple(told_of(edit.texts, *parts, figures)))
        if figures:
            cut_out = manifests.key("align", None, photo)
            result = manifests.key("compose", edit.name, photo)
            row = row._replace(changed=changed.of(cut_out, result))
        if strips is not None:
            of_edit = strips.of_edit(photo, edit)
            listed = strips.tiles(photo, edit.name, of_photo[1], of_edit[1])
            row = row._replace(tiles=listed, photo_strip=of_photo[0], edit_strip=of_edit[0])
        rows.append(row)
    return rows
