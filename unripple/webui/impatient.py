"""uvicorn's HTTP, for clients that say nothing, dawdle, or do not take their answer."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0
"""How long a request's head may take, and an unfinished answer's end."""


class Impatient(H11Protocol):  # type: ignore[misc]  # uvicorn's types are not followed
    """Ends a connection on which no whole head of a request came in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop()

    def on_response_complete(self) -> None:
        """See `H11Protocol`."""
        self._wait()  # before what came already is looked at
        super().on_response_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop()
        self._late = self.loop.call_later(HEAD_S, self._give_up)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        # An answer of which parts are taken still is not given up.
        left = self.transport.get_write_buffer_size()
        if left and left != self._left:
            self._left = left
            self._late = self.loop.call_later(HEAD_S, self._give_up)
        else:
            self.transport.abort()

    _left = 0
