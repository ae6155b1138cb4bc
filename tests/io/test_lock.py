"""Locks go when their holder goes; a second run is told who is first."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from unripple.conventions import StoreError
from unripple.io import lock


def hold(folder: Path, ready: multiprocessing.synchronize.Event, how: str) -> None:
    """Hold a lock until killed."""
    if how == "run":
        lock.claim(folder)
        ready.set()
        time.sleep(60)
    with lock.at_work(folder):
        ready.set()
        time.sleep(60)


@pytest.fixture
def holder(tmp_path: Path, request: pytest.FixtureRequest) -> multiprocessing.Process:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=hold, args=(tmp_path, ready, request.param), daemon=True)
    process.start()
    assert ready.wait(20)
    yield process
    process.kill()
    process.join()
    lock.release(tmp_path)


@pytest.mark.parametrize("holder", ["run"], indirect=True)
def test_a_second_run_is_refused_until_the_first_dies(
    tmp_path: Path, holder: multiprocessing.Process
) -> None:
    with pytest.raises(StoreError, match=f"another run is at work here .process {holder.pid} on"):
        lock.claim(tmp_path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    assert lock.claim(tmp_path)  # killed: there may be something to sweep up
    assert not lock.claim(tmp_path)  # by the same run


@pytest.mark.parametrize("holder", ["job"], indirect=True)
def test_a_run_waits_for_jobs_that_outlived_another(
    tmp_path: Path, holder: multiprocessing.Process
) -> None:
    with lock.at_work(tmp_path):  # jobs do not wait for each other
        pass
    context = multiprocessing.get_context("fork")
    claimed = context.Event()
    second = context.Process(target=lambda: (lock.claim(tmp_path), claimed.set()), daemon=True)
    second.start()
    assert not claimed.wait(0.5)
    os.kill(holder.pid, signal.SIGKILL)
    assert claimed.wait(20)
    second.join()


def test_a_run_that_ended_leaves_nothing_to_sweep(tmp_path: Path) -> None:
    with lock.claimed(tmp_path):
        assert (tmp_path / lock.RUN_LOCK).read_text().startswith(f"process {os.getpid()} on ")
    assert (tmp_path / lock.RUN_LOCK).read_text() == ""
    assert not lock.claim(tmp_path)
    lock.release(tmp_path)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(StoreError, match=r"cannot write .*results"):
        lock.claim(tmp_path / "results")
