"""The warm worker: a job in it is like one without, and what dies leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeAlias

import pytest

from tests.tiny import write_project
from unripple.cli import warm
from unripple.cli.main import run
from unripple.io.sheet import update_sheet

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the worker is for Linux alone")
ALIGN = ["align", "--shard", "00000"]
MANIFEST = Path("results/align/00000.json")
JOBS_LOCK = Path("results/.jobs.lock")
PATIENCE_S = 60.0
Held: TypeAlias = tuple[subprocess.Popen[bytes], int, IO[str]]


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


def workers(name: str) -> list[int]:
    """The workers of a workflow."""
    words = ("unripple.cli.worker", name)
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if all(word in text(path) for word in words) and is_leader(int(path.parent.name))
    ]


def refuses(name: str) -> bool:
    """Whether nobody listens any more: a killed process lets go of its socket a little later."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(warm.socket_path(name))
    except ConnectionRefusedError:
        return not workers(name)
    except OSError:
        return False
    return False


def is_leader(process: int) -> bool:
    """Whether a process is a worker, and not a job that was forked from one."""
    above = parent(Path(f"/proc/{process}/stat"))
    return "unripple.cli.worker" not in text(Path(f"/proc/{above}/cmdline"))


def jobs(worker: int) -> list[str]:
    """The jobs that a worker forked and that are still there."""
    return [
        path.parent.name for path in Path("/proc").glob("[0-9]*/stat") if parent(path) == worker
    ]


def parent(path: Path) -> int:
    """The parent of a process, by its file `stat`; 0 if it is gone."""
    words = text(path).rpartition(")")[2].split()
    return int(words[1]) if words and words[0] != "Z" else 0


def text(path: Path) -> str:
    """What a file of the system says; nothing if its process is gone."""
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def wait_for(there: Callable[[], object], complaint: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)


def results() -> dict[str, bytes]:
    """What align left, by name."""
    return {path.name: path.read_bytes() for path in Path("results/align").iterdir()}


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """A job's command, as a rule starts it."""
    command = [sys.executable, "-m", "unripple", *arguments]
    # Not what libraries in this process set behind Python's back.
    return subprocess.Popen(command, env=dict(os.environ))


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
    assert not large & set(said.stdout.split())


def test_a_request_comes_through_whatever_bytes_it_holds() -> None:
    words = ["align", "", "--log", "naïve \udcff\n.log"]
    here = ["/tmp/a b", "", "A=\udc80="]
    assert warm.unpacked(warm.packed(0o27, words, here)) == (0o27, words, here)
    for broken in (b"", b"18", b"x\0001\0a"):
        with pytest.raises(ValueError):
            warm.unpacked(broken)
