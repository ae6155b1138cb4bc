"""Figures of many edits as tables for people: names, digits, medians, and two runs side by side."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from unripple.metrics.drift import DRIFT_FIGURES
from unripple.metrics.figures import FIGURES as EDIT_FIGURES
from unripple.metrics.figures import Figure
from unripple.metrics.spread import Spread
from unripple.metrics.text import TEXT_FIGURES
from unripple.metrics.verdict import LIMITS, Limit, verdict

FIGURES = {**EDIT_FIGURES, **DRIFT_FIGURES, **TEXT_FIGURES}
"""Every figure that says how it is to be read."""

CLEARLY = 0.25
"""By so much of `Verdict.excess` an edit must differ from another run's to be better or worse."""


class Change(NamedTuple):
    """A figure in two runs, over the edits that both measured: medians, and the change of them."""

    name: str
    there: float
    here: float

    @property
    def word(self) -> str:
        """`better`, `worse`, or nothing where the figures read the same."""
        if format_figure(self.here) == format_figure(self.there):
            return ""
        perfect = describe(self.name).perfect
        off = [-v if perfect is None else abs(v - perfect) for v in (self.here, self.there)]
        return "better" if off[0] < off[1] else "worse" if off[0] > off[1] else ""


class RunComparison(NamedTuple):
    """Two runs, by the edits that both have.

    Attributes:
        changes: by figure.
        better, worse, alike: how many edits are so, by their worst figure.
    """

    changes: tuple[Change, ...]
    better: int
    worse: int
    alike: int


def medians(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Median of every figure over the rows that define it, in the order of `FIGURES`.

    Figures that no row defines are left out.
    """
    listed = list(rows)
    columns = {
        name: [row[name] for row in listed if name in row and math.isfinite(row[name])]
        for name in names_in(listed)
    }
    return {name: statistics.median(values) for name, values in columns.items() if values}


def compare(pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> RunComparison:
    """Compare two runs.

    Args:
        pairs: the figures of each edit, here and there.
    """
    here, there = (medians(pair[side] for pair in pairs) for side in (0, 1))
    changes = tuple(Change(name, there[name], here[name]) for name in here if name in there)
    steps = [step_from(*pair) for pair in pairs]
    return RunComparison(changes, steps.count(-1), steps.count(1), steps.count(0))


def step_from(here: Mapping[str, float], there: Mapping[str, float]) -> int:
    """Whether an edit is clearly better (-1) or worse (1) here than there, or neither (0)."""
    change = verdict(here).excess - verdict(there).excess
    return 0 if abs(change) < CLEARLY else 1 if change > 0 else -1


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


def title_of(name: str) -> str:
    """A figure's plain name."""
    return LIMITS[name].title if name in LIMITS else plain(name)


def plain(name: str) -> str:
    """A name from a config or a table as words."""
    return name.replace("_", " ")


def names_in(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """All figures that occur, known ones first and in their order."""
    present = {name: None for row in rows for name in row}
    others = [name for name in present if name not in FIGURES]
    return [*(name for name in FIGURES if name in present), *others]


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


def limit_marks(limit: Limit | None, over: Spread, width: float, height: float) -> str:
    """A histogram's limits as the `d` of one SVG path: short for doubtful, long for bad."""
    sides = [side for side in (limit.low, limit.high) if side] if limit else []
    marks = [(value, height / (2 - at)) for side in sides for at, value in enumerate(side)]
    return "".join(
        f"M{over.position(value) * width:.1f} {height:g}v-{long:g}"
        for value, long in marks
        if over.start <= value <= over.end
    )
