"""report: one page that shows every stage of every photo, its figures, and what went wrong.

The page holds all of its pictures and needs no network. Nothing here reads or writes a file.
"""

from __future__ import annotations

import base64
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

import jinja2

from unripple.metrics.figures import FIGURES, Figure

TEMPLATE = "report.html.j2"


class Panel(NamedTuple):
    """A picture of a strip: its caption and a PNG file's bytes."""

    title: str
    png: bytes


class EditRow(NamedTuple):
    """One edit of a photo: its name, its own pictures in order, its figures (nan: undefined)."""

    name: str
    panels: Sequence[Panel]
    figures: Mapping[str, float]
    warnings: Sequence[str] = ()


class PhotoRow(NamedTuple):
    """One photo.

    Attributes:
        photo: its id.
        panels: the pictures that all of its edits share.
        edits: what was made of it.
        contact: all results beside each other, where a recipe makes many.
        not_offered: names of the edits that it was not offered, each with the reason.
    """

    photo: str
    panels: Sequence[Panel]
    edits: Sequence[EditRow]
    contact: Sequence[Panel] = ()
    not_offered: Sequence[tuple[str, str]] = ()


class Failure(NamedTuple):
    """A photo, or one of its edits, that did not come through, and why."""

    photo: str
    stage: str
    reason: str
    edit: str = ""


def medians(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Median of every figure over the rows that define it, in the order of `FIGURES`.

    Figures that no row defines are left out.
    """
    defined = _defined(rows)
    return {name: statistics.median(values) for name, values in defined.items()}


def summary(photos: Sequence[PhotoRow]) -> dict[str, Any]:
    """What `measure.json` holds: `medians`, and under `edits` one row per photo and edit.

    Undefined figures are None, since JSON knows no nan.
    """
    edits = [
        {"photo": row.photo, "edit": edit.name}
        | {name: value if math.isfinite(value) else None for name, value in edit.figures.items()}
        for row in photos
        for edit in row.edits
    ]
    return {
        "medians": medians(edit.figures for row in photos for edit in row.edits),
        "edits": edits,
    }


def report(
    photos: Sequence[PhotoRow],
    failures: Sequence[Failure] = (),
    facts: Mapping[str, str] | None = None,
    *,
    title: str = "unripple",
) -> str:
    """Write the page.

    Args:
        photos: what was edited, in the order to be shown.
        failures: what was not.
        facts: facts of the run (version, models, parameters), name -> text.
        title: headline.

    Returns:
        HTML, self-contained.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": data_uri, "figure": format_figure}
    source = resources.files("unripple.stages").joinpath(TEMPLATE).read_text("utf-8")
    rows = [edit.figures for row in photos for edit in row.edits]
    defined = _defined(rows)
    return environment.from_string(source).render(
        title=title,
        photos=photos,
        failures=failures,
        facts=facts or {},
        figures={name: describe(name) for name in _names(rows)},
        spread={name: (min(v), statistics.median(v), max(v)) for name, v in defined.items()},
        counts={name: len(values) for name, values in defined.items()},
        edits=len(rows),
    )


def data_uri(png: bytes) -> str:
    """A PNG file's bytes as an address that holds them."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def format_figure(value: float | None, digits: int = 3) -> str:
    """A figure for people: three digits after the point, a dash where it is undefined."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}" if abs(value) < 10 else f"{value:.{digits - 2}f}"
    return text.replace("-", "−")


def describe(name: str) -> Figure:
    """How to read a figure; one that `FIGURES` does not know describes itself by its name."""
    return FIGURES.get(name, Figure(name.replace("_", " "), None))


def _names(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """All figures that occur, known ones first and in their order."""
    present = {name: None for row in rows for name in row}
    others = [name for name in present if name not in FIGURES]
    return [*(name for name in FIGURES if name in present), *others]


def _defined(rows: Iterable[Mapping[str, float]]) -> dict[str, list[float]]:
    """Finite values by figure; a figure without any is left out."""
    listed = list(rows)
    columns = {
        name: [row[name] for row in listed if name in row and math.isfinite(row[name])]
        for name in _names(listed)
    }
    return {name: values for name, values in columns.items() if values}
