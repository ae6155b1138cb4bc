"""Files that somebody sent are decoded in a process that is thrown away, under the batch's limits.

The server starts one small process, `unripple.webui.decoding`, that imports the decoders and no
networks. For each file it forks a child, which decodes into a file without a name that the server
maps: the pixels of a photo take no memory that would have to be given back, and whatever a decoder
did is gone with its child. The server watches the child's time and memory, as `api.pool` does for
a photo of the batch.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unripple.conventions import Crashed, LimitExceeded, UnrippleError
from unripple.io.photo import Photograph
from unripple.pipeline.limits import Limits
from unripple.runtime.limits import POLL_S, PhotoBudget

LARGE_MEGAPIXELS = 16.0
"""Photos above that are read two at a time."""

GRACE_S = 10.0
"""So long may a file be read while other people's files wait for their turn."""

_LARGE_AT_ONCE = 2
_SWIFT_S = 1.0  # a file that takes longer is read when nobody else computes
_LAST = 19  # niceness


@dataclass(frozen=True)
class Mapped:
    """An array in a mapped file without a name; what is written to it stays in memory."""

    array: npt.NDArray[np.uint8]
    pages: mmap.mmap

    def leave_memory(self) -> None:
        """Give the pages back; they are read from the file when they are needed."""
        with contextlib.suppress(AttributeError, OSError):  # a system without madvise
            self.pages.madvise(mmap.MADV_DONTNEED)


def mapped(array: npt.NDArray[np.uint8], folder: Path) -> Mapped:
    """Copy an array into a file without a name."""
    with tempfile.TemporaryFile(dir=folder) as file:
        np.ascontiguousarray(array).tofile(file)
        file.flush()
        return _map(file.fileno(), array.shape)


def _map(file: int, shape: tuple[int, ...]) -> Mapped:
    pages = mmap.mmap(file, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    return Mapped(np.frombuffer(pages, np.uint8).reshape(shape), pages)


@dataclass(frozen=True)
class Decoded:
    """A photo, and where its pixels lie."""

    photo: Photograph
    pixels: Mapped


@dataclass(frozen=True)
class Patience:
    """When a reading ends before its limits.

    Attributes:
        check: called all the time; what it raises ends the reading.
        crowded: whether others wait for their turn.
    """

    check: Callable[[], None] = lambda: None
    crowded: Callable[[], bool] = lambda: False


PATIENT = Patience()
"""Waits for as long as the limits say."""


class _Turns:
    """Few at a time, and whether others wait."""

    def __init__(self, at_once: int) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._waiting: set[object] = set()

    @contextlib.contextmanager
    def turn(self, check: Callable[[], None]) -> Iterator[None]:
        """Wait until it is one's turn; what `check` raises meanwhile ends it."""
        me = object()
        self._waiting.add(me)
        try:
            while not self._free.acquire(timeout=POLL_S):
                check()
        finally:
            self._waiting.discard(me)
        try:
            yield
        finally:
            self._free.release()

    @property
    def crowded(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)


class Reader:
    """Decodes files for all users, in any thread.

    Args:
        root: the folder of all sessions, which is deleted if the server is killed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._large = _Turns(_LARGE_AT_ONCE)
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, path: Path, limits: Limits, patience: Patience = PATIENT) -> Decoded:
        """Decode a photo; see `io.photo.read_photo`.

        Raises:
            BadPhoto: it cannot be read.
            LimitExceeded, Crashed: it took too much, or a library crashed over it.
        """
        with tempfile.TemporaryFile(dir=self._root) as file, self._child(file.fileno()) as pipe:
            with contextlib.suppress(OSError):  # `followed` says what it died of
                pipe.send((os.fspath(path.absolute()), limits))
            return _Reading(pipe, file.fileno(), limits, patience, self._large).followed()

    @contextlib.contextmanager
    def _child(self, file: int) -> Iterator[Connection]:
        """A new child's pipe; the child ends with it."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                socket.send_fds(self._starter(), [b"+"], [theirs.fileno(), file])
            except OSError:  # somebody killed it
                self._end()
                socket.send_fds(self._starter(), [b"+"], [theirs.fileno(), file])
        with Connection(ours.detach()) as pipe:
            yield pipe

    def _starter(self) -> socket.socket:
        if self._line is None:
            self._line, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, "-m", "unripple.webui.decoding", str(self._root)]
                self._process = subprocess.Popen(command, stdin=theirs.fileno())
        return self._line

    def start(self) -> None:
        """Start the process that decodes, so that nobody waits for it."""
        with self._lock:
            self._starter()

    def close(self) -> None:
        """End all readings."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.wait()
        self._line = self._process = None


@dataclass
class _Reading:
    """One file being decoded, seen from the server."""

    pipe: Connection
    file: int
    limits: Limits
    patience: Patience
    large: _Turns
    process: int = 0
    is_large: bool = False

    def followed(self) -> Decoded:
        try:
            with contextlib.ExitStack() as turn:
                self.process, megapixels = self._next()
                if megapixels > LARGE_MEGAPIXELS:
                    turn.enter_context(self.large.turn(self.patience.check))
                    self.is_large = True
                    self._let_others_first()
                self.pipe.send("go")
                shape, metadata = self._next()
        except Crashed:
            raise  # it is dead already
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                if self.process:
                    os.kill(self.process, signal.SIGKILL)
            raise
        pixels = _map(self.file, shape)
        return Decoded(Photograph(pixels.array, metadata), pixels)

    def _next(self) -> Any:
        """What the child says next."""
        budget, began = PhotoBudget(self.limits), time.monotonic()
        while not self.pipe.poll(POLL_S):
            self.patience.check()
            error = budget.excess(self.process)
            if error is not None:
                raise error
            passed = time.monotonic() - began
            if passed > _SWIFT_S:
                self._let_others_first()
            if passed > GRACE_S and self._crowded():
                raise LimitExceeded(
                    f"took more than {GRACE_S:g} s while others waited; save it smaller, or try "
                    "again later"
                )
        try:
            message = self.pipe.recv()
        except (EOFError, OSError) as error:
            raise Crashed(
                "a library crashed over it; save the photo anew with another program, or choose "
                "another"
            ) from error
        if isinstance(message, UnrippleError):
            raise message
        return message

    def _crowded(self) -> bool:
        return self.patience.crowded() or (self.is_large and self.large.crowded)

    def _let_others_first(self) -> None:
        """From now on the child computes when nobody else does."""
        if self.process:
            with contextlib.suppress(OSError):  # it is done
                os.setpriority(os.PRIO_PROCESS, self.process, _LAST)
