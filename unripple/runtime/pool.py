"""Worker processes that do tasks, one after the other, and are watched while they do.

No Python code can interrupt a decoder or a network that hangs, eats the memory or crashes. So a
task runs in a worker process, which reports when a photo begins and ends, and whoever submitted the
task looks at the clock and at the worker's memory meanwhile. A worker that goes over a limit is
killed, that photo fails with one error, and another worker does the task again, without the photos
that have ended. Artifacts are whole or absent whenever a process dies.

A command by itself forks one worker before it loads anything (`supervised`). The executor of the
workflow keeps a `Pool`, whose workers have loaded torch and the networks of the jobs before.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, Protocol, TypeAlias, TypeVar

from unripple.conventions import Crashed, LimitExceeded, UnrippleError
from unripple.pipeline.limits import Limits
from unripple.processes import die_with, portable, resident_mb
from unripple.runtime.limits import POLL_S, PhotoBudget, Uncounted

Outcome = TypeVar("Outcome")
Do: TypeAlias = Callable[[str, Uncounted], Outcome]
Outcomes: TypeAlias = Iterator[tuple[str, Outcome | LimitExceeded | Crashed]]


class Each(Protocol):
    """How a task goes through its photos: `unwatched`, or a worker's `Reporter`."""

    def __call__(self, names: Sequence[str], do: Do[Outcome], limits: Limits) -> Outcomes[Outcome]:
        """Do something for each name, in order; yield its outcome, or the error that ended it."""


Task: TypeAlias = Callable[[Each], Outcome]
"""Goes through photos with what it is called with; task and outcome are pickled."""

_UNKNOWN = 255
"""Exit status that multiprocessing gives where the process that forks workers has ended, too."""
_OWN_FAULTS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


def unwatched(names: Sequence[str], do: Do[Outcome], limits: Limits) -> Outcomes[Outcome]:  # noqa: ARG001
    """Do it in this process that nobody watches, without limits on time and memory."""
    for name in names:
        yield name, do(name, contextlib.nullcontext)


def supervised(task: Task[Outcome]) -> Outcome:
    """Do one task in a forked process that this one watches; see `Pool.run`."""
    pool = Pool("fork", tasks_per_worker=1)
    try:
        return pool.run(task)
    finally:
        pool.close()


class Pool:
    """Workers that are kept for the tasks to come. Any thread may submit a task.

    Args:
        start_method: of multiprocessing; "fork" only where the main thread is the only one.
        tasks_per_worker: after so many, a new process with clean memory takes a worker's place.
    """

    def __init__(self, start_method: str, *, tasks_per_worker: int) -> None:
        self._start_method, self._tasks_per_worker = start_method, tasks_per_worker
        self._lock = threading.Lock()
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._is_closed = False

    def run(self, task: Task[Outcome]) -> Outcome:
        """Do a task in an idle worker or a new one.

        Raises:
            UnrippleError: the worker ended, and not because of a photo.
            Exception: whatever the task raised.
        """
        ended: dict[str, Any] = {}
        while True:
            worker = self._take()
            try:
                word, content = worker.run(task, ended)
            except (EOFError, ConnectionError, LimitExceeded) as error:
                with self._lock:
                    ended |= worker.ended_by(error)
            else:
                if word == "error":
                    raise content
                return content
            finally:
                self._give_back(worker)

    def close(self) -> None:
        """Kill all workers, whatever they are at."""
        with self._lock:
            self._is_closed = True
            for worker in self._workers:
                worker.kill()

    def _take(self) -> _Worker:
        with self._lock:
            if self._is_closed:
                raise UnrippleError("the job was cancelled")
            while self._idle:
                worker = self._idle.pop()
                if worker.process.is_alive():
                    return worker
                self._workers.discard(worker)
            worker = _Worker(self._start_method)
            self._workers.add(worker)
            return worker

    def _give_back(self, worker: _Worker) -> None:
        with self._lock:
            if worker.is_at_rest and worker.tasks < self._tasks_per_worker:
                self._idle.append(worker)
            else:
                worker.kill()
                self._workers.discard(worker)


