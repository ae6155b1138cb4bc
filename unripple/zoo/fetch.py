"""Published files, fetched so that what arrives is what was meant, or nothing is there.

A download grows as `<file>.part` and goes on where it stopped: after a broken connection, Ctrl-C or
a full disk. Only a whole file with the right size and sha256 gets its name.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from unripple.conventions import DownloadFailed
from unripple.outside import json_of, read_text
from unripple.zoo.index import Entry
from unripple.zoo.registry import PART, disk_errors, exclusive, wrong_digest
from unripple.zoo.web import TIMEOUT_S, Faltered, Refused, Unreachable, ask

log = logging.getLogger(__name__)

TRIES = 4
"""Requests to one url in a row that bring nothing, until the next url is asked."""
LONGEST_WAIT_S = 30.0
SPARE_BYTES = 64 << 20
"""What must stay free on the disk beside the file."""

_CHUNK = 1 << 20

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes of the whole file, if known."""


@dataclass(frozen=True)
class Fetched:
    """A whole file.

    Attributes:
        path: where it lies.
        sha256: of its bytes, 64 hex digits.
        size: bytes.
    """

    path: Path
    sha256: str
    size: int


def download(
    entry: Entry,
    folder: Path,
    *,
    progress: Progress | None = None,
    lost: set[str] | None = None,
    timeout_s: float = TIMEOUT_S,
    pause: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Fetch a published file as `entry.kept_as`, or find it there.

    A file of that name is kept if the list does not contradict it, and fetched anew if it does.

    Args:
        entry: what to fetch.
        folder: where to.
        progress: see `Progress`.
        lost: hosts that gave no sign of life for other files and are not asked again; those that
            give none for this one are added.
        timeout_s: silence after which a connection counts as dead, seconds.
        pause: waits that many seconds between two tries.

    Raises:
        DownloadFailed: no url gives the file, or the disk is too small; the text says how to get it
            by hand. What arrived so far stays for the next time.
        StoreError: the folder cannot be written.
    """
    path = folder / entry.kept_as
    with exclusive(path):
        if path.exists():
            digest = _digest(path)
            if wrong_digest(entry, digest) is None:
                log.info("%s: there already", path)
                return Fetched(path, digest, path.stat().st_size)
            log.warning("%s: not what the list says; fetched anew", path)
        faults = [] if entry.urls else ["nobody gives a direct link"]
        lost = set() if lost is None else lost
        for url in entry.urls:
            host = urlsplit(url).hostname or ""
            if host in lost:
                faults.append(f"{host} was out of reach just now")
                continue
            try:
                return _from_url(entry, url, path, progress or _silent, timeout_s, pause)
            except (Refused, Faltered) as fault:
                faults.append(f"{host} {fault}")
                log.info("%s: %s", entry.name, faults[-1])
                if isinstance(fault, Unreachable) or not getattr(fault, "alive", True):
                    lost.add(host)
    raise DownloadFailed(f"{entry.name}: {'; '.join(faults)}. {by_hand(entry, path)}")


def by_hand(entry: Entry, path: Path) -> str:
    """How a person gets the file."""
    return (
        f"By hand: open {entry.page} in a browser, save {entry.file} as {path} (or anywhere), then "
        f"run: unripple models add {path} --as {entry.name}"
    )


class _Part:
    """A file on its way: its bytes, their digest so far, and where they came from."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + PART)
        self.note = path.with_name(path.name + PART + ".json")
        self.size = self.path.stat().st_size if self.path.exists() else 0
        self.digest: Any = None
        self.resumed = self.size > 0
        try:
            noted = json_of(read_text(self.note))
        except (OSError, ValueError, RecursionError):
            noted = {}
        self.origin: dict[str, Any] = noted if isinstance(noted, dict) else {}
        if not self.origin:
            self.size, self.resumed = 0, False

    def begin(self, start: int, origin: Mapping[str, Any]) -> None:
        """Get ready for bytes from `start` on: 0, or where it ends."""
        if start == 0:
            self.discard()
            self.digest = hashlib.sha256()
        with disk_errors(self.path):
            self.note.write_text(json.dumps(origin))
        self.origin = dict(origin)
        self.read()

    def read(self) -> str:
        """The digest of what is there, 64 hex digits."""
        if self.digest is None:
            with disk_errors(self.path), self.path.open("rb") as file:
                self.digest = hashlib.file_digest(file, "sha256")
        return str(self.digest.hexdigest())

    def append(self, pieces: Iterable[bytes], total: int | None, progress: Progress) -> None:
        """Write behind what is there. Unbuffered: whatever stops us, what came is kept."""
        with self.path.open("r+b" if self.size else "wb", buffering=0) as file:
            file.seek(self.size)
            for piece in pieces:
                if total is not None and self.size + len(piece) > total:
                    raise Refused(f"sends more than the {total} bytes of the file")
                rest = memoryview(piece)
                while rest:  # an unbuffered write may take less than it is given
                    rest = rest[file.write(rest) :]
                self.digest.update(piece)
                self.size += len(piece)
                progress(self.size, total)
            os.fsync(file.fileno())

    def discard(self) -> None:
        """Start over."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
        self.size, self.resumed, self.digest, self.origin = 0, False, None, {}


def _from_url(
    entry: Entry,
    url: str,
    path: Path,
    progress: Progress,
    timeout_s: float,
    pause: Callable[[float], None],
) -> Fetched:
    """Ask one url until the file is whole. A try that brings something does not count."""
    part = _Part(path)
    failures = 0
    while True:
        before = part.size
        try:
            if not part.size or part.size != part.origin.get("total"):
                _grow(entry, url, part, progress, timeout_s)
            return _finish(entry, part, path)
        except Faltered as fault:
            failures = 1 if part.size > before else failures + 1
            if failures >= TRIES:
                raise
            wait_s = min(max(2.0 ** (failures - 1), fault.wait_s), LONGEST_WAIT_S)
            log.info("%s: %s %s; again in %g s", entry.name, urlsplit(url).hostname, fault, wait_s)
            pause(wait_s)


def _grow(entry: Entry, url: str, part: _Part, progress: Progress, timeout_s: float) -> None:
    """Bring a .part file to its full size, from where it is if this url can."""
    same = part.origin.get("url") == url
    # Bytes of another url may be of another version; only a known sha256 tells in the end.
    offset = part.size if same or entry.sha256 else 0
    etag = part.origin.get("etag") if same else None
    with ask(url, offset=offset, etag=etag, timeout_s=timeout_s) as answer:
        total = answer.total if answer.total is not None else entry.size
        if entry.size not in (None, total):
            raise Refused(f"offers {total} bytes, the list says {entry.size}: another file")
        if answer.start is None and total == offset:
            return
        if answer.start not in (0, offset) or (answer.start and _differ(total, part)):
            part.discard()
            raise Faltered("has another file than the one begun; from the start")
        _check_disk(part.path, total, answer.start)
        part.begin(answer.start, {"url": url, "etag": answer.etag, "total": total})
        try:
            part.append(answer.chunks(_CHUNK), total, progress)
        except OSError as error:
            raise DownloadFailed(_disk_fault(part, error)) from error
        except Refused:
            part.discard()
            raise
    if total is not None and part.size < total:
        raise Faltered(f"breaks off after {part.size} of {total} bytes")


def _differ(total: int | None, part: _Part) -> bool:
    return None not in (total, part.origin.get("total")) and total != part.origin["total"]


def _finish(entry: Entry, part: _Part, path: Path) -> Fetched:
    """Check a whole .part file and give it its name."""
    sha256, size, resumed = part.read(), part.size, part.resumed
    if (listed := wrong_digest(entry, sha256)) is not None:
        part.discard()
        if resumed:
            raise Faltered("gave an end that does not fit what was begun; from the start")
        raise Refused(f"gave another file: sha256 {sha256}, the list says {listed}; it was deleted")
    if entry.size not in (None, size):
        part.discard()
        raise Refused(f"gave {size} bytes, the list says {entry.size}: another file")
    with disk_errors(path):
        part.path.replace(path)
        part.note.unlink(missing_ok=True)
    return Fetched(path, sha256, size)


def _check_disk(path: Path, total: int | None, start: int) -> None:
    free = shutil.disk_usage(path.parent).free
    missing = (total or start) - start
    if missing + SPARE_BYTES > free:
        raise DownloadFailed(
            f"{path.parent}: {_mega(missing)} are to come for {path.name.removesuffix(PART)}, and "
            f"{_mega(free)} are free; free some space, or name another folder with $UNRIPPLE_MODELS"
        )


def _disk_fault(part: _Part, error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "free some space" if full else "see that it can be written"
    return (
        f"cannot write {part.path}: {error.strerror or error}; {remedy} and fetch again: it goes "
        f"on after the {_mega(part.size)} that are here"
    )


def _digest(path: Path) -> str:
    with disk_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mega(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _silent(done: int, total: int | None) -> None:
    pass
