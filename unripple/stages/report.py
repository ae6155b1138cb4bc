"""report: one page to look through every photo and edit, its figures, and what went wrong.

Summary, failures and facts of the run stand in the page; its script draws photos and edits page by
page from one table of data, so that a thousand photos cost no more elements than a dozen. Pictures
are strips, one file for all tiles of a photo or an edit. Nothing here reads or writes a file.
"""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, NamedTuple

from unripple.metrics.figures import Figure
from unripple.metrics.leaderboard import COMPARED, Scored, Standing, leader, leaderboard, meaning
from unripple.metrics.spread import Spread, spread, worst
from unripple.metrics.tables import (
    RunComparison,
    bars,
    compare,
    describe,
    format_figure,
    limit_marks,
    medians,
    names_in,
    plain,
    step_from,
    title_of,
)
from unripple.metrics.verdict import LIMITS, VISIBLE_SHARE, Level, Limit, Verdict, verdict
from unripple.stages.interface import Declaration, Settings, knob

TEMPLATE = "report.html.j2"
WORST = 3  # of each figure, named in the summary
FAILURES_SHOWN = 100
"""More of one kind are found in the list below."""
_DIGITS = 5  # of a figure in the page's data


@dataclass(frozen=True, kw_only=True)
class ReportSettings(Settings):
    """How large the page may become."""

    title: str = knob("unripple", "")
    height_px: int = knob(256, "of the largest pictures in the report", minimum=16, maximum=4096)
    max_photos: int = knob(
        10000, "photos beyond these are shown by their figures alone", minimum=0, maximum=10000000
    )
    embed_photos: int = knob(
        40,
        "up to so many photos the page holds its pictures; with more photos they lie in the folder "
        "report beside it, and page and folder belong together",
        minimum=0,
        maximum=10000000,
    )


STAGE = Declaration(
    name="report",
    help="write report.html and measure.json of a results folder",
    settings=ReportSettings,
)


class Tile(NamedTuple):
    """One tile of a strip.

    Attributes:
        title: its caption.
        of_photo: whether it lies in the photo's strip, or in the edit's.
        at, within: which tile of how many in that strip.
        file: the picture in full in the results folder, with {photo} and {edit} to be filled in;
            "" where there is none.
    """

    title: str
    of_photo: bool
    at: int
    within: int
    file: str = ""


class Failure(NamedTuple):
    """A photo, or one of its edits, that did not come through, and why."""

    photo: str
    stage: str
    reason: str
    edit: str = ""
    advice: str = ""


class Row(NamedTuple):
    """One photo and edit.

    Attributes:
        photo: its id.
        edit: the edit's name; "" for a photo that failed before any edit.
        tiles: all pictures, in running order.
        photo_strip, edit_strip: files that hold the tiles, "" where there is none.
        figures: by name; nan is undefined.
        warnings: what to know about the edit.
        failure: why it has no result.
        not_offered: why the photo was not offered the edit; "" if it was.
        pair: a small file of photo and result side by side, "" where there is none.
        changed: share of the crop that visibly changed; nan is unknown.
        other: the figures of the same edit in the run that this one is compared with.
        told: of an edit that follows texts: what it said and did, a sentence each.
    """

    photo: str
    edit: str
    tiles: tuple[Tile, ...] = ()
    photo_strip: str = ""
    edit_strip: str = ""
    figures: Mapping[str, float] = {}
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None
    not_offered: str = ""
    pair: str = ""
    changed: float = math.nan
    other: Mapping[str, float] | None = None
    told: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """What is to be thought of the edit; None where nothing was measured."""
        return verdict(self.figures, self.changed) if self.figures else None


class Model(NamedTuple):
    """A network of the run: role, what was chosen for it, what it is, its licence."""

    role: str
    choice: str
    about: str
    licence: str
    sha256: str = ""


class Facts(NamedTuple):
    """Facts of the run: name -> text, the networks, and the config as text."""

    run: Mapping[str, str] = {}
    models: Sequence[Model] = ()
    config: str = ""


