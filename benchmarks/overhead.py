"""The workflow against its stages alone."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import queue
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from projects import CORES, REPO, different_photos, in_a_process, line, new_project, snakemake

from unripple.api.advance import Source, advance
from unripple.api.jobs import Job, job_from_config
from unripple.api.report import assemble
from unripple.api.shelf import MemoryShelf, Shelf, StoreShelf
from unripple.api.steps import STEPS
from unripple.io.config import edits, read_config
from unripple.io.results import Results
from unripple.io.sheet import SHEET, read_sheet
from unripple.zoo.zoo import Zoo

OVERHEAD_BOUND = 0.10


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
        line("stages' functions alone", *calls)
        whole = snakemake(folder)
        line("whole workflow", whole.wall_s, whole.cpu_s)
        store = folder / "other-store"
        stored = walk_on_all_cores(paths, lambda: StoreShelf(Results(store).store))  # noqa: B023
        told = in_a_process(_tell, folder)
        line("the report stage", told.wall_s, told.cpu_s)
        stages = (
            max(one.whole_wall_s for one in stored) + told.wall_s,
            sum(one.whole_cpu_s for one in stored) + told.cpu_s,
        )
        line("stages, results stored", *stages)
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


def _tell(folder: Path) -> None:
    """The last stage, of a finished run."""
    os.chdir(folder)
    shutil.rmtree("results/report")  # its strips
    config = read_config(Path("config.yaml"))
    assemble(config, sorted({row.shard for row in read_sheet(SHEET)}), Results())
