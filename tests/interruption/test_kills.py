"""A killed run is taken up by the plain command, and ends with the bytes of one left in peace.

A handful of kills; `python -m tests.interruption --kills 50` does many.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.interruption.harness import (
    Undisturbed,
    differences,
    kill_group,
    kills,
    moments,
    outcome,
    run,
    start,
)

pytestmark = pytest.mark.slow


def test_killed_at_random_moments(reference: Undisturbed, tmp_path: Path) -> None:
    drawn = moments(reference.seconds, 3, seed=1)
    for kill in kills(reference, tmp_path, drawn, seed=1):
        assert kill.recovered, "\n".join((f"at {kill.moment_s:.2f} s", *kill.wrong, kill.said))


def test_killed_again_and_again(reference: Undisturbed, tmp_path: Path) -> None:
    """Each run is killed a bit later than the one before; the last is left in peace."""
    folder = tmp_path / "project"
    shutil.copytree(reference.project, folder)
    for moment_s in (0.15, 0.3, 0.45):
        process = start(folder)
        time.sleep(moment_s * reference.seconds)
        kill_group(process)
    status, said = run(folder)
    assert status == 0, said
    assert differences(outcome(folder), reference.files) == []
    assert "Nothing to be done" in run(folder, "--dry-run")[1]


def test_jobs_that_outlive_their_run_spoil_nothing(reference: Undisturbed, tmp_path: Path) -> None:
    """Snakemake alone is killed, as by a system that is out of memory; its jobs go on."""
    folder = tmp_path / "project"
    shutil.copytree(reference.project, folder)
    process = start(folder)
    while not list(folder.glob("results/*/*.json")):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    status, said = run(folder)
    process.communicate()
    assert status == 0, said
    assert differences(outcome(folder), reference.files) == []


def test_two_runs_in_one_folder(reference: Undisturbed, tmp_path: Path) -> None:
    """The second is told who works there; a dry run is let in; nothing is lost."""
    folder = tmp_path / "project"
    shutil.copytree(reference.project, folder)
    first = start(folder)
    lock = folder / "results" / ".run.lock"
    while not (lock.exists() and lock.read_text()):
        assert first.poll() is None
        time.sleep(0.05)
    status, said = run(folder)
    assert status != 0
    assert f"results: another run is at work here (process {first.pid} on" in said
    status, said = run(folder, "--dry-run")
    assert status == 0, said
    said, _ = first.communicate()
    assert first.returncode == 0, said
    assert differences(outcome(folder), reference.files) == []
