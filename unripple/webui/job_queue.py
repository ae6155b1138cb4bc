"""Who computes when: a few threads, and of every user's jobs of a kind only the newest."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

from unripple.conventions import UnrippleError

T = TypeVar("T")

PREVIEW = "preview"
FULL = "full"
"""Edits at full quality."""
OPEN = "open"
"""First pictures of photos."""
HEAVY = "heavy"
"""Edits of large photos, which take long: beside all others, and after them."""
READ = "read"
"""Files being decoded, each in a process of its own that a thread waits for."""

# By so many seconds a job counts as younger than it is. Whoever looks at a slider goes before
# whoever waits for full quality, and edits of photos that are open go before other people's new
# photos; but nobody is overtaken for longer, however many there are.
_HANDICAP_S = {PREVIEW: 0.0, FULL: 1.0, OPEN: 5.0, HEAVY: 0.0, READ: 0.0}
_HEAVY_AT_ONCE = 1
_READ_AT_ONCE = 8
_FEWER_TURNS = 10  # added to the niceness of threads that compute what is heavy


class Superseded(UnrippleError):
    """A newer job of the same user took the place of this one."""


class _Place(NamedTuple):
    """Whose job of which kind."""

    owner: str
    kind: str


@dataclass(eq=False)
class QueuedJob:
    """Something to be computed.

    Attributes:
        call: does it, in a thread; it is given the job, to ask whether anybody waits for it still.
        answer: what it gave.
        since: when its owner began to wait, seconds.
        cancelled: set where nobody does.
    """

    call: Callable[[QueuedJob], Any]
    answer: asyncio.Future[Any]
    since: float
    cancelled: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Give up if a newer job came.

        Raises:
            Superseded: one did.
        """
        if self.cancelled.is_set():
            raise Superseded("a newer setting came")


class JobQueue:
    """Threads for all users of one event loop.

    A user has at most one job of a kind running and one waiting; a newer one takes the waiting
    one's place in the line and cancels the running one. So nobody gets more turns by asking more
    often. What takes long (full quality, first pictures) leaves one thread to previews, so nobody's
    slow edit holds up another's page. What is heavy, and files being read, have threads of their
    own.

    Args:
        workers: how many threads compute what is not heavy, at least 2.
        clock: seconds.
    """

    def __init__(self, workers: int = 2, clock: Callable[[], float] = time.monotonic) -> None:
        workers = max(2, workers)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="edit")
        self._clock = clock
        self._pools = {
            PREVIEW: pool,
            FULL: pool,
            OPEN: pool,
            HEAVY: ThreadPoolExecutor(_HEAVY_AT_ONCE, "heavy", initializer=_after_others),
            READ: ThreadPoolExecutor(_READ_AT_ONCE, "read"),
        }
        # Threads that are free: of the pool, of those in it for what takes long, of the others.
        self._free = {
            "pool": workers,
            "long": workers - 1,
            HEAVY: _HEAVY_AT_ONCE,
            READ: _READ_AT_ONCE,
        }
        self._uses = {
            PREVIEW: ("pool",),
            FULL: ("pool", "long"),
            OPEN: ("pool", "long"),
            HEAVY: (HEAVY,),
            READ: (READ,),
        }
        self._waiting: dict[_Place, QueuedJob] = {}
        self._running: dict[_Place, QueuedJob] = {}

    def crowded(self, kind: str) -> bool:
        """Whether jobs of a kind wait for a thread; may be asked in any thread."""
        return not self._has_thread(kind) and any(
            place.kind == kind for place in list(self._waiting)
        )

    def forget(self, owner: str) -> None:
        """Drop what an owner waits for, and cancel what runs for it."""
        for place in [place for place in self._waiting if place.owner == owner]:
            self._drop(self._waiting.pop(place))
        for place, job in self._running.items():
            if place.owner == owner:
                job.cancelled.set()

    async def run(self, owner: str, kind: str, call: Callable[[QueuedJob], T]) -> T:
        """Compute something in a thread, when it is this owner's turn.

        Raises:
            Superseded: a newer job of the owner and kind took its place.
        """
        place = _Place(owner, kind)
        before = self._waiting.get(place)
        since = self._clock() if before is None else before.since
        job = QueuedJob(call, asyncio.get_running_loop().create_future(), since)
        self._drop(before)
        if place in self._running:
            self._running[place].cancelled.set()
        self._waiting[place] = job
        self._start()
        try:
            answer: T = await job.answer
        except asyncio.CancelledError:  # whoever asked has left
            job.cancelled.set()
            if self._waiting.get(place) is job:
                del self._waiting[place]
            raise
        return answer

    @staticmethod
    def _drop(job: QueuedJob | None) -> None:
        if job is not None and not job.answer.done():
            job.answer.set_exception(Superseded("a newer setting came"))

    def _start(self) -> None:
        in_turn = sorted(
            self._waiting, key=lambda place: self._waiting[place].since + _HANDICAP_S[place.kind]
        )
        for place in in_turn:
            if place not in self._running and self._has_thread(place.kind):
                self._begin(place, self._waiting.pop(place))

    def _has_thread(self, kind: str) -> bool:
        return all(self._free[use] > 0 for use in self._uses[kind])

    def _begin(self, place: _Place, job: QueuedJob) -> None:
        self._running[place] = job
        self._count(place.kind, -1)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pools[place.kind], job.call, job)
        future.add_done_callback(partial(self._end, place, job))

    def _count(self, kind: str, more: int) -> None:
        for use in self._uses[kind]:
            self._free[use] += more

    def _end(self, place: _Place, job: QueuedJob, done: asyncio.Future[Any]) -> None:
        del self._running[place]
        self._count(place.kind, 1)
        error = None if done.cancelled() else done.exception()
        if not job.answer.done():
            if error is None:
                job.answer.set_result(done.result())
            else:
                job.answer.set_exception(error)
        self._start()

    def close(self) -> None:
        """End the threads once they are idle."""
        for job in (*self._waiting.values(), *self._running.values()):
            job.cancelled.set()
        for pool in {id(pool): pool for pool in self._pools.values()}.values():
            pool.shutdown(wait=False, cancel_futures=True)


def _after_others() -> None:
    """Let this thread run when others do not want to; only Linux knows threads by numbers."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _FEWER_TURNS)