class Plot(NamedTuple):
    """A figure in the summary; `limit` is None where it is not judged."""

    name: str
    title: str
    how: Figure
    limit: Limit | None
    spread: Spread
    worst: Sequence[tuple[Row, float]]
    by_edit: Mapping[str, float]


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """What `measure.json` holds: `medians`, `edits` and `verdicts`, of other editors `editors`.

    Under `edits` is one row per measured edit, with what is to be known of it, in words, under
    `warnings` and `told`; under `verdicts` what is to be thought of each.

    Undefined figures are None, since JSON knows no nan.
    """
    measured = [row for row in rows if row.figures]
    edits = [
        {"photo": row.photo, "edit": row.edit}
        | {name: value if math.isfinite(value) else None for name, value in row.figures.items()}
        | ({"warnings": list(row.warnings)} if row.warnings else {})
        | ({"told": list(row.told)} if row.told else {})
        for row in measured
    ]
    judged = [
        {
            "photo": row.photo,
            "edit": row.edit,
            "verdict": "unchanged" if given.unchanged else given.level.name.lower(),
            "reasons": list(given.reasons),
        }
        for row in measured
        if (given := row.verdict)
    ]
    middle = medians(row.figures for row in measured)
    told = {"medians": middle, "edits": edits, "verdicts": judged}
    standings = standings_of(rows)
    return told | {"editors": [one._asdict() for one in standings]} if standings else told


def standings_of(rows: Sequence[Row]) -> list[Standing]:
    """The leaderboard of other programs' edits; empty for a run that made its edits itself."""
    scored = [Scored(row.photo, row.edit, row.figures) for row in rows if row.figures]
    failed = Counter(row.edit for row in rows if row.edit and row.failure is not None)
    return leaderboard(scored, failed)


def report(
    rows: Sequence[Row],
    failures: Sequence[Failure] = (),
    facts: Facts | None = None,
    *,
    title: str = "unripple",
    folder: str = "report/",
    strips: Mapping[str, bytes] | None = None,
    times: Mapping[str, Any] | None = None,
    against: str = "",
) -> str:
    """Write the page.

    Args:
        rows: photos and edits, in the order to be shown.
        failures: what did not come through.
        facts: facts of the run.
        title: headline.
        folder: where the strips lie, seen from the page.
        strips: WebP files of the strips that the page shall hold itself, by name.
        times: `io.times.StageTime` by stage.
        against: the name of the run that the rows' `other` figures are of.

    Returns:
        HTML that asks for nothing but the strips.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": format_figure, "bars": bars, "plain": plain}
    environment.globals |= {"limit_marks": limit_marks, "title_of": title_of, "meaning": meaning}
    standings = standings_of(rows)
    names = names_in([row.figures for row in rows])
    data = page_data(rows, names, folder, strips or {})
    return environment.from_string(_resource(TEMPLATE)).render(
        title=title,
        photos=len({row.photo for row in rows}),
        edits=sum(bool(row.figures) for row in rows),
        edit_names=list(dict.fromkeys(row.edit for row in rows if row.edit)),
        failures=_grouped(failures),
        failed=len(failures),
        shown=FAILURES_SHOWN,
        facts=facts or Facts(),
        plots=(shown := plots(rows)),
        headline=sum(plot.limit is not None for plot in shown),
        verdicts=verdicts_of(rows),
        visible_percent=100 * VISIBLE_SHARE,
        against=against,
        comparison=_comparison(rows),
        standings=standings,
        compared=[name for name in COMPARED if any(name in one.came for one in standings)],
        leaders={name: leader(standings, name) for name in COMPARED},
        times=times or {},
        data=as_script(data),
        timing=as_script({stage: list(time) for stage, time in (times or {}).items()}),
        style=_resource("look.css") + _resource("report.css"),
        script=_resource("report.js"),
    )


def page_data(
    rows: Sequence[Row], names: Sequence[str], folder: str, strips: Mapping[str, bytes]
) -> dict[str, Any]:
    """What the page's script draws from: what rows have in common stands there once."""
    edits, layouts, warnings = _Once(), _Once(), _Once()
    places = {name: place for place, name in enumerate(names)}
    listed = [
        [
            row.photo,
            edits.place(row.edit) if row.edit else -1,
            layouts.place(row.tiles),
            row.photo_strip,
            row.edit_strip,
            _shortened(row.figures, names) if row.figures else [],
            [warnings.place(text) for text in row.warnings],
            None
            if row.failure is None
            else [row.failure.stage, row.failure.reason, row.failure.advice],
            row.not_offered,
            _judged(row, places),
            None if row.other is None else _shortened(row.other, names),
            row.pair,
            [warnings.place(text) for text in row.told],
        ]
        for row in rows
    ]
    return {
        "figures": [[name, title_of(name), *describe(name), _limits(name)] for name in names],
        "edits": edits.things,
        "layouts": layouts.things,
        "warnings": warnings.things,
        "rows": listed,
        "folder": folder,
        "strips": {name: data_uri(webp) for name, webp in strips.items()},
    }


