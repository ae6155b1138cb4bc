"""How a figure spreads over many edits, and which of them are worst."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BARS = 28


class Spread(NamedTuple):
    """A figure's finite values.

    Attributes:
        low, median, high: smallest, middle and largest value.
        start, end: what the histogram spans: the values, and the perfect one where there is one.
        counts: how many values lie in each of `BARS` equal steps from start to end.
        defined: how many values there are.
    """

    low: float
    median: float
    high: float
    start: float
    end: float
    counts: tuple[int, ...]
    defined: int

    def position(self, value: float) -> float:
        """Where a value lies between start (0) and end (1)."""
        return (value - self.start) / (self.end - self.start) if self.end > self.start else 0.5


def spread(values: Sequence[float], perfect: float | None = None) -> Spread | None:
    """The spread of the finite ones among the values; None if there is none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    marks = finite if perfect is None else [*finite, perfect]
    start, end = min(marks), max(marks)
    if end > start:
        counts, _ = np.histogram(finite, bins=BARS, range=(start, end))
    else:
        counts = np.zeros(BARS, int)
        counts[BARS // 2] = len(finite)
    return Spread(
        min(finite),
        statistics.median(finite),
        max(finite),
        start,
        end,
        tuple(int(count) for count in counts),
        len(finite),
    )


def badness(value: float, perfect: float | None) -> float:
    """The larger the worse: the distance from the perfect value, or lowness without one."""
    if not math.isfinite(value):
        return -math.inf
    return -value if perfect is None else abs(value - perfect)


def worst(values: Sequence[float], perfect: float | None, count: int) -> list[int]:
    """Places of the worst finite values, the worst first, ties in the order given."""
    defined = [place for place, value in enumerate(values) if math.isfinite(value)]
    return sorted(defined, key=lambda place: -badness(values[place], perfect))[:count]
