"""Wrong passwords cost time: of whoever gives them, and a little of everybody's.

A guess waits for its turn before it is looked at. Turns come at once until guesses turn out to be
wrong; then each wrong one doubles the time to the next turn of its client, up to two seconds, and
a few wait while all others are sent away. Whoever came in carries a cookie and waits for nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_FIRST_S, _LONGEST_S = 0.05, 2.0
_OF_ALL_S = 0.1  # the longest between the guesses of all clients together
_MOST_WAITING = 8  # guesses of a client
_MOST_CLIENTS = 1000


@dataclass
class _Client:
    wrong: int = 0
    turn: float = 0.0
    waiting: int = 0


class Guesses:
    """Who guesses when.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._all = _Client()

    async def turn(self, who: str) -> bool:
        """Wait until this client may guess; False: too many of its guesses wait already."""
        client = self._clients.setdefault(who, _Client())
        if client.waiting >= _MOST_WAITING:
            return False
        now = self._clock()
        at = max(now, client.turn, self._all.turn)
        client.turn = at + _pause(client.wrong, _LONGEST_S)
        self._all.turn = max(now, self._all.turn) + _pause(self._all.wrong, _OF_ALL_S)
        if at <= now:
            return True
        client.waiting += 1
        try:
            await asyncio.sleep(at - now)
        finally:
            client.waiting -= 1
        return True

    def record(self, who: str, *, right: bool) -> None:
        """Remember how a guess turned out."""
        client = self._clients.setdefault(who, _Client())
        client.wrong = 0 if right else client.wrong + 1
        self._all.wrong = 0 if right else self._all.wrong + 1
        if not right and client.turn <= self._clock():
            client.turn = self._clock() + _pause(client.wrong, _LONGEST_S)
        self._clients.move_to_end(who)
        if len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)


def _pause(wrong: int, longest: float) -> float:
    return 0.0 if wrong == 0 else min(longest, _FIRST_S * 2.0 ** min(wrong - 1, 30))
