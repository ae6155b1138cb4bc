"""Runs goldens: the product's networks against what the original code returned.

    python -m tests.parity [FOLDER] [--device cuda] [--dtype bfloat16 --within 0.01]

FOLDER holds goldens or is one; without it, those of tests/goldens are run. One line per output:
golden, output, largest error over its allowance. With --within: relative error of the root mean
square instead, and for whole numbers the share of equal ones, which is only reported. The exit
status is 1 if a figure is beyond its limit, an output is missing, a golden fails, or an op is
neither built nor announced. Announced ops are listed at the end and fail nothing.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .goldens import GOLDENS, Golden, golden_folders, read_facts, read_golden
from .ops import FLOAT32_ONLY, NOT_YET, outputs, require_known

LATER = "not yet"
"""The verdict on an op that is announced."""


@dataclass(frozen=True)
class Line:
    """What is said about one output, and whether it may stay so."""

    name: str
    verdict: str
    passed: bool = True


def main(arguments: list[str] | None = None) -> int:
    """Run a folder of goldens; return the exit status."""
    asked = _parser().parse_args(arguments)
    torch.set_num_threads(asked.threads or _cores())
    dtype = None if asked.dtype == "float32" else getattr(torch, asked.dtype)
    failures = 0
    announced: set[str] = set()
    root = asked.folder.resolve()
    for folder in golden_folders(root):
        name = folder.name if folder == root else str(folder.relative_to(root))
        started = time.perf_counter()
        for line in report(folder, torch.device(asked.device), dtype, asked.within):
            failures += not line.passed
            announced |= {line.name} if line.verdict == LATER else set()
            mark = "" if line.passed else "  FAILED"
            _say(f"{name} {line.name} {line.verdict}{mark}")
        gc.collect()
        if asked.times:
            _say(f"{name} seconds {time.perf_counter() - started:.1f}")
    if announced:
        sys.stderr.write(f"parity: not built yet: {', '.join(sorted(announced))}\n")
    if failures:
        sys.stderr.write(f"parity: {failures} failed\n")
    return 1 if failures else 0


def report(
    folder: Path,
    device: torch.device,
    dtype: torch.dtype | None = None,
    within: float | None = None,
) -> Iterator[Line]:
    """Run one golden; whatever goes wrong in it becomes a line."""
    try:
        op = read_facts(folder)["op"]
        require_known(op)
        if op in NOT_YET:
            yield Line(op, LATER)
            return
        if dtype is not None and op in FLOAT32_ONLY:
            yield Line(op, FLOAT32_ONLY[op])
            return
        golden = read_golden(folder)
        computed = outputs(golden, device, dtype)
        if not golden.facts["checks"]:
            yield Line("-", "checks nothing", passed=False)
        for name in golden.facts["checks"]:
            yield judged(golden, name, computed, within)
    except Exception as error:  # the next golden shall run
        traceback.print_exc()
        yield Line("-", f"{type(error).__name__}: {error}", passed=False)


def judged(golden: Golden, name: str, computed: dict[str, Any], within: float | None) -> Line:
    """Compare one output."""
    if name not in computed:
        return Line(name, "missing", passed=False)
    try:
        if within is None:
            ratio = golden.ratio(name, computed[name])
            return Line(name, f"{ratio:.3g}", passed=ratio <= 1)
        if golden.counts(name):
            return Line(name, f"{golden.agreement(name, computed[name]):.2%} equal")
        deviation = golden.deviation(name, computed[name])
        return Line(name, f"{deviation:.2e}", passed=deviation <= within)
    except ValueError as error:
        return Line(name, str(error), passed=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.parity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="?", type=Path, default=GOLDENS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--within", type=float, help="largest relative error of an output")
    parser.add_argument("--threads", type=int, help="of the CPU; all cores if not given")
    parser.add_argument("--times", action="store_true", help="a line of seconds per golden")
    return parser


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
