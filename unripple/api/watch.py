"""A shard's photos, done one after the other in a process that is watched by another.

No Python code can interrupt a decoder or a network that hangs, eats the memory or crashes. So the
process that works says when it starts and ends a photo, and the one that watches looks at the clock
and at the other's memory meanwhile. A process that goes over a limit is killed, that photo fails
with one error, and a new process goes on with the next photo. Artifacts are whole or absent
whenever a process dies.

A command by itself forks before it loads anything, and watches (`watched`). A job in a workflow's
warm worker is watched by the worker (`Reported`).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from typing import Any, Literal, TypeAlias, TypeVar

from unripple.api.limits import DEFAULT, Limits
from unripple.conventions import Crashed, LimitExceeded, UnrippleError
from unripple.processes import die_with, resident_mb

Outcome = TypeVar("Outcome")
Uncounted: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Opens a context in which time and memory do not count, for loading networks."""
Do: TypeAlias = Callable[[str, Uncounted], Outcome]
Message: TypeAlias = tuple[Literal["begin", "pause", "done", "fatal"], Any]

POLL_S = 0.05
"""How often the parent looks at the child's memory. Most photos are done with one look or two."""

_OWN_FAULTS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


def unwatched(
    names: Sequence[str],
    do: Do[Outcome],
    limits: Limits,  # noqa: ARG001 (the same call as `watched`)
) -> Iterator[tuple[str, Outcome | LimitExceeded | Crashed]]:
    """Do the same without a child, and without limits on time and memory."""
    for name in names:
        yield name, do(name, contextlib.nullcontext)


def watched(
    names: Sequence[str], do: Do[Outcome], limits: Limits
) -> Iterator[tuple[str, Outcome | LimitExceeded | Crashed]]:
    """Do something for each name, in order, under limits.

    Args:
        names: what to work on.
        do: the work; runs in a forked child, and what it returns is pickled.
        limits: seconds and memory_mb count for each name by itself. Memory can only be watched
            where the system has /proc.

    Yields:
        Each name with its outcome, or with the error that ended it.

    Raises:
        UnrippleError: the child was killed from outside.
        Exception: whatever `do` raised.
    """
    left = list(names)
    while left:
        with _Child(left, do) as child:
            for name in list(left):
                outcome: Outcome | LimitExceeded | Crashed = child.follow(name, limits)
                left.remove(name)
                yield name, outcome
                if isinstance(outcome, LimitExceeded | Crashed):
                    break  # that child is dead


class _Child:
    """The parent's view of a child that works on some names."""

    def __init__(self, names: Sequence[str], do: Do[Any]) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, far_end = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_work, args=(list(names), do, far_end, os.getpid()), daemon=True
        )
        self._process.start()
        far_end.close()  # the pipe ends with the child

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def follow(self, name: str, limits: Limits) -> Any:
        """Wait for the outcome of the name that the child works on now."""
        seen = Seen()
        while True:
            if self._pipe.poll(POLL_S):
                try:
                    word, content = self._pipe.recv()
                except EOFError:
                    self._process.join()
                    return how_it_died(self._process.exitcode or 0, name)
                if word == "done":
                    return content
                if word == "fatal":
                    raise content
                seen = Seen(name, content, limits) if word == "begin" else Seen()
            elif self._process.pid is not None:
                verdict = seen.verdict(self._process.pid)
                if verdict is not None:
                    self._process.kill()
                    return verdict


class Seen:
    """What is known of a process at work.

    Args:
        name: the photo that it works on, or "": none, or its networks are being loaded.
        start_mb: its memory when it began.
        limits: seconds and memory_mb count, from now on.
    """

    def __init__(self, name: str = "", start_mb: float = 0.0, limits: Limits = DEFAULT) -> None:
        self.name, self._start_mb, self._limits = name, start_mb, limits
        self._deadline = time.monotonic() + limits.seconds

    def verdict(self, process: int) -> LimitExceeded | None:
        """The error of the photo if the process went over a limit; it is to be killed then."""
        if not self.name:
            return None
        seconds, memory_mb = self._limits.seconds, self._limits.memory_mb
        if time.monotonic() > self._deadline:
            return _over(f"{seconds:g} s", "seconds")
        if resident_mb(process) - self._start_mb > memory_mb:
            return _over(f"{memory_mb:g} MB of memory", "memory_mb")
        return None


def _over(what: str, limit: str) -> LimitExceeded:
    return LimitExceeded(f"took more than {what}; raise limits.{limit} or leave the photo out")


def how_it_died(status: int, name: str) -> Crashed:
    """The error of the photo at which a process ended that nobody had asked to.

    Args:
        status: its exit status, or minus the number of the signal.
        name: the photo.

    Raises:
        UnrippleError: it was killed from outside; that is not the photo's fault.
    """
    if status < 0 and -status not in _OWN_FAULTS:
        raise UnrippleError(
            f"{name}: the job's process was killed from outside by "
            f"{signal.Signals(-status).name}; if the machine was out of memory, give the job "
            "more, or lower limits.memory_mb so that such a photo fails alone"
        )
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with exit status {status}"
    return Crashed(
        f"a library crashed over it, {how}; save the photo anew with another program, or leave "
        "it out"
    )


class Reported:
    """Do the work here, and tell a process that watches from outside how far it is.

    Called like `watched`. The watcher kills this process at a photo that goes over a limit, and
    lets another one do all again; artifacts that are there already cost next to nothing.

    Args:
        tell: told a photo's name, this process's memory in MB and the limits when a photo begins,
            and "" when it ends, or time and memory do not count for a while.
        known: photos at which processes before this one ended, and why.
        fatal: what to raise instead of working.
    """

    def __init__(
        self,
        tell: Callable[[str, float, Limits], None],
        known: Mapping[str, LimitExceeded | Crashed],
        fatal: UnrippleError | None = None,
    ) -> None:
        self._tell, self._known, self._fatal = tell, known, fatal

    def __call__(
        self, names: Sequence[str], do: Do[Outcome], limits: Limits
    ) -> Iterator[tuple[str, Outcome | LimitExceeded | Crashed]]:
        """See `watched`."""
        if self._fatal is not None:
            raise self._fatal

        def begin(name: str) -> None:
            self._tell(name, resident_mb(os.getpid()), limits)

        @contextlib.contextmanager
        def uncounted() -> Iterator[None]:
            self._tell("", 0.0, limits)
            yield
            begin(current)

        for current in names:
            if current in self._known:
                yield current, self._known[current]
                continue
            begin(current)
            outcome = do(current, uncounted)
            self._tell("", 0.0, limits)
            yield current, outcome


def _work(names: Sequence[str], do: Do[Any], pipe: Connection, parent: int) -> None:
    """The child's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it, too, and ends the child
    die_with(parent)

    def begin() -> None:
        pipe.send(("begin", resident_mb(os.getpid())))

    @contextlib.contextmanager
    def uncounted() -> Iterator[None]:
        pipe.send(("pause", 0.0))
        yield
        begin()

    for name in names:
        begin()
        try:
            outcome = do(name, uncounted)
        except Exception as error:
            pipe.send(("fatal", _portable(error)))
            return
        pipe.send(("done", outcome))


def _portable(error: Exception) -> Exception:
    """The error itself where it survives the way to the parent, else its text."""
    try:
        again = pickle.loads(pickle.dumps(error))
    except Exception:  # an error class may do anything when it is copied
        return UnrippleError(f"{type(error).__name__}: {error}")
    return error if type(again) is type(error) else UnrippleError(str(error))
