"""One photo of 1024 px through the whole workflow, with networks of the published sizes."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import yaml
from PIL import Image

from unripple.cli.main import main
from unripple.io.results import Results
from unripple.pipeline.graph import STEPS

REPO = Path(__file__).resolve().parents[2]
SIDE = 1024
COST = "cost.json"
WATCHED_EVERY_S = 0.5


@contextmanager
def finished_run(
    folder: Path,
    write: Callable[[Path], Iterator[tuple[str, Path]]],
    config: Mapping[str, Any],
    prepare: Callable[[], None] = lambda: None,
) -> Iterator[Path]:
    """The folder of a finished run; the weights are taken away afterwards.

    Args:
        folder: an empty one.
        write: writes the published files: (entry of the list, path).
        config: of the run; the photo is a crop already, and parsed at one scale.
        prepare: what else lies in the folder, which is the current one then.
    """
    with pytest.MonkeyPatch.context() as here:
        here.setenv("UNRIPPLE_MODELS", str(folder / "published"))
        here.chdir(folder)
        for name, path in write(folder / "files"):
            take(name, path)
            path.unlink()
        prepare()
        write_photo()
        content = {"align": {"mode": "aligned"}, "parse": {"scales": "one"}, **config}
        Path("config.yaml").write_text(yaml.safe_dump(content))
        here.setenv("OMP_NUM_THREADS", "2")
        snakemake = (sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile"))
        _run_watched((*snakemake, "--cores", "1"))
    yield folder
    for path in (folder / "published").iterdir():
        path.unlink()


def take(name: str, path: Path) -> None:
    """As users do it who have a file already."""
    assert main(["models", "add", str(path), "--as", name, "--accept-new"]) == 0


def write_photo() -> None:
    """`anna`, an aligned portrait of 1024 px."""
    folder = Path("data/photos")
    folder.mkdir(parents=True)
    with Image.open(REPO / "data" / "photos" / "portrait-01.png") as portrait:
        large = portrait.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    large.save(folder / "anna.png")


def check_every_artifact(folder: Path, edits: tuple[str, ...]) -> None:
    """Every step of every edit has made something of anna."""
    results = Results(folder / "results")
    for stage, step in STEPS.items():
        for of in step.places(edits):
            manifest = results.read_manifest(stage, of, "00000")
            assert list(manifest.keys) == ["anna"], (stage, of, manifest.failures)


class Cost(NamedTuple):
    """What a run took.

    Attributes:
        peak_bytes: the most memory that any of its processes held.
        together_bytes: the most that all of them held at a time, what they share counted once.
        cpu_s: processor time of all of them together.
    """

    peak_bytes: int
    together_bytes: int
    cpu_s: float


def cost_of(folder: Path) -> Cost:
    """What the run in a folder took."""
    return Cost(*json.loads((folder / COST).read_text()))


def _run_watched(command: tuple[str, ...]) -> None:
    """Run a command to its end, and keep its cost.

    Workers are no children of Snakemake's but of the process that they are forked from, for which
    nobody waits: what the system adds up about children that ended may lack them, as what is seen
    now and then may lack the last moment of a process.
    """
    peaks: dict[int, int] = {}
    seconds: dict[int, float] = {}
    together = 0
    with Path("run.log").open("w+") as log:
        running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        while running.poll() is None:
            held = 0
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError):
                    used = process.cpu_times()
                    seconds[process.pid] = used.user + used.system
                    peaks[process.pid] = _bytes_of(process.pid, "status", "VmHWM")
                    held += _bytes_of(process.pid, "smaps_rollup", "Pss")
            together = max(together, held)
            time.sleep(WATCHED_EVERY_S)
        log.seek(0)
        assert running.returncode == 0, log.read()
    ended = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    cost = Cost(max(ended, *peaks.values()), together, sum(seconds.values()))
    Path(COST).write_text(json.dumps(cost))


def _bytes_of(pid: int, file: str, key: str) -> int:
    """What the system says of a process's memory; 0 of one that has just ended."""
    found = re.search(rf"^{key}:\s+(\d+) kB", Path(f"/proc/{pid}/{file}").read_text(), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0
