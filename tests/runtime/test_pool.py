"""Workers do one task after the other; what ends one costs a photo or a task, not others."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from unripple.conventions import Crashed, LimitExceeded, UnrippleError
from unripple.pipeline.limits import DEFAULT, Limits
from unripple.runtime.limits import Uncounted
from unripple.runtime.pool import Each, Pool, unwatched

PATIENCE_S = 30.0


def process_id(each: Each) -> int:
    """A task without photos."""
    return os.getpid()


def photos(folder: Path, ending: str, limits: Limits, each: Each) -> dict[str, Any]:
    """Three photos, of which `b` may end its worker; each leaves a line when it is worked on."""

    def do(name: str, uncounted: Uncounted) -> int:
        with (folder / name).open("a") as file:
            file.write("begun\n")
        if name == "b" and ending == "hangs":
            time.sleep(PATIENCE_S)
        elif name == "b" and ending != "well":
            faulthandler.disable()  # pytest's report of it is not wanted
            os.kill(os.getpid(), getattr(signal, ending))
            time.sleep(PATIENCE_S)
        return os.getpid()

    return dict(each(["a", "b", "c"], do, limits))


def meet(folder: Path, name: str, other: str, each: Each) -> int:
    """Wait until another task is at work."""
    (folder / name).touch()
    deadline = time.monotonic() + PATIENCE_S
    while not (folder / other).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return os.getpid()


def fails(each: Each) -> None:
    raise ConnectionResetError("of the task's own")


def dies(each: Each) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def pool() -> Iterator[Pool]:
    """As a command by itself has it."""
    made = Pool("fork", tasks_per_worker=3)
    yield made
    made.close()


@pytest.fixture
def shared() -> Iterator[Pool]:
    """As the threads of the executor share it."""
    made = Pool("forkserver", tasks_per_worker=3)
    yield made
    made.close()


def wait_for(there: Callable[[], object], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)


def test_a_worker_is_kept_for_some_tasks(pool: Pool) -> None:
    processes = [pool.run(process_id) for _ in range(7)]
    assert [processes.count(process) for process in dict.fromkeys(processes)] == [3, 3, 1]
    assert os.getpid() not in processes
    with pytest.raises(ProcessLookupError):  # it does not wait for the pool's end
        os.kill(processes[0], 0)


def test_tasks_at_the_same_time_have_workers_of_their_own(shared: Pool, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        tasks = [partial(meet, tmp_path, *names) for names in (("a", "b"), ("b", "a"))]
        one, other = threads.map(shared.run, tasks)
    assert one != other
    assert shared.run(process_id) in (one, other)


@pytest.mark.parametrize(
    ("ending", "limits", "error"),
    [
        ("SIGSEGV", DEFAULT, Crashed),
        ("hangs", Limits(seconds=0.5), LimitExceeded),
    ],
)
def test_a_photo_costs_itself_and_what_has_ended_is_not_done_again(
    pool: Pool, tmp_path: Path, ending: str, limits: Limits, error: type
) -> None:
    ended = pool.run(partial(photos, tmp_path, ending, limits))
    assert type(ended["b"]) is error
    assert ended["a"] != ended["c"]  # in two workers
    assert {path.read_text() for path in tmp_path.iterdir()} == {"begun\n"}
    (tmp_path / "again").mkdir()
    again = pool.run(partial(photos, tmp_path / "again", "well", limits))
    assert set(again.values()) == {ended["c"]}  # the next task knows nothing of it


def test_a_neighbours_task_goes_on(shared: Pool, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(shared.run, partial(meet, tmp_path, "here", "done"))
        wait_for((tmp_path / "here").exists, "the neighbour did not begin")
        (tmp_path / "photos").mkdir()
        shared.run(partial(photos, tmp_path / "photos", "SIGABRT", DEFAULT))
        (tmp_path / "done").touch()
        assert future.result(PATIENCE_S) > 0


def test_a_kill_from_outside_is_not_the_photos_fault(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(UnrippleError, match="b: the job's process was killed from outside by SIGK"):
        pool.run(partial(photos, tmp_path, "SIGKILL", DEFAULT))
    with pytest.raises(UnrippleError, match="the job's process ended by SIGKILL; run again"):
        pool.run(dies)


def test_an_idle_worker_that_was_killed_is_replaced(pool: Pool) -> None:
    first = pool.run(process_id)
    os.kill(first, signal.SIGKILL)
    (worker,) = pool._workers
    wait_for(lambda: not worker.process.is_alive(), "it lives")
    assert pool.run(process_id) != first


def test_an_error_is_raised_here_and_the_worker_kept(pool: Pool) -> None:
    process = pool.run(process_id)
    with pytest.raises(ConnectionResetError, match="of the task's own"):
        pool.run(fails)
    assert pool.run(process_id) == process


def test_closing_ends_the_tasks_at_once(shared: Pool, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(shared.run, partial(photos, tmp_path, "hangs", DEFAULT))
        wait_for((tmp_path / "b").exists, "no photo was begun")
        threading.Thread(target=shared.close).start()
        with pytest.raises(UnrippleError, match="the job was cancelled"):
            future.result(PATIENCE_S)
    with pytest.raises(UnrippleError, match="the job was cancelled"):
        shared.run(process_id)


def test_without_a_worker_nothing_is_watched(tmp_path: Path) -> None:
    ended = photos(tmp_path, "well", Limits(seconds=0), unwatched)
    assert ended == dict.fromkeys("abc", os.getpid())
