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
import contextlib
import ctypes
import dataclasses
import json
import multiprocessing
import os
import queue
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from unripple.api.advance import Source, advance
from unripple.api.jobs import Job, job_from_config
from unripple.api.report import assemble
from unripple.api.shard import run_shard
from unripple.api.shelf import MemoryShelf, Shelf, StoreShelf
from unripple.api.steps import STEPS
from unripple.io.config import edits, read_config
from unripple.io.results import Manifest, Results
from unripple.io.sheet import SHEET, Row, read_sheet, update_sheet
from unripple.zoo.zoo import Zoo

REPO = Path(__file__).resolve().parents[1]
PLAN_BOUNDS = {30_000: (25.0, 600.0), 100_000: (90.0, 1500.0)}
"""Photos with three edits each -> CPU seconds and megabytes that planning may take."""
OVERHEAD_BOUND = 0.10
FLAT_MB = 64.0
"""By how much the memory of a shard's job may differ between 8 and 64 photos."""
LINEAR = 0.25
"""By how much of itself the time per photo may differ between 8 to 32 and 32 to 64 photos."""
CORES = 2
_LINKS = 30_000  # most names per file that every file system allows
_PR_SET_CHILD_SUBREAPER = 36


class Cost(NamedTuple):
    """What a command took."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    said: str


def run(folder: Path, *command: str, **variables: str) -> Cost:
    """Run a command to its end, and wait for everything that it started.

    Raises:
        RuntimeError: it failed.
    """
    log = folder / "said.txt"
    started, child = time.monotonic(), os.fork()
    if child == 0:  # one process per measurement: the system adds up for it
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
        paths = [str(REPO), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(paths),
            "UNRIPPLE_HOME": str(REPO),
            "PYTHONDONTWRITEBYTECODE": "",  # else every process compiles what it imports
            **variables,
        }
        with log.open("wb") as file:
            done = subprocess.run(
                command, cwd=folder, env=environment, stdout=file, stderr=file, check=False
            )
        while True:  # a worker that outlives its workflow by a moment
            try:
                os.wait()
            except ChildProcessError:
                break
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
        (folder / "cost.json").write_text(json.dumps(costs))
        os._exit(done.returncode and 1)
    _, status = os.waitpid(child, 0)
    wall_s, said = time.monotonic() - started, log.read_text(errors="replace")
    if status:
        raise RuntimeError(f"{' '.join(command)} failed in {folder}:\n{said[-3000:]}")
    cpu_s, peak_mb = json.loads((folder / "cost.json").read_text())
    return Cost(cpu_s, wall_s, peak_mb, said)


def snakemake(folder: Path, *words: str, **variables: str) -> Cost:
    """Run the repository's own workflow in a folder."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile")]
    return run(folder, *command, "--cores", str(CORES), *words, **variables)


def new_project(folder: Path) -> Path:
    """A folder with the repository's config and no photos."""
    (folder / "data" / "photos").mkdir(parents=True)
    shutil.copyfile(REPO / "config.yaml", folder / "config.yaml")
    shutil.copytree(REPO / "profiles", folder / "profiles")
    return folder


def same_photos(folder: Path, count: int) -> None:
    """Many names for one portrait: planning looks at names and times of change, not at pixels."""
    portrait = REPO / "data" / "photos" / "portrait-01.png"
    for number in range(count):
        path = folder / "data" / "photos" / f"photo-{number:06d}.png"
        if number % _LINKS == 0:
            shutil.copyfile(portrait, path)
            linked = path
        else:
            path.hardlink_to(linked)


