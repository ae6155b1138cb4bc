"""Measure what planning, starting and storing cost beside the stages' own work; check the bounds.

    python benchmarks/scale.py                                 everything (half an hour, two cores)
    python benchmarks/scale.py --plan-only                     planning of 1k, 10k, 30k, 100k photos
    python benchmarks/scale.py --plan-only --photos 30000
    python benchmarks/scale.py --only overhead --photos 64     plan | overhead | shard | one-more

Exit status 1 where a bound is missed. CPU seconds (user and system, of a process and of all that it
started) are compared rather than seconds, for a busy machine makes a liar of the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from overhead import overhead
from projects import (
    REPO,
    Cost,
    different_photos,
    in_a_process,
    line,
    new_project,
    same_photos,
    snakemake,
)

from unripple.io.config import edits, read_config
from unripple.io.results import Manifest, Results
from unripple.io.sheet import Row, update_sheet
from unripple.pipeline.graph import STEPS
from unripple.pipeline.jobs import Job, job_from_config
from unripple.runtime.shard import run_shard
from unripple.zoo.zoo import Zoo

PLAN_BOUNDS = {30_000: (25.0, 600.0), 100_000: (90.0, 1500.0)}
"""Photos with three edits each -> CPU seconds and megabytes that planning may take."""
FLAT_MB = 64.0
"""By how much the memory of a shard's job may differ between 8 and 64 photos."""
LINEAR = 0.25
"""By how much of itself the time per photo may differ between 8 to 32 and 32 to 64 photos."""


def plan(counts: list[int], scratch: Path) -> bool:
    """Planning from nothing, and of nothing."""
    print("\nplanning         photos    CPU s  bound       MB  bound     jobs", flush=True)
    good = True
    for count in counts:
        folder = new_project(scratch / f"plan-{count}")
        same_photos(folder, count)
        bounds = PLAN_BOUNDS.get(count, (None, None))
        fresh = snakemake(folder, "--dry-run")
        jobs = [line for line in fresh.said.splitlines() if line.startswith("total ")][-1].split()
        good &= _planned("from nothing", count, fresh, bounds, jobs[1])
        finish_by_hand(folder, {})
        done = snakemake(folder, "--dry-run")
        if "Nothing to be done" not in done.said:
            raise RuntimeError(f"finished photos are planned again:\n{done.said[-2000:]}")
        good &= _planned("all finished", count, done, bounds, "0")
        shutil.rmtree(folder)
    return good


def _planned(
    what: str, count: int, cost: Cost, bounds: tuple[float | None, float | None], jobs: str
) -> bool:
    texts = ["" if bound is None else f"{bound:g}" for bound in bounds]
    good = all(
        bound is None or found < bound
        for found, bound in zip((cost.cpu_s, cost.peak_mb), bounds, strict=True)
    )
    print(
        f"{what:14s} {count:8,d} {cost.cpu_s:8.1f} {texts[0]:>6s} {cost.peak_mb:8.0f} "
        f"{texts[1]:>6s} {jobs:>8s}  {'' if good else 'MISSED'}",
        flush=True,
    )
    return good


def shard(scratch: Path) -> bool:
    """Time and memory of one shard's jobs, each in a process of its own, by number of photos."""
    folder = new_project(scratch / "shard")
    paths = different_photos(folder, 64)
    config = read_config(REPO / "config.yaml")
    config["edits"] = config["edits"][:1]
    (edit,) = (one.name for one in edits(config))
    print("\nshard's jobs    photos   CPU s   photos/CPU s   largest MB", flush=True)
    cpu: dict[int, float] = {}
    peak: dict[int, float] = {}
    for count in (8, 16, 32, 64):
        results = Results(folder / f"results-{count}")
        rows = [Row(path.stem, str(path), "00000") for path in paths[:count]]
        costs = [
            in_a_process(_shard_job, job_from_config(config, stage, of, Zoo()), rows, results)
            for stage, step in STEPS.items()
            for of in step.places((edit,))
        ]
        cpu[count], peak[count] = sum(c.cpu_s for c in costs), max(c.peak_mb for c in costs)
        print(
            f"{count:22d} {cpu[count]:7.1f} {count / cpu[count]:14.2f} {peak[count]:12.0f}",
            flush=True,
        )
    shutil.rmtree(folder)
    first, then = (cpu[32] - cpu[8]) / 24, (cpu[64] - cpu[32]) / 32
    good = abs(peak[64] - peak[8]) < FLAT_MB and abs(then / first - 1) < LINEAR
    print(
        f"CPU s per further photo: {first:.2f} from 8 to 32, {then:.2f} from 32 to 64; "
        f"memory {peak[64] - peak[8]:+.0f} MB{'' if good else '  MISSED'}"
    )
    return good


