"""Locks that the system gives up by itself when their holder dies, however it dies.

    results/.run.lock     held by the one run that decides what is made and what is out of date
    results/.jobs.lock-*  one for each job that works now; jobs may outlive a run that was killed
    results/.jobs.lock    held while a job signs on, and while a run looks who works

What counts is who holds a file, not whether it is there. (Jobs share no lock, for filelock has none
to share that the system itself would give up.)
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import logging
import os
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from filelock import lock_descriptor

from unripple import atomic
from unripple.conventions import StoreError

RUN_LOCK = ".run.lock"
JOBS_LOCK = ".jobs.lock"

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
_LONGEST_HOLDER = 200  # bytes
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
    free = _lock(descriptor, blocking=False)
    holder = _holder(descriptor)
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


def _holder(descriptor: int) -> str:
    with contextlib.suppress(OSError):  # Windows lets nobody read what another process locked
        return os.read(descriptor, _LONGEST_HOLDER).decode(errors="replace").strip()
    return ""


def _sign(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk need not know who holds the lock
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, text.encode())


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
    path = folder / f"{JOBS_LOCK}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with contextlib.ExitStack() as held:
        with locked(folder / JOBS_LOCK):
            held.enter_context(locked(path))
        held.callback(_forget, path)
        yield


@contextlib.contextmanager
def locked(path: Path, *, notice: str = "") -> Iterator[None]:
    """Wait for a lock and hold it for as long as the context is open.

    Args:
        path: the lock's file.
        notice: what to warn of where it takes waiting.

    Raises:
        StoreError: the lock's file cannot be written.
    """
    descriptor = _open(path)
    try:
        if not _lock(descriptor, blocking=False):
            if notice:
                log.warning(notice)
            _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for_jobs(folder: Path) -> None:
    notice = f"{folder}: waiting for jobs that an earlier run left at work"
    with locked(folder / JOBS_LOCK, notice=notice):
        for path in sorted(folder.glob(f"{JOBS_LOCK}-*")):
            with locked(path, notice=notice):
                _forget(path)  # a killed job leaves it behind


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):  # Windows keeps what is open
        path.unlink()


def _open(path: Path) -> int:
    with atomic.disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Programs that this process starts do not inherit it.
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)


def _lock(descriptor: int, *, blocking: bool = True) -> bool:
    """Whether the lock was got; a file system without locks gives it to everybody."""
    try:
        return lock_descriptor(descriptor, blocking=blocking)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
