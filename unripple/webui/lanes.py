"""Who computes when: a few threads, and of every user's wishes of a kind only the newest."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from unripple.conventions import UnrippleError

T = TypeVar("T")

PREVIEW = "preview"
FULL = "full"
HEAVY = "heavy"
"""Edits of large photos, which take long: beside all others, and after them."""
READ = "read"
"""Files being decoded, each in a process of its own that a thread waits for."""

_FIRST = (PREVIEW, FULL, HEAVY, READ)
_HEAVY_AT_ONCE = 1
_READ_AT_ONCE = 8
_FEWER_TURNS = 10  # added to the niceness of threads that compute what is heavy


class Superseded(UnrippleError):
    """A newer wish of the same user took the place of this one."""


@dataclass(eq=False)
class Wish:
    """Something to be computed.

    Attributes:
        call: does it, in a thread; it is given the wish, to ask whether it is still wanted.
    """

    call: Callable[[Wish], Any]
    answer: asyncio.Future[Any]
    stale: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Give up if a newer wish came.

        Raises:
            Superseded: one did.
        """
        if self.stale.is_set():
            raise Superseded("a newer setting came")


class Lanes:
    """Threads for all users of one event loop.

    A user has at most one wish of a kind running and one waiting; a newer one takes the waiting
    one's place and tells the running one. Previews go first, and edits at full quality leave one
    thread to them, so nobody's slow edit holds up another's page. What is heavy, and files being
    read, have threads of their own.

    Args:
        workers: how many threads compute what is not heavy, at least 2.
    """

    def __init__(self, workers: int = 2) -> None:
        workers = max(2, workers)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="lane")
        self._pools = {
            PREVIEW: pool,
            FULL: pool,
            HEAVY: ThreadPoolExecutor(_HEAVY_AT_ONCE, "heavy", initializer=_after_others),
            READ: ThreadPoolExecutor(_READ_AT_ONCE, "read"),
        }
        self._left = {
            PREVIEW: workers,
            FULL: workers - 1,
            HEAVY: _HEAVY_AT_ONCE,
            READ: _READ_AT_ONCE,
        }
        self._free = {self._pools[kind]: self._left[kind] for kind in (PREVIEW, HEAVY, READ)}
        self._waiting: dict[tuple[str, str], Wish] = {}
        self._running: dict[tuple[str, str], Wish] = {}

    def crowded(self, kind: str) -> bool:
        """Whether wishes of a kind wait for a thread; may be asked in any thread."""
        return self._left[kind] == 0 and any(place[1] == kind for place in list(self._waiting))

    def forget(self, owner: str) -> None:
        """Drop what an owner waits for, and tell what runs for it."""
        for place in [place for place in self._waiting if place[0] == owner]:
            self._drop(self._waiting.pop(place))
        for place, wish in self._running.items():
            if place[0] == owner:
                wish.stale.set()

    async def run(self, owner: str, kind: str, call: Callable[[Wish], T]) -> T:
        """Compute something in a thread, when it is this owner's turn.

        Raises:
            Superseded: a newer wish of the owner and kind took its place.
        """
        place = (owner, kind)
        wish = Wish(call, asyncio.get_running_loop().create_future())
        self._drop(self._waiting.pop(place, None))
        if place in self._running:
            self._running[place].stale.set()
        self._waiting[place] = wish
        self._start()
        answer: T = await wish.answer
        return answer

    @staticmethod
    def _drop(wish: Wish | None) -> None:
        if wish is not None and not wish.answer.done():
            wish.answer.set_exception(Superseded("a newer setting came"))

    def _start(self) -> None:
        for kind in _FIRST:
            for place in [place for place in self._waiting if place[1] == kind]:
                if self._left[kind] == 0 or self._free[self._pools[kind]] == 0:
                    break
                if place not in self._running:
                    self._begin(place, self._waiting.pop(place))

    def _begin(self, place: tuple[str, str], wish: Wish) -> None:
        self._running[place] = wish
        self._count(place[1], -1)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pools[place[1]], wish.call, wish)
        future.add_done_callback(partial(self._end, place, wish))

    def _count(self, kind: str, more: int) -> None:
        self._left[kind] += more
        self._free[self._pools[kind]] += more

    def _end(self, place: tuple[str, str], wish: Wish, done: asyncio.Future[Any]) -> None:
        del self._running[place]
        self._count(place[1], 1)
        error = None if done.cancelled() else done.exception()
        if not wish.answer.done():
            if error is None:
                wish.answer.set_result(done.result())
            else:
                wish.answer.set_exception(error)
        self._start()

    def close(self) -> None:
        """End the threads once they are idle."""
        for wish in (*self._waiting.values(), *self._running.values()):
            wish.stale.set()
        for pool in self._free:
            pool.shutdown(wait=False, cancel_futures=True)


def _after_others() -> None:
    """Let this thread run when others do not want to; only Linux knows threads by numbers."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _FEWER_TURNS)