def _judged(row: Row, places: Mapping[str, int]) -> list[Any] | None:
    """Level, excess, the figures that are not good, whether nothing changed, and the step from the
    other run."""
    given = row.verdict
    if given is None:
        return None
    reasons = [places[name] for name in given.reasons]
    step = 0 if row.other is None else step_from(row.figures, row.other)
    return [int(given.level), round(given.excess, 2), reasons, int(given.unchanged), step]


def _limits(name: str) -> str:
    return LIMITS[name].describe(describe(name).unit) if name in LIMITS else ""


def _comparison(rows: Sequence[Row]) -> RunComparison | None:
    pairs = [(row.figures, row.other) for row in rows if row.figures and row.other is not None]
    return compare(pairs) if pairs else None


class _Once:
    """Things by their place in a list that holds each of them once."""

    def __init__(self) -> None:
        self._places: dict[Any, int] = {}

    def place(self, thing: Any) -> int:
        return self._places.setdefault(thing, len(self._places))

    @property
    def things(self) -> list[Any]:
        return list(self._places)


def plots(rows: Sequence[Row]) -> list[Plot]:
    """The figures that are defined at all, the judged ones first; the others are folded away."""
    measured = [row for row in rows if row.figures]
    named_edits = dict.fromkeys(row.edit for row in measured)
    middles = {e: medians(row.figures for row in measured if row.edit == e) for e in named_edits}
    found = []
    for name in names_in([row.figures for row in measured]):
        how, values = describe(name), [row.figures.get(name, math.nan) for row in measured]
        if (over_all := spread(values, how.perfect)) is None:
            continue
        by_edit = {edit: middle.get(name, math.nan) for edit, middle in middles.items()}
        named = [(measured[at], values[at]) for at in worst(values, how.perfect, WORST)]
        limit = LIMITS.get(name)
        found.append(Plot(name, title_of(name), how, limit, over_all, named, by_edit))
    return sorted(found, key=lambda plot: plot.limit is None)


class Verdicts(NamedTuple):
    """How many edits are good, doubtful, bad, and of how many nothing is seen."""

    good: int
    doubtful: int
    bad: int
    unchanged: int


def verdicts_of(rows: Sequence[Row]) -> Verdicts:
    """Count the edits that were measured by their verdicts."""
    given = [row.verdict for row in rows]
    levels = Counter(one.level for one in given if one)
    good, doubtful, bad = (levels[level] for level in Level)
    return Verdicts(good, doubtful, bad, sum(bool(one and one.unchanged) for one in given))


def data_uri(webp: bytes) -> str:
    """A WebP file's bytes as an address that holds them."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode("ascii")


def as_script(data: Any) -> str:
    """JSON that can stand inside a script element, whatever names are in it."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")


def _resource(name: str) -> str:
    return resources.files("unripple.stages").joinpath(name).read_text("utf-8")


def _shortened(figures: Mapping[str, float], names: Sequence[str]) -> list[float | None]:
    values = (figures.get(name, math.nan) for name in names)
    return [float(f"{one:.{_DIGITS}g}") if math.isfinite(one) else None for one in values]


def _grouped(failures: Sequence[Failure]) -> list[list[Failure]]:
    """Failures of one stage and advice together, the most frequent first."""
    groups: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.stage, failure.advice), []).append(failure)
    return sorted(groups.values(), key=lambda group: -len(group))
