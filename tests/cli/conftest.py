"""A project and a process that stands for its workflow, to try the warm worker with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.workers import wait_for, workers
from tests.tiny import write_project
from unripple.cli import warm
from unripple.io.sheet import update_sheet


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two photos and a sheet, as the current one."""
    write_project(tmp_path, {"anna.png": (64, 64), "bob.png": (90, 120)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    update_sheet(Path("data/photos"))
    return tmp_path


@pytest.fixture
def workflow(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for Snakemake; worker and jobs must go when it does."""
    with subprocess.Popen(["sleep", "600"]) as process:
        name = f"{process.pid}-{warm._start(process.pid)}"
        monkeypatch.setenv(warm.WORKFLOW, name)
        yield process
        process.kill()
        process.wait()
        wait_for(lambda: not workers(name), "the worker outlives its workflow")
