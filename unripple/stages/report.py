"""report: one page to look through every photo and edit, its figures, and what went wrong.

Summary, failures and facts of the run stand in the page; its script draws photos and edits page by
page from one table of data, so that a thousand photos cost no more elements than a dozen. Pictures
are strips, one file for all tiles of a photo or an edit. Nothing here reads or writes a file.
"""

from __future__ import annotations

import base64
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, NamedTuple

from unripple.metrics.drift import DRIFT_FIGURES
from unripple.metrics.figures import FIGURES as EDIT_FIGURES
from unripple.metrics.figures import Figure
from unripple.metrics.spread import Spread, spread, worst
from unripple.stages.interface import Declaration, Settings, knob

TEMPLATE = "report.html.j2"
WORST = 3  # of each figure, named in the summary
FAILURES_SHOWN = 100
"""More of one kind are found in the list below."""
HEADLINE = (
    "ghost_transmission",
    "texture_return",
    "background_identical",
    "fill_psnr",
    "seam",
    "inner_ghost",
    "yaw_error",
    "identity",
)
"""The figures that are seen first; the others are folded away."""
FIGURES = {**EDIT_FIGURES, **DRIFT_FIGURES}
"""Every figure that says how it is to be read."""
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
        "up to so many photos the page holds its pictures; with more photos they lie in "
        "results/report/, and page and folder belong together",
        minimum=0,
        maximum=10000000,
    )


STAGE = Declaration(
    name="report",
    help="write results/report.html and results/measure.json",
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
    """A figure in the summary."""

    name: str
    how: Figure
    spread: Spread
    worst: Sequence[tuple[Row, float]]
    by_edit: Mapping[str, float]


def medians(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Median of every figure over the rows that define it, in the order of `FIGURES`.

    Figures that no row defines are left out.
    """
    listed = list(rows)
    columns = {
        name: [row[name] for row in listed if name in row and math.isfinite(row[name])]
        for name in _names(listed)
    }
    return {name: statistics.median(values) for name, values in columns.items() if values}


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """What `measure.json` holds: `medians`, and under `edits` one row per measured edit.

    Undefined figures are None, since JSON knows no nan.
    """
    measured = [row for row in rows if row.figures]
    edits = [
        {"photo": row.photo, "edit": row.edit}
        | {name: value if math.isfinite(value) else None for name, value in row.figures.items()}
        for row in measured
    ]
    return {"medians": medians(row.figures for row in measured), "edits": edits}


def report(
    rows: Sequence[Row],
    failures: Sequence[Failure] = (),
    facts: Facts | None = None,
    *,
    title: str = "unripple",
    folder: str = "report/",
    strips: Mapping[str, bytes] | None = None,
    times: Mapping[str, Any] | None = None,
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
    names = _names([row.figures for row in rows])
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
        plots=plots(rows),
        headline=len(HEADLINE),
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
    listed = [
        [
            row.photo,
            edits.place(row.edit) if row.edit else -1,
            layouts.place(row.tiles),
            row.photo_strip,
            row.edit_strip,
            [_short(row.figures.get(name, math.nan)) for name in names] if row.figures else [],
            [warnings.place(text) for text in row.warnings],
            None
            if row.failure is None
            else [row.failure.stage, row.failure.reason, row.failure.advice],
            row.not_offered,
        ]
        for row in rows
    ]
    return {
        "figures": [[name, plain(name), *describe(name)] for name in names],
        "edits": edits.things,
        "layouts": layouts.things,
        "warnings": warnings.things,
        "rows": listed,
        "folder": folder,
        "strips": {name: data_uri(webp) for name, webp in strips.items()},
    }


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
    """The figures that are defined at all, those of `HEADLINE` first."""
    measured = [row for row in rows if row.figures]
    middles = {
        edit: medians(row.figures for row in measured if row.edit == edit)
        for edit in dict.fromkeys(row.edit for row in measured)
    }
    found = []
    for name in _names([row.figures for row in measured]):
        how = describe(name)
        values = [row.figures.get(name, math.nan) for row in measured]
        over_all = spread(values, how.perfect)
        if over_all is None:
            continue
        by_edit = {edit: middle.get(name, math.nan) for edit, middle in middles.items()}
        named = [(measured[at], values[at]) for at in worst(values, how.perfect, WORST)]
        found.append(Plot(name, how, over_all, named, by_edit))
    return sorted(found, key=lambda plot: plot.name not in HEADLINE)


def bars(counts: Sequence[int], width: float, height: float) -> str:
    """A histogram as the `d` of one SVG path that stands on the line y = height."""
    step, most = width / len(counts), max(counts) or 1
    gap = 0.15 * step
    return "".join(
        f"M{place * step + gap:.1f} {height:g}v{-max(1.0, count / most * height):.1f}"
        f"h{step - 2 * gap:.1f}V{height:g}z"
        for place, count in enumerate(counts)
        if count
    )


def data_uri(webp: bytes) -> str:
    """A WebP file's bytes as an address that holds them."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode("ascii")


def as_script(data: Any) -> str:
    """JSON that can stand inside a script element, whatever names are in it."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")


def format_figure(value: float | None, digits: int = 3) -> str:
    """A figure for people: three digits after the point, a dash where it is undefined."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}" if abs(value) < 10 else f"{value:.{digits - 2}f}"
    return text.replace("-", "−")


def describe(name: str) -> Figure:
    """How to read a figure; one that `FIGURES` does not know describes itself by its name."""
    if name in FIGURES:
        return FIGURES[name]
    measured, _, of_edit = name.partition("_of_")
    if of_edit and measured in FIGURES:
        how = FIGURES[measured]
        return how._replace(meaning=f"{how.meaning}; in the {of_edit} before its ripples went")
    return Figure(plain(name), None)


def plain(name: str) -> str:
    """A name from a config or a table as words."""
    return name.replace("_", " ")


def _resource(name: str) -> str:
    return resources.files("unripple.stages").joinpath(name).read_text("utf-8")


def _short(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _grouped(failures: Sequence[Failure]) -> list[list[Failure]]:
    """Failures of one stage and advice together, the most frequent first."""
    groups: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.stage, failure.advice), []).append(failure)
    return sorted(groups.values(), key=lambda group: -len(group))


def _names(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """All figures that occur, known ones first and in their order."""
    present = {name: None for row in rows for name in row}
    others = [name for name in present if name not in FIGURES]
    return [*(name for name in FIGURES if name in present), *others]
