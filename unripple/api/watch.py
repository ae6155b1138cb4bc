"""A shard's photos, done one after the other in a child process that is watched.

No Python code can interrupt a decoder or a network that hangs, eats the memory or crashes. So the
job forks before it loads anything, the child works and says when it starts and ends a photo, and
the parent looks at the clock and at the child's memory meanwhile. A child that goes over a limit is
killed, that photo fails with one error, and a new child goes on with the next photo. Artifacts are
whole or absent whenever a child dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from unripple.api.limits import Limits
from unripple.conventions import Crashed, LimitExceeded, UnrippleError

Outcome = TypeVar("Outcome")
Uncounted: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Opens a context in which time and memory do not count, for loading networks."""
Do: TypeAlias = Callable[[str, Uncounted], Outcome]
Message: TypeAlias = tuple[Literal["begin", "pause", "done", "fatal"], Any]

POLL_S = 0.05
"""How often the parent looks at the child's memory. Most photos are done with one look or two."""

_OWN_FAULTS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
_PR_SET_PDEATHSIG = 1


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
        deadline, start_mb = None, 0.0
        while True:
            if self._pipe.poll(POLL_S):
                try:
                    word, content = self._pipe.recv()
                except EOFError:
                    return self._how_it_died(name)
                if word == "done":
                    return content
                if word == "fatal":
                    raise content
                counting = word == "begin"
                deadline = time.monotonic() + limits.seconds if counting else None
                start_mb = content
            elif deadline is not None:
                if time.monotonic() > deadline:
                    return self._stopped(f"took more than {limits.seconds:g} s", "seconds")
                if _resident_mb(self._process.pid) - start_mb > limits.memory_mb:
                    return self._stopped(
                        f"took more than {limits.memory_mb:g} MB of memory", "memory_mb"
                    )

    def _stopped(self, what: str, limit: str) -> LimitExceeded:
        self._process.kill()
        return LimitExceeded(f"{what}; raise limits.{limit} or leave the photo out")

    def _how_it_died(self, name: str) -> Crashed:
        self._process.join()
        status = self._process.exitcode or 0
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


def _work(names: Sequence[str], do: Do[Any], pipe: Connection, parent: int) -> None:
    """The child's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it, too, and ends the child
    _die_with(parent)

    def begin() -> None:
        pipe.send(("begin", _resident_mb(os.getpid())))

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


def _die_with(parent: int) -> None:
    """No child outlives a parent that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # killed before that call
            os._exit(1)


def _resident_mb(process: int | None) -> float:
    """Memory of a process that is in use, megabytes; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
