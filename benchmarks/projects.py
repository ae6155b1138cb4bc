"""Projects with many photos, and what commands in them cost."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

REPO = Path(__file__).resolve().parents[1]
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


def line(what: str, wall_s: float, cpu_s: float) -> None:
    """Print one row of a table."""
    print(f"{what:30s} {wall_s:8.1f} {cpu_s:8.1f}", flush=True)


class Used(NamedTuple):
    """What some work in a process of its own took."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def in_a_process(work: Callable[..., None], *arguments: Any) -> Used:
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
