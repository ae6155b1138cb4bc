"""Runs of a tiny project that are killed, starved or crowded, and what they leave behind."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import warm
from tests.tiny import without_times, write_project

REPO = Path(__file__).resolve().parents[2]

NOT_COMPARED = ("log", ".run.lock", ".jobs.lock")
"""What the results folder holds beside results: messages with times in them, and empty locks."""

SLOW = ("project", "invert", "edit", "depth")
"""Stages that load networks, without the one that is quickest to load its own."""

PHOTOS = {"anna.png": (64, 64), "bob 1.jpg": (90, 120)}


def make_project(folder: Path) -> Path:
    """Two photos and one edit, with as few networks as there can be: it is writes that matter."""
    write_project(folder, PHOTOS)
    path = folder / "config.yaml"
    # Names of files stand in the report, and the folder is copied about.
    config = json.loads(path.read_text().replace(f"{folder}/", ""))
    config |= {
        "invert": {"method": "e4e"},
        "inpaint": {"painter": "telea"},
        "measure": {"pose": False, "identity": False},
        "report": {"height_px": 32},
    }
    path.write_text(json.dumps(config, indent=1))
    return folder


def with_known_faces(project: Path, finished: Path, folder: Path) -> Path:
    """A project that starts with what the slow networks made of its photos, and no manifest.

    Every stage still runs, looks its pictures up, links them and writes its manifests.
    """
    shutil.copytree(project, folder)
    for digests in finished.glob("results/store/??/*/digests.json"):
        if json.loads(digests.read_text())["made_from"]["stage"] in SLOW:
            key = digests.parent
            shutil.copytree(key, folder / key.relative_to(finished))
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The plain command in a process group of its own, so that all of it can be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile"), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """The plain command to its end: its exit status, and what it said."""
    done = warm.run(folder, *arguments, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return done.returncode, done.stdout + done.stderr


def outcome(folder: Path) -> dict[str, bytes]:
    """Every file of the results folder and the sheet, by name; see `NOT_COMPARED`."""
    results = folder / "results"
    files = {"data/sheet.tsv": (folder / "data" / "sheet.tsv").read_bytes()}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results)
        if name.parts[0] not in NOT_COMPARED and path.is_file():
            files[f"results/{name}"] = path.read_bytes()
    report = files.get("results/report.html", b"")
    if report:  # whether there are times, and which
        files["results/report.html"] = without_times(report)
    return files


def differences(found: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    """What is missing, too much or has other bytes; nothing where both agree."""
    return [
        *(f"missing: {name}" for name in sorted(wanted.keys() - found.keys())),
        *(f"left over: {name}" for name in sorted(found.keys() - wanted.keys())),
        *(
            f"other bytes: {name}"
            for name in sorted(wanted.keys() & found.keys())
            if wanted[name] != found[name]
        ),
    ]


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody killed."""

    project: Path
    seconds: float
    files: dict[str, bytes]


def undisturbed(project: Path, folder: Path) -> Undisturbed:
    """Run a copy of a project."""
    shutil.copytree(project, folder)
    started = time.monotonic()
    process = start(folder)  # as those that will be killed at moments of its time
    said, _ = process.communicate()
    seconds = time.monotonic() - started
    assert process.returncode == 0, said
    return Undisturbed(project, seconds, outcome(folder))


@dataclass(frozen=True)
class Kill:
    """One kill, and the run after it.

    Attributes:
        moment_s: when, after the start.
        manifests: how many were written by then.
        half_written: files that were being written.
        locked: whether Snakemake's own locks stayed behind.
        status: exit status of the plain command afterwards.
        wrong: what was not as in the undisturbed run.
        said: the second run's messages.
    """

    moment_s: float
    manifests: int
    half_written: int
    locked: bool
    status: int
    wrong: list[str]
    said: str

    @property
    def recovered(self) -> bool:
        """Whether the plain command brought everything back."""
        return self.status == 0 and not self.wrong


def kill_and_rerun(reference: Undisturbed, folder: Path, moment_s: float) -> Kill | None:
    """Run a copy, kill it, run it again; None if it had ended before the moment."""
    shutil.copytree(reference.project, folder)
    process = start(folder)
    time.sleep(moment_s)
    ended = process.poll() is not None
    kill_group(process)
    if ended:
        return None
    manifests = len([*folder.glob("results/*/?????.json"), *folder.glob("results/*/*/?????.json")])
    half_written = len([*folder.glob("results/**/.*.tmp"), *folder.glob("results/store/unf*/*")])
    locked = any(folder.glob(".snakemake/locks/*"))
    status, said = run(folder)
    wrong = differences(outcome(folder), reference.files)
    return Kill(moment_s, manifests, half_written, locked, status, wrong, said)


def kill_group(process: subprocess.Popen[str]) -> None:
    """SIGKILL to a command and everything it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def moments(seconds: float, count: int, seed: int) -> list[float]:
    """Moments drawn uniformly over the duration of a run."""
    draw = random.Random(seed)
    return [draw.uniform(0, seconds) for _ in range(count)]


def kills(reference: Undisturbed, folder: Path, drawn: list[float], seed: int) -> Iterator[Kill]:
    """Kill one run per moment; a run that ended before its moment draws an earlier one."""
    draw = random.Random(seed + 1)
    for number, moment_s in enumerate(drawn):
        done = None
        while done is None:
            place = folder / f"kill-{number}"
            done = kill_and_rerun(reference, place, moment_s)
            if done is None or done.recovered:
                shutil.rmtree(place)  # what went wrong stays to be looked at
            moment_s = draw.uniform(0, moment_s)
        yield done
