"""The warm worker: a job in it is like one without, and what dies leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeAlias

import pytest

from tests.cli.workers import (
    ALIGN,
    JOBS_LOCK,
    MANIFEST,
    PATIENCE_S,
    jobs,
    parent,
    refuses,
    start,
    wait_for,
    workers,
)
from unripple.cli import warm
from unripple.cli.main import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the worker is for Linux alone")
Held: TypeAlias = tuple[subprocess.Popen[bytes], int, IO[str]]


def results() -> dict[str, bytes]:
    """What align left, by name."""
    return {path.name: path.read_bytes() for path in Path("results/align").iterdir()}


@pytest.fixture
def held_job(workflow: subprocess.Popen[bytes]) -> Iterator[Held]:
    """A command whose job waits in the worker until its lock is given up, and the worker."""
    assert warm.hand_over(["--version"]) == 0
    (worker,) = workers(os.environ[warm.WORKFLOW])
    JOBS_LOCK.parent.mkdir()
    with JOBS_LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with start(*ALIGN) as command:
            try:
                wait_for(lambda: jobs(worker), "the worker got no job")
                yield command, worker, lock
            finally:
                lock.close()
                command.wait(PATIENCE_S)


def test_a_job_in_the_worker_is_like_one_without(
    workflow: subprocess.Popen[bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    assert warm.hand_over([*ALIGN, "--log", "a.log"]) == 0
    said = capfd.readouterr().err
    assert "align 00000: 2/2 bob" in said
    assert "align 00000: 2/2 bob" in Path("a.log").read_text()
    there = results()
    shutil.rmtree("results")
    assert run(ALIGN) == 0
    assert results() == there
    assert {"00000.json", "anna.picture.png", "bob.picture.png"} <= set(there)


def test_errors_come_back_with_their_status(
    workflow: subprocess.Popen[bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    assert warm.hand_over(["align", "--shard", "00007"]) == 2
    assert "no shard 00007" in capfd.readouterr().err
    assert warm.hand_over(["align", "--sharp"]) == 2
    assert warm.hand_over([]) == 2
    assert len(workers(os.environ[warm.WORKFLOW])) == 1


def test_other_circumstances_are_not_trusted(
    workflow: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert warm.hand_over(["--version"]) == 0
    with monkeypatch.context() as changed:
        changed.setenv("ATEN_CPU_CAPABILITY", "default")
        assert warm.hand_over(["--version"]) is None
    with monkeypatch.context() as changed:
        changed.setattr(warm, "fingerprint", lambda: "newer code")
        assert warm.hand_over(["--version"]) is None
    assert warm.hand_over(["--version"]) == 0


def test_without_a_workflow_or_with_threads_a_command_does_its_job_itself(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(warm.WORKFLOW, raising=False)
    assert warm.hand_over(ALIGN) is None
    monkeypatch.setenv(warm.WORKFLOW, f"{os.getpid()}-1")  # the id was given to another process
    assert warm.hand_over(ALIGN) is None
    monkeypatch.setenv(warm.WORKFLOW, warm.this_process())
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert warm.hand_over(ALIGN) is None
    assert not Path(warm.FOLDER).exists()


def test_a_killed_command_takes_its_job_along(held_job: Held) -> None:
    command, worker, _ = held_job
    command.kill()
    wait_for(lambda: not jobs(worker), "the job outlives its command")
    assert not MANIFEST.exists()


def test_a_command_passes_signals_on(held_job: Held) -> None:
    command, worker, _ = held_job
    command.send_signal(signal.SIGTERM)
    assert command.wait(PATIENCE_S) == 128 + signal.SIGTERM
    assert not jobs(worker)


def test_a_command_outlives_the_worker(held_job: Held) -> None:
    command, worker, lock = held_job
    (job,) = jobs(worker)
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not parent(Path(f"/proc/{job}/stat")), "the job outlives the worker")
    lock.close()
    assert command.wait(PATIENCE_S) == 0  # it did the job itself
    assert MANIFEST.exists()


def test_workers_that_do_not_last_are_given_up(workflow: subprocess.Popen[bytes]) -> None:
    name = os.environ[warm.WORKFLOW]
    for _ in range(warm.MOST_STARTS):
        assert warm.hand_over(["--version"]) == 0
        (worker,) = workers(name)
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: refuses(name), "the worker lives on")
    assert warm.hand_over(["--version"]) is None
    assert not workers(name)


def test_what_a_killed_worker_left_goes_with_the_next(workflow: subprocess.Popen[bytes]) -> None:
    Path(warm.FOLDER).mkdir(parents=True)
    for ending in ("sock", "lock", "log"):
        Path(warm.FOLDER, f"99-1.{ending}").touch()
    assert warm.hand_over(["--version"]) == 0
    workflow.kill()
    wait_for(lambda: not Path(warm.FOLDER).exists(), "the worker left something behind")


def test_the_thin_end_imports_nothing_large() -> None:
    script = "import sys, unripple.cli.main; print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    large = {"numpy", "PIL", "torch", "yaml", "subprocess", "pathlib", "typing", "json", "argparse"}
    several = {"socket", "signal", "contextlib", "enum", "selectors"}
    assert not (large | several) & set(said.stdout.split())


def test_a_request_comes_through_whatever_bytes_it_holds() -> None:
    words = ["align", "", "--log", "naïve \udcff\n.log"]
    here = ["/tmp/a b", "", "A=\udc80="]
    assert warm.unpacked(warm.packed(0o27, words, here)) == (0o27, words, here)
    for broken in (b"", b"18", b"x\0001\0a"):
        with pytest.raises(ValueError):
            warm.unpacked(broken)
