"""From manifests to the report: strips of all stages, figures, and what went wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from unripple import __version__
from unripple.api.jobs import warnings_of
from unripple.api.steps import RECIPES, RIPPLE, Step
from unripple.api.view import as_picture, thumbnail
from unripple.io.config import Config, edits
from unripple.io.photo import encode_png
from unripple.io.results import PHOTO, Manifest, Results
from unripple.zoo.zoo import Zoo

if TYPE_CHECKING:
    from unripple.stages.report import Failure, Panel, PhotoRow

PHOTO_PANELS = {
    "align": "photo",
    "invert": "inversion",
    "parse": "its parts",
    "depth": "its depth",
}
EDIT_PANELS = {
    "edit": "edit, ripples and all",
    "restore": "restored",
    "parse": "its parts",
    "depth": "its depth",
    "ripple": "ripple",
    "inpaint": "painted plate",
    "compose": "result",
    "paste": "in the full photo",
}
CONTACT = "compose"
"""The stage whose pictures the contact sheet of a photo shows, for recipes of many edits."""
Place = tuple[str, str | None]


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
        self._steps = steps
        self._manifests: dict[Place, list[Manifest]] = {
            (step.stage, of): [results.read_manifest(step.stage, of, shard) for shard in shards]
            for step in steps.values()
            for of in step.places(edit_names)
        }
        self._keys: dict[Place, dict[str, str]] = {
            place: {photo: key for manifest in listed for photo, key in manifest.keys.items()}
            for place, listed in self._manifests.items()
        }

    def photos(self) -> list[str]:
        """Every photo, or face of a photo, that was aligned."""
        return sorted(self._keys["align", None])

    def failures(self) -> list[Failure]:
        """Every failure once: where it happened, not where it was passed on."""
        from unripple.stages.report import Failure

        return [
            Failure(photo, stage, str(why), "" if of in (None, PHOTO) else str(of))
            for (stage, of), listed in self._manifests.items()
            for photo, why in sorted(
                (failure for manifest in listed for failure in manifest.failures.items()),
                key=itemgetter(0),  # whatever shards they are in
            )
            if why.stage == stage
        ]

    def panels(self, titles: Mapping[str, str], of: str, photo: str, height_px: int) -> list[Panel]:
        """Pictures of one photo's stages at a place, as far as there are any."""
        from unripple.stages.report import Panel

        panels = []
        for stage, title in titles.items():
            if stage not in self._steps:
                continue
            step = self._steps[stage]
            place = None if step.edit_inputs is None else of
            key = self._keys[stage, place].get(photo)
            if key is not None:
                part = self._results.store.get(key)[step.shows]
                picture = thumbnail(as_picture(step.shows, part), height_px)
                panels.append(Panel(title, encode_png(picture)))
        return panels

    def not_offered(self, edit: str, photo: str) -> str | None:
        """Why a photo was not offered an edit; None if it was."""
        for manifest in self._manifests["translate", edit]:
            if photo in manifest.not_offered:
                return manifest.not_offered[photo].message
        return None

    def figures(self, edit: str, photo: str) -> dict[str, float] | None:
        """The figures of an edit; nan where undefined, None if it was not measured."""
        key = self._keys["measure", edit].get(photo)
        if key is None:
            return None
        figures: Any = self._results.store.get(key)["figures"]
        return {name: math.nan if value is None else value for name, value in figures.items()}


def assemble(config: Config, shards: Sequence[str], results: Results) -> tuple[str, str]:
    """Write the report and the table of figures.

    Args:
        config: a complete config.
        shards: the shards of the photos at hand.
        results: where manifests and artifacts lie.

    Returns:
        HTML and JSON texts.

    Raises:
        StoreError: a stage did not run, or an artifact is missing.
    """
    from unripple.stages import report as stage

    wanted = edits(config)
    steps = RECIPES[config["recipe"]]
    manifests = _Manifests(results, shards, tuple(edit.name for edit in wanted), steps)
    shown = config["report"]["max_photos"]
    zoo = Zoo(config["models"])
    told = {edit.name: warnings_of(config, edit, zoo) for edit in wanted}
    photos = [
        _photo_row(manifests, config, told, photo, with_pictures=number < shown)
        for number, photo in enumerate(manifests.photos())
    ]
    failures = manifests.failures()
    summary = stage.summary(photos)
    summary["failures"] = [failure._asdict() for failure in failures]
    title = config["report"]["title"]
    html = stage.report(photos, failures, _facts(config, photos), title=title)
    return html, json.dumps(summary, indent=1, allow_nan=False) + "\n"


def _photo_row(
    manifests: _Manifests,
    config: Config,
    told: Mapping[str, list[str]],
    photo: str,
    *,
    with_pictures: bool,
) -> PhotoRow:
    from unripple.stages.report import EditRow, PhotoRow

    def panels(titles: Mapping[str, str], of: str) -> list[Panel]:
        height_px = config["report"]["height_px"]
        return manifests.panels(titles, of, photo, height_px) if with_pictures else []

    titles = dict(EDIT_PANELS)
    if not Zoo(config["models"]).has("restorer") or config["restore"]["restorer"] == "none":
        titles.pop("restore")  # it handed the edit on
    rows, contact, kept_out = [], [], []
    for edit, warnings in told.items():
        figures = manifests.figures(edit, photo)
        if figures is not None:
            rows.append(EditRow(edit, panels(titles, edit), figures, warnings))
        if config["recipe"] != RIPPLE:
            contact += panels({CONTACT: edit}, edit)
        reason = manifests.not_offered(edit, photo)
        if reason is not None:
            kept_out.append((edit, reason))
    return PhotoRow(photo, panels(PHOTO_PANELS, PHOTO), rows, contact, kept_out)


def _facts(config: Config, photos: Sequence[PhotoRow]) -> dict[str, str]:
    models = config["models"]
    moves = (
        f"{edit.name}: "
        + (edit.translation or ", ".join(f"{name} {degree:g}" for name, degree in edit.moves))
        for edit in edits(config)
    )
    sections = {
        f"settings of {stage}": ", ".join(
            f"{key} {value}" for key, value in sorted(config[stage].items())
        )
        for stage in RECIPES[config["recipe"]]
        if config[stage]
    }
    return {
        "unripple": __version__,
        "photos": str(len(photos)),
        "models": models if isinstance(models, str) else json.dumps(models, sort_keys=True),
        "edits": "; ".join(moves),
        **sections,
    }