class _Worker:
    """A worker process, as the one that submits tasks to it has it."""

    def __init__(self, start_method: str) -> None:
        context: Any = multiprocessing.get_context(start_method)
        self._pipe, far_end = context.Pipe()
        # A forked process has this end of the pipe, too, and would not see it close.
        inherited = self._pipe if start_method == "fork" else None
        self.process = context.Process(target=_work, args=(far_end, inherited), daemon=True)
        main = sys.modules["__main__"]
        try:
            if start_method != "fork":  # the worker would first run this module: Snakemake's
                sys.modules["__main__"] = ModuleType("__main__")
            self.process.start()
        finally:
            sys.modules["__main__"] = main
        far_end.close()
        self.tasks, self.is_at_rest, self._photo = 0, True, ""

    def kill(self) -> None:
        """End the process, and wait until it has let go of all that it held."""
        self.process.kill()
        self.process.join()

    def run(self, task: Task[Any], ended: dict[str, Any]) -> tuple[str, Any]:
        """Have a task done, and note in `ended` what becomes of each photo.

        Returns:
            "result" and it, or "error" and what the task raised.

        Raises:
            EOFError, ConnectionError, LimitExceeded: the worker has ended, or is to be killed.
        """
        self.tasks, self.is_at_rest = self.tasks + 1, False
        budget: PhotoBudget | None = None
        self._pipe.send((task, ended))
        while True:
            if budget is not None and not self._pipe.poll(POLL_S):
                if (error := budget.excess(self.process.pid)) is not None:
                    raise error
                continue
            word, content = self._pipe.recv()
            self._photo, budget = "", None
            if word == "begin":
                self._photo, start_mb, limits = content
                budget = PhotoBudget(limits, start_mb)
            elif word == "end":
                ended |= content
            elif word != "pause":
                self.is_at_rest = True
                return word, content

    def ended_by(self, error: Exception) -> dict[str, Exception]:
        """The photo at which the process ended, or is to, with its error; raises one if at none."""
        if isinstance(error, LimitExceeded):
            return {self._photo: error}
        self.process.join()
        status = self.process.exitcode
        how = f"by {signal.Signals(-status).name}" if status < 0 else f"with exit status {status}"
        if status == _UNKNOWN:
            how = "with the process that it was forked from"
        if not self._photo:
            raise UnrippleError(f"the job's process ended {how}; run again") from error
        if 0 <= status != _UNKNOWN or -status in _OWN_FAULTS:
            advice = "save the photo anew with another program, or leave it out"
            return {self._photo: Crashed(f"a library crashed over it, {how}; {advice}")}
        killed = (
            f"{self._photo}: the job's process was killed from outside {how}; if the machine was "
            "out of memory, give the job more, or lower limits.memory_mb so that such a photo "
            "fails alone"
        )
        return {self._photo: UnrippleError(killed)}


class Reporter:
    """How a worker's task goes through its photos, with what became of some in earlier workers."""

    def __init__(self, send: Callable[[tuple[str, Any]], None], ended: Mapping[str, Any]) -> None:
        self._send, self._ended = send, ended

    def __call__(self, names: Sequence[str], do: Do[Outcome], limits: Limits) -> Outcomes[Outcome]:
        """See `Each`."""

        def begin(name: str) -> None:
            self._send(("begin", (name, resident_mb(os.getpid()), limits)))

        @contextlib.contextmanager
        def uncounted() -> Iterator[None]:
            self._send(("pause", None))
            yield
            begin(current)

        for current in names:
            if current not in self._ended:
                begin(current)
                outcome = do(current, uncounted)
                self._send(("end", {current: outcome}))
            elif type(outcome := self._ended[current]) is UnrippleError:
                raise outcome
            yield current, outcome


def _work(pipe: Connection, inherited: Connection | None) -> None:
    """A worker's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever submits tasks gets it, and kills us
    die_with(os.getppid())
    if inherited is not None:
        inherited.close()
    with contextlib.suppress(EOFError, BrokenPipeError):  # nobody submits tasks any more
        while True:
            task, ended = pipe.recv()
            try:
                message = "result", task(Reporter(pipe.send, ended))
            except Exception as error:
                message = "error", portable(error, UnrippleError)
            pipe.send(message)
