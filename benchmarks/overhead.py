"""The workflow against its stages alone."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import shutil
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

from projects import CORES, REPO, different_photos, in_a_process, line, new_project, snakemake

from unripple.io.config import edits, read_config
from unripple.io.results import Results
from unripple.io.sheet import SHEET, read_sheet
from unripple.pipeline.graph import STEPS
from unripple.pipeline.jobs import Job, job_from_config
from unripple.report.assemble import assemble
from unripple.runtime.cache import ArtifactCache, MemoryCache, StoreCache
from unripple.runtime.compute import Source, compute_or_load
from unripple.zoo.zoo import Zoo

OVERHEAD_BOUND = 0.10


class Walk(NamedTuple):
    """What the stages took of the clock and of the processors."""

    wall_s: float
    cpu_s: float


def walk(paths: list[Path], store: Path, barrier: Any) -> Walk:
    """Every stage and edit of some photos in this process; networks are loaded before."""
    config = read_config(REPO / "config.yaml")
    zoo = Zoo(config["models"])
    names = tuple(edit.name for edit in edits(config))
    jobs = {
        (stage, of): job_from_config(config, stage, of, zoo)
        for stage, step in STEPS.items()
        for of in step.places(names)
    }
    _through(jobs, paths[0], MemoryCache())  # imports, and what libraries prepare at first use
    cache = StoreCache(Results(store).store)
    barrier.wait()
    cpu_s, wall_s = time.process_time(), time.monotonic()
    for path in paths:
        _through(jobs, path, cache)
    return Walk(time.monotonic() - wall_s, time.process_time() - cpu_s)


def _through(jobs: dict[tuple[str, str | None], Job], path: Path, cache: ArtifactCache) -> None:
    keys: dict[tuple[str, str | None], str] = {}
    source = Source(path.stem, path)
    for place, job in jobs.items():
        inputs = {name: keys[where] for name, where in job.step.inputs(place[1]).items()}
        (keys[place],), _ = compute_or_load(job, source, inputs, cache)


def walk_on_all_cores(paths: list[Path], store: Path) -> Walk:
    """`walk` with a share of the photos on each core, all at the same time."""
    context = multiprocessing.get_context("fork")
    barrier, found = context.Barrier(CORES), context.Queue()

    def share(number: int) -> None:
        found.put(walk(paths[number::CORES], store, barrier))

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
    shutil.rmtree(store)
    return Walk(max(one.wall_s for one in walks), sum(one.cpu_s for one in walks))


def overhead(count: int, rounds: int, scratch: Path) -> bool:
    """The workflow against its stages alone, which run before it and after it.

    A stage's own work is to read its inputs, compute, and store its results; all else is overhead:
    Snakemake, starting of processes, imports, loading of networks, manifests, links. The mean of
    before and after stands beside the workflow: machines grow slower and faster within minutes.
    """
    print(f"\n{count} photos x 3 edits on {CORES} cores   wall s   CPU s", flush=True)
    shares: dict[str, list[float]] = {"wall": [], "CPU": []}
    for number in range(rounds):
        folder = new_project(scratch / f"overhead-{number}")
        paths = different_photos(folder, count)
        before = walk_on_all_cores(paths, folder / "store-before")
        line("stages before", *before)
        whole = snakemake(folder)
        line("whole workflow", whole.wall_s, whole.cpu_s)
        told = in_a_process(_tell, folder)
        line("the report stage", told.wall_s, told.cpu_s)
        after = walk_on_all_cores(paths, folder / "store-after")
        line("stages after", *after)
        for what, one, two, report, all_of_it in (
            ("wall", before.wall_s, after.wall_s, told.wall_s, whole.wall_s),
            ("CPU", before.cpu_s, after.cpu_s, told.cpu_s, whole.cpu_s),
        ):
            shares[what].append(1 - ((one + two) / 2 + report) / all_of_it)
        listed = ", ".join(f"{100 * share[-1]:.1f}% of {what}" for what, share in shares.items())
        print(f"  overhead: {listed}; the largest process {whole.peak_mb:.0f} MB", flush=True)
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


def _tell(folder: Path) -> None:
    """The last stage, of a finished run."""
    os.chdir(folder)
    shutil.rmtree("results/report")  # its strips
    config = read_config(Path("config.yaml"))
    assemble(config, sorted({row.shard for row in read_sheet(SHEET)}), Results())
