"""Who is here: one session per page, each with a secret name and a folder of its own."""

from __future__ import annotations

import contextlib
import ctypes
import secrets
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unripple.conventions import UnknownName
from unripple.webui.session import Session
from unripple.webui.studio import Studio

_NAME_BYTES = 24


def give_back() -> None:
    """Let the system have the memory that the allocator keeps for later; glibc does when told."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


@dataclass
class _Guest:
    session: Session
    seen: float


class Sessions:
    """All sessions of one editor; the number of them and their memory are bounded.

    Args:
        studio: what they share.
        clock: seconds.
    """

    def __init__(self, studio: Studio, clock: Callable[[], float] = time.monotonic) -> None:
        self._studio, self._clock = studio, clock
        self._guests: OrderedDict[str, _Guest] = OrderedDict()  # the one seen last is the last
        self._lock = threading.Lock()
        self.root = Path(tempfile.mkdtemp(dir=studio.root))  # for this user alone

    def begin(self) -> str:
        """A new session; its secret name.

        One that never opened a photo, or else the one idle for longest, makes room for it.
        """
        name = secrets.token_urlsafe(_NAME_BYTES)
        folder = Path(tempfile.mkdtemp(dir=self.root))
        with self._lock:
            self._guests[name] = _Guest(Session(self._studio, folder), self._clock())
        self.tidy()
        return name

    def get(self, name: str) -> Session:
        """The session of that name.

        Raises:
            UnknownName: it ended, or never was.
        """
        with self._lock:
            if name not in self._guests:
                raise UnknownName("this session has ended; load the page again")
            self._guests.move_to_end(name)
            self._guests[name].seen = self._clock()
            return self._guests[name].session

    def end(self, name: str) -> None:
        """Forget a session and delete its folder."""
        with self._lock:
            guest = self._guests.pop(name, None)
        if guest is not None:
            shutil.rmtree(guest.session.folder, ignore_errors=True)

    def tidy(self) -> None:
        """End who did nothing for long or is too many; send to sleep whose memory is too much."""
        limits, now = self._studio.limits, self._clock()
        with self._lock:
            late = [n for n, guest in self._guests.items() if now - guest.seen > limits.idle_s]
            there = [name for name in self._guests if name not in late]
            empty = [name for name in there[:-1] if self._guests[name].session.path is None]
            leaving = [*empty, *(name for name in there if name not in empty)]
            late += leaving[: max(0, len(there) - limits.sessions)]
        for name in late:
            self.end(name)
        with self._lock:
            guests = [guest.session for guest in self._guests.values()]
        held = sum(session.held_bytes for session in guests)
        stored = sum(session.disk_bytes for session in guests)
        for session in guests[:-1]:
            if held <= limits.memory_mb * 1e6 and stored <= limits.disk_mb * 1e6:
                break
            held -= session.held_bytes
            stored -= session.disk_bytes
            session.sleep()
        give_back()

    def __len__(self) -> int:
        return len(self._guests)

    @property
    def held_bytes(self) -> int:
        """Memory of everybody's pictures, about."""
        with self._lock:
            return sum(guest.session.held_bytes for guest in self._guests.values())

    def close(self) -> None:
        """End all sessions."""
        for name in list(self._guests):
            self.end(name)
        shutil.rmtree(self.root, ignore_errors=True)
