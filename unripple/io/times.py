"""What jobs took: each leaves a line beside its log, the report adds them up.

Snakemake's own `benchmark` does not see the worker process that does a job (`api/pool.py`), and
looks for a job's own in all processes of the machine several times a second.
"""

from __future__ import annotations

import contextlib
import csv
import math
import os
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_PER_MB = 1024 if sys.platform == "linux" else 1024**2  # the unit of `ru_maxrss`
COLUMNS = ("s", "cpu_s", "max_rss_mb")


class StageTime(NamedTuple):
    """What the latest job of every shard of a stage took.

    Attributes:
        jobs: how many there were.
        seconds: all of them together, by the clock.
        longest: the longest one.
    """

    jobs: int
    seconds: float
    longest: float


@contextlib.contextmanager
def noted(log: Path | None) -> Iterator[None]:
    """Measure what is done inside, and note it in a table of one line beside a log.

    Its columns: seconds by the clock; CPU seconds and largest memory in MB of this process and of
    those that it waited for. Of what fails nothing is noted.

    Args:
        log: the job's log; the table has its name, and the ending `.tsv`. Without one, nothing
            is noted.
    """
    with contextlib.suppress(OSError):  # the largest memory is to be this job's, not one's before
        Path("/proc/self/clear_refs").write_text("5")
    began, cpu_s, largest_child = time.monotonic(), sum(os.times()[:4]), _childrens_peak_mb()
    yield
    if log is None:
        return
    children_mb = _childrens_peak_mb()  # cannot be forgotten
    peak_mb = max(_own_peak_mb(), children_mb if children_mb > largest_child else 0)
    took = (time.monotonic() - began, sum(os.times()[:4]) - cpu_s, peak_mb)
    lines = ("\t".join(COLUMNS), "\t".join(f"{value:.2f}" for value in took))
    with contextlib.suppress(OSError):  # the job itself is done
        log.with_suffix(".tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _childrens_peak_mb() -> float:
    return _peak_mb("RUSAGE_CHILDREN")


def _own_peak_mb() -> float:
    with contextlib.suppress(OSError):  # unlike `getrusage`, it forgets what was before an exec
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return _peak_mb("RUSAGE_SELF")


def _peak_mb(whose: str) -> float:
    """The largest memory so far; 0 on Windows, which does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    return float(resource.getrusage(getattr(resource, whose)).ru_maxrss) / _PER_MB


def read_times(log: Path, stages: Collection[str]) -> Mapping[str, StageTime]:
    """Time per stage, in the order of the stages; one without finished jobs is left out.

    Args:
        log: the folder of logs, with `<stage>/.../<shard>.tsv` in it.
        stages: stage words.
    """
    times = {}
    for stage in stages:
        taken = [_seconds(path) for path in sorted((log / stage).rglob("*.tsv"))]
        finite = [seconds for seconds in taken if math.isfinite(seconds)]
        if finite:
            times[stage] = StageTime(len(finite), sum(finite), max(finite))
    return times


def _seconds(path: Path) -> float:
    """The first row's `s`; nan where a killed run left half a file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return float(next(csv.DictReader(file, delimiter="\t"))["s"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return math.nan
