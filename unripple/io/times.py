"""Time per stage, from the benchmark files that Snakemake leaves beside the logs of its jobs."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple


class StageTime(NamedTuple):
    """What the latest job of every shard of a stage took, start-up of its process included.

    Attributes:
        jobs: how many there were.
        seconds: all of them together, by the clock.
        longest: the longest one.
    """

    jobs: int
    seconds: float
    longest: float


def read_times(log: Path, stages: Collection[str]) -> Mapping[str, StageTime]:
    """Time per stage, in the order of the stages; one without finished jobs is left out.

    Args:
        log: the folder of logs, with `<stage>/.../<shard>.tsv` in it.
        stages: stage words.
    """
    found = {}
    for stage in stages:
        taken = [_seconds(path) for path in sorted((log / stage).rglob("*.tsv"))]
        finite = [seconds for seconds in taken if math.isfinite(seconds)]
        if finite:
            found[stage] = StageTime(len(finite), sum(finite), max(finite))
    return found


def _seconds(path: Path) -> float:
    """The first row's `s`; nan where a killed run left half a file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return float(next(csv.DictReader(file, delimiter="\t"))["s"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return math.nan
