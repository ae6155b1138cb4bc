"""Locks that the system gives up by itself when their holder dies, however it dies.

    results/.run.lock     held by the one run that decides what is made and what is out of date
    results/.jobs.lock    shared by the jobs that work now; they may outlive a run that was killed

The files stay; what counts is who holds them open.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from unripple.conventions import StoreError
from unripple.io import atomic

RUN_LOCK = ".run.lock"
JOBS_LOCK = ".jobs.lock"

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
_claimed: dict[Path, int] = {}
log = logging.getLogger(__name__)


def claim(folder: Path) -> bool:
    """Be the only run in a results folder until this process ends; again is harmless.

    Waits for jobs that a killed run left working: what they write last would otherwise replace
    what this run makes.

    Returns:
        Whether the run before was killed, so that half-written files may lie about.

    Raises:
        StoreError: another run is at work, or the folder cannot be written.
    """
    place = folder.resolve()
    if place in _claimed:
        return False
    descriptor = _open(folder / RUN_LOCK)
    free = _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
    if not free:
        os.close(descriptor)
        raise StoreError(
            f"{folder}: another run is at work here ({holder or 'it does not say which'}); "
            "wait for its end, or stop it and run again"
        )
    _claimed[place] = descriptor
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    about = f"process {os.getpid()} on {socket.gethostname()}, since {since}\n"
    _sign(descriptor, about)
    atexit.register(release, place)
    _wait_for_jobs(folder)
    return bool(holder)


def release(folder: Path) -> None:
    """Give a claim up before this process ends."""
    descriptor = _claimed.pop(folder.resolve(), None)
    if descriptor is not None:
        _sign(descriptor, "")
        os.close(descriptor)


def _sign(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk need not know who holds the lock
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """`claim` for as long as the context is open."""
    claim(folder)
    try:
        yield
    finally:
        release(folder)


@contextlib.contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Tell runs to come that this job writes into a results folder.

    Raises:
        StoreError: the folder cannot be written.
    """
    with locked(folder / JOBS_LOCK, shared=True):
        yield


@contextlib.contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Wait for a lock and hold it for as long as the context is open.

    Raises:
        StoreError: the lock's file cannot be written.
    """
    descriptor = _open(path)
    try:
        _lock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _wait_for_jobs(folder: Path) -> None:
    descriptor = _open(folder / JOBS_LOCK)
    try:
        if not _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
            log.warning("%s: waiting for jobs that an earlier run left at work", folder)
            _lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    with atomic.disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Programs that this process starts do not inherit it.
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)


def _lock(descriptor: int, how: int) -> bool:
    """Whether the lock was got; a file system without locks gives it to everybody."""
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