def _shard_job(job: Job, rows: list[Row], results: Results) -> None:
    run_shard(job, "00000", rows, {row.photo for row in rows}, results)


def finish_by_hand(folder: Path, keys: dict[tuple[str, str | None], str]) -> None:
    """Write all manifests, for photos that are all alike, as if they had been worked on."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        names = tuple(edit.name for edit in edits(read_config(Path("config.yaml"))))
        by_shard: dict[str, list[str]] = {}
        for row in update_sheet(Path("data/photos")):
            by_shard.setdefault(row.shard, []).append(row.photo)
        for stage, step in STEPS.items():
            for of in step.places(names):
                key = keys.get((stage, of), "0" * 64)
                for shard, photos in by_shard.items():
                    manifest = Manifest(dict.fromkeys(photos, key), {})
                    Results().write_manifest(stage, of, shard, manifest)
        for name in ("report.html", "measure.json"):
            (Path("results") / name).write_text("{}")
    finally:
        os.chdir(here)


# ------------------------------------------------------------------------------------------ parts


def one_more(count: int, scratch: Path) -> bool:
    """One new photo beside many that are finished (all alike, so that their keys are true)."""
    folder = new_project(scratch / "one-more")
    same_photos(folder, 1)
    snakemake(folder)
    results = Results(folder / "results")
    names = tuple(edit.name for edit in edits(read_config(folder / "config.yaml")))
    keys = {
        (stage, of): results.read_manifest(stage, of, "00000").keys["photo-000000"]
        for stage, step in STEPS.items()
        for of in step.places(names)
    }
    shutil.rmtree(folder / "data")
    for record in (folder / ".snakemake" / "metadata").iterdir():
        # Those of the one shard are not true any more; with none at all, every manifest is doubted.
        if json.loads(record.read_text()).get("rule") != "report":
            record.unlink()
    (folder / "data" / "photos").mkdir(parents=True)
    same_photos(folder, count)
    finish_by_hand(folder, keys)
    before = len(list(results.store.stored()))
    new = different_photos(folder, 1)[0].rename(folder / "data" / "photos" / "zz-new.png")
    planned = snakemake(folder, "--dry-run")
    whole = snakemake(folder)
    made = len(list(results.store.stored())) - before
    print(f"\none photo ({new.stem}) more than {count:,d}: {made} artifacts made")
    line("plan alone", planned.wall_s, planned.cpu_s)
    line("plan, run and report", whole.wall_s, whole.cpu_s)
    shutil.rmtree(folder)
    return made == len(keys)


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, nargs="+", help="numbers of photos")
    parser.add_argument("--plan-only", action="store_true", help="the same as --only plan")
    parser.add_argument("--only", choices=("plan", "overhead", "shard", "one-more"))
    parser.add_argument("--rounds", type=int, default=3, help="of the overhead's comparison")
    parser.add_argument("--scratch", type=Path, help="where projects are made and removed")
    options = parser.parse_args()
    if options.photos and not (options.plan_only or options.only):
        parser.error("--photos needs --plan-only or --only")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    only = "plan" if options.plan_only else options.only
    with tempfile.TemporaryDirectory(prefix="unripple-scale-", dir=options.scratch) as name:
        scratch = Path(name)
        parts: dict[str, Callable[[], bool]] = {
            "plan": lambda: plan(options.photos or [1000, 10_000, 30_000, 100_000], scratch),
            "overhead": lambda: overhead((options.photos or [64])[0], options.rounds, scratch),
            "shard": lambda: shard(scratch),
            "one-more": lambda: one_more((options.photos or [10_000])[0], scratch),
        }
        found = [part() for word, part in parts.items() if only in (None, word)]
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