def different_photos(folder: Path, count: int) -> list[Path]:
    """Portraits that differ in one pixel, so that no two share a result."""
    portraits = sorted((REPO / "data" / "photos").glob("portrait-*.png"))
    made = []
    for number in range(count):
        pixels = np.array(Image.open(portraits[number % len(portraits)]).convert("RGB"))
        pixels[0, 0] = (number % 256, number // 256, 77)
        made.append(folder / "data" / "photos" / f"photo-{number:04d}.png")
        Image.fromarray(pixels).save(made[-1])
    return made


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


class Walk(NamedTuple):
    """What the stages took in one process, and what was around them there."""

    stages_cpu_s: float
    stages_wall_s: float
    whole_cpu_s: float
    whole_wall_s: float


def walk(paths: list[Path], shelf: Shelf, barrier: Any = None) -> Walk:
    """Every stage and edit of some photos in this process; networks are loaded before."""
    config = read_config(REPO / "config.yaml")
    zoo = Zoo(config["models"])
    names = tuple(edit.name for edit in edits(config))
    spent = [0.0, 0.0]
    jobs = {
        (stage, of): _timed(job_from_config(config, stage, of, zoo), spent)
        for stage, step in STEPS.items()
        for of in step.places(names)
    }
    _through(jobs, paths[0], MemoryShelf())  # imports, and what libraries prepare at first use
    spent[:] = 0.0, 0.0
    if barrier is not None:
        barrier.wait()
    cpu_s, wall_s = time.process_time(), time.monotonic()
    for path in paths:
        _through(jobs, path, shelf)
    return Walk(*spent, time.process_time() - cpu_s, time.monotonic() - wall_s)


def _timed(job: Job, spent: list[float]) -> Job:
    """The same job, its stage's calls being timed."""
    call = job.step.call

    def timed(work: Any) -> Any:
        cpu_s, wall_s = time.process_time(), time.monotonic()
        made = call(work)
        spent[0] += time.process_time() - cpu_s
        spent[1] += time.monotonic() - wall_s
        return made

    return dataclasses.replace(job, step=dataclasses.replace(job.step, call=timed))


def _through(jobs: dict[tuple[str, str | None], Job], path: Path, shelf: Shelf) -> None:
    keys: dict[tuple[str, str | None], str] = {}
    source = Source(path.stem, path)
    for place, job in jobs.items():
        inputs = {name: keys[where] for name, where in job.step.inputs(place[1]).items()}
        (keys[place],), _ = advance(job, source, inputs, shelf)


def walk_on_all_cores(paths: list[Path], shelf: Callable[[], Shelf]) -> list[Walk]:
    """`walk` with a share of the photos on each core, all at the same time."""
    context = multiprocessing.get_context("fork")
    barrier, found = context.Barrier(CORES), context.Queue()

    def share(number: int) -> None:
        found.put(walk(paths[number::CORES], shelf(), barrier))

    processes = [
        context.Process(target=share, args=(number,), daemon=True) for number in range(CORES)
    ]
    for process in processes:
        process.start()
    walks: list[Walk] = []
    while len(walks) < CORES:
        with contextlib.suppress(queue.Empty):
            walks.append(found.get(timeout=1))
        if any(process.exitcode for process in processes):
            raise RuntimeError("a walk through the stages failed")
    for process in processes:
        process.join()
    return walks


def overhead(count: int, rounds: int, scratch: Path) -> bool:
    """The workflow against its stages alone, by turns.

    A stage's own work is to read its inputs, compute, and store its results; all else is overhead:
    Snakemake, starting of processes, imports, loading of networks, manifests, links.
    """
    print(f"\n{count} photos x 3 edits on {CORES} cores   wall s   CPU s", flush=True)
    shares: dict[str, list[float]] = {"wall": [], "CPU": []}
    for number in range(rounds):
        folder = new_project(scratch / f"overhead-{number}")
        paths = different_photos(folder, count)
        alone = walk_on_all_cores(paths, MemoryShelf)
        calls = (
            max(one.stages_wall_s for one in alone),
            sum(one.stages_cpu_s for one in alone),
        )
        _line("stages' functions alone", *calls)
        whole = snakemake(folder)
        _line("whole workflow", whole.wall_s, whole.cpu_s)
        store = folder / "other-store"
        stored = walk_on_all_cores(paths, lambda: StoreShelf(Results(store).store))  # noqa: B023
        told = _in_a_process(_tell, folder)
        _line("the report stage", told.wall_s, told.cpu_s)
        stages = (
            max(one.whole_wall_s for one in stored) + told.wall_s,
            sum(one.whole_cpu_s for one in stored) + told.cpu_s,
        )
        _line("stages, results stored", *stages)
        shares["wall"].append(1 - stages[0] / whole.wall_s)
        shares["CPU"].append(1 - stages[1] / whole.cpu_s)
        listed = ", ".join(f"{100 * share[-1]:.1f}% of {what}" for what, share in shares.items())
        print(f"  overhead: {listed}; the largest process {whole.peak_mb:.0f} MB", flush=True)
        beyond = 1 - calls[0] / whole.wall_s, 1 - calls[1] / whole.cpu_s
        print(
            f"  counting the store, too: {100 * beyond[0]:.1f}% of wall, "
            f"{100 * beyond[1]:.1f}% of CPU",
            flush=True,
        )
        shutil.rmtree(folder)
    medians = {what: statistics.median(share) for what, share in shares.items()}
    # Other work on the machine bends the clock either way, but hardly the CPU seconds: both count.
    good = max(medians.values()) < OVERHEAD_BOUND
    listed = ", ".join(f"{100 * share:.1f}% of {what}" for what, share in medians.items())
    print(
        f"overhead, median of {rounds}: {listed}; "
        f"bound {100 * OVERHEAD_BOUND:g}% of both{'' if good else '  MISSED'}"
    )
    if medians["wall"] < 0:
        print("the workflow cannot be faster than its stages: the machine was busy, measure again")
    return good


def _line(what: str, wall_s: float, cpu_s: float) -> None:
    print(f"{what:30s} {wall_s:8.1f} {cpu_s:8.1f}", flush=True)


def _tell(folder: Path) -> None:
    """The last stage, of a finished run."""
    os.chdir(folder)
    shutil.rmtree("results/report")  # its strips
    config = read_config(Path("config.yaml"))
    assemble(config, sorted({row.shard for row in read_sheet(SHEET)}), Results())


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
            _in_a_process(_shard_job, job_from_config(config, stage, of, Zoo()), rows, results)
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


class Used(NamedTuple):
    """What some work in a process of its own took."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def _in_a_process(work: Callable[..., None], *arguments: Any) -> Used:
    """Let a new process do some work."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        status = 1
        try:
            started = time.monotonic()
            work(*arguments)
            wall_s, used = time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF)
            costs = used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / 1024
            os.write(write, json.dumps(costs).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"{work.__name__} failed in a process of its own")
    return Used(*json.loads(text))


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
    _line("plan alone", planned.wall_s, planned.cpu_s)
    _line("plan, run and report", whole.wall_s, whole.cpu_s)
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
