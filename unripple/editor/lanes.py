"""Who computes when: a few threads, and of every user's wishes of a kind only the newest."""

from __future__ import annotations

import asyncio
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
_FIRST = (PREVIEW, FULL)


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
    thread to them, so nobody's slow edit holds up another's page.

    Args:
        workers: how many threads, at least 2.
    """

    def __init__(self, workers: int = 2) -> None:
        self._free = max(2, workers)
        self._full_left = self._free - 1
        self._pool = ThreadPoolExecutor(self._free, thread_name_prefix="lane")
        self._waiting: dict[tuple[str, str], Wish] = {}
        self._running: dict[tuple[str, str], Wish] = {}

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
                if self._free == 0 or (kind == FULL and self._full_left == 0):
                    break
                if place not in self._running:
                    self._begin(place, self._waiting.pop(place))

    def _begin(self, place: tuple[str, str], wish: Wish) -> None:
        self._running[place] = wish
        self._free -= 1
        self._full_left -= place[1] == FULL
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, wish.call, wish)
        future.add_done_callback(partial(self._end, place, wish))

    def _end(self, place: tuple[str, str], wish: Wish, done: asyncio.Future[Any]) -> None:
        del self._running[place]
        self._free += 1
        self._full_left += place[1] == FULL
        if not wish.answer.done():
            error = done.exception()
            if error is None:
                wish.answer.set_result(done.result())
            else:
                wish.answer.set_exception(error)
        self._start()

    def close(self) -> None:
        """End the threads once they are idle."""
        for wish in (*self._waiting.values(), *self._running.values()):
            wish.stale.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
