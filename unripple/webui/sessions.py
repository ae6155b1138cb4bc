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
from unripple.webui.app_state import AppState
from unripple.webui.session import Session

_NAME_BYTES = 24


def give_back() -> None:
    """Let the system have the memory that the allocator keeps for later, where it is glibc's."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


@dataclass
class _Entry:
    session: Session
    last_used: float


class Sessions:
    """All sessions of one editor; the number of them and their memory are bounded.

    Args:
        state: what they share.
        clock: seconds.
    """

    def __init__(self, state: AppState, clock: Callable[[], float] = time.monotonic) -> None:
        self._state, self._clock = state, clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # the one used last is the last
        self._lock = threading.Lock()
        self.root = Path(tempfile.mkdtemp(dir=state.root))  # for this user alone

    def begin(self) -> str:
        """A new session; its secret name.

        One that never opened a photo, or else the one idle for longest, makes room for it.
        """
        name = secrets.token_urlsafe(_NAME_BYTES)
        folder = Path(tempfile.mkdtemp(dir=self.root))
        with self._lock:
            self._entries[name] = _Entry(Session(self._state, folder), self._clock())
        self.tidy()
        return name

    def get(self, name: str) -> Session:
        """The session of that name.

        Raises:
            UnknownName: it ended, or never was.
        """
        with self._lock:
            if name not in self._entries:
                raise UnknownName("this session has ended; load the page again")
            self._entries.move_to_end(name)
            self._entries[name].last_used = self._clock()
            return self._entries[name].session

    def end(self, name: str) -> None:
        """Forget a session and delete its folder."""
        with self._lock:
            entry = self._entries.pop(name, None)
        if entry is not None:
            shutil.rmtree(entry.session.folder, ignore_errors=True)

    def tidy(self) -> None:
        """End who did nothing for long or is too many; evict those whose memory is too much."""
        limits, now = self._state.limits, self._clock()
        with self._lock:
            late = [
                n for n, entry in self._entries.items() if now - entry.last_used > limits.idle_s
            ]
            there = [name for name in self._entries if name not in late]
            empty = [name for name in there[:-1] if self._entries[name].session.path is None]
            leaving = [*empty, *(name for name in there if name not in empty)]
            late += leaving[: max(0, len(there) - limits.sessions)]
        for name in late:
            self.end(name)
        with self._lock:
            sessions = [entry.session for entry in self._entries.values()]
        held = sum(session.held_bytes for session in sessions)
        stored = sum(session.disk_bytes for session in sessions)
        for session in sessions[:-1]:
            if held <= limits.memory_mb * 1e6 and stored <= limits.disk_mb * 1e6:
                break
            held -= session.held_bytes
            stored -= session.disk_bytes
            session.evict()
        give_back()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def held_bytes(self) -> int:
        """Memory of everybody's pictures, about."""
        with self._lock:
            return sum(entry.session.held_bytes for entry in self._entries.values())

    def close(self) -> None:
        """End all sessions."""
        for name in list(self._entries):
            self.end(name)
        shutil.rmtree(self.root, ignore_errors=True)
