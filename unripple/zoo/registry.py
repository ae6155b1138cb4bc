"""The folder of published models: what lies there, under which digest, and who vouches for it.

`seen.json` knows the file of each entry. Where the list has no sha256, the first file is trusted
and its digest kept there: later files must have the same. Knows no torch, reads no weights.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from unripple import atomic
from unripple.conventions import BadCheckpoint, StoreError
from unripple.outside import cause_of, json_of, read_text
from unripple.zoo.index import Entry
from unripple.zoo.weights import read_header

log = logging.getLogger(__name__)

TAKEN = "seen.json"
PART = ".part"

disk_errors = partial(
    atomic.disk_errors, kept="", elsewhere="; name another folder with $UNRIPPLE_MODELS"
)

BY_LIST = "lock"
BY_FIRST_USE = "first use"
BY_USER = "user"


@dataclass(frozen=True)
class Taken:
    """One published file that was taken.

    Attributes:
        sha256: of the file, 64 hex digits.
        size: bytes.
        file: where it lay.
        trusted: why it was taken: "lock" (the list knows its digest), "first use" (nobody knows
            it), "user" (it is not what the list says, and the user took it all the same).
    """

    sha256: str
    size: int
    file: str
    trusted: str


class State(Enum):
    """What is there of an entry."""

    THERE = "there"
    LISTED = "listed only"
    DIFFERS = "sha256 differs"
    UNCONVERTED = "not converted"
    PARTLY = "partly fetched"
    ABSENT = "not fetched"


def read_taken(folder: Path) -> dict[str, Taken]:
    """Entry -> the file that was taken for it.

    Raises:
        StoreError: the file that says so cannot be read.
    """
    path = folder / TAKEN
    try:
        content = json_of(read_text(path))
        return {name: Taken(**words) for name, words in content.items()}
    except FileNotFoundError:
        return {}
    except Exception as error:  # whatever happened to it
        raise StoreError(
            f"{path}: cannot be read ({cause_of(error)}); delete it, and what is fetched next is "
            "trusted anew"
        ) from error


def record(folder: Path, name: str, taken: Taken) -> None:
    """Keep in mind which file was taken for an entry.

    Raises:
        StoreError: the disk is full or not writable; the old record is then still there.
    """
    with exclusive(folder / TAKEN):
        content = {**read_taken(folder), name: taken}
        plain = {name: asdict(content[name]) for name in sorted(content)}
        text = json.dumps(plain, indent=1) + "\n"
        atomic.write_bytes(folder / TAKEN, text.encode(), disk_errors)


def vouch(
    entry: Entry, sha256: str, source: Path, taken: Mapping[str, Taken], *, accept_new: bool = False
) -> str:
    """Who vouches for a file: the list, an earlier use, or now its first one (said aloud).

    Args:
        entry: what the file is meant to be.
        sha256: its digest.
        source: where it lies, for messages.
        taken: see `read_taken`.
        accept_new: take it even if it is another file than the list, or an earlier use, says.

    Returns:
        `Taken.trusted` of the file.

    Raises:
        BadCheckpoint: it is another file; the text gives both digests.
    """
    if (listed := wrong_digest(entry, sha256)) is not None:
        if not accept_new:
            raise BadCheckpoint(
                f"{source}: not the published file of {entry.name!r}: sha256 {sha256}, the list "
                f"says {listed}; it is cut short or another file: get it again, or take it as it "
                "is with --accept-new"
            )
        log.warning("%s: not the published file, taken all the same: %s", entry.name, sha256)
        return BY_USER
    if known_digest(entry):
        return BY_LIST
    if entry.name in taken and taken[entry.name].sha256 != sha256:
        earlier = taken[entry.name].sha256
        if not accept_new:
            raise BadCheckpoint(
                f"{source}: not the file that was taken for {entry.name!r} before: sha256 "
                f"{sha256}, then {earlier}; delete it and get it again, or, if its authors "
                "published a new one, say --accept-new"
            )
        log.warning("%s: accepted in place of %s", entry.name, earlier)
    elif entry.name in taken:
        return taken[entry.name].trusted
    log.warning("%s: trusted on first use: %s", entry.name, sha256)
    return BY_FIRST_USE


def known_digest(entry: Entry) -> str | None:
    """What the list knows of an entry's digest: all of it, or its first digits."""
    return entry.sha256 or entry.sha256_starts


def wrong_digest(entry: Entry, sha256: str) -> str | None:
    """The digest that the list wants, if this is another one."""
    digest = known_digest(entry)
    if digest is None or sha256.startswith(digest.lower()):
        return None
    return digest if entry.sha256 else f"{digest}..."


def state(folder: Path, entry: Entry, taken: Mapping[str, Taken]) -> State:
    """What is there of an entry. Reads headers only, so it costs nothing for large files."""
    kept = folder / entry.kept_as
    before = taken.get(entry.name)
    if before is not None and before.trusted != BY_USER and wrong_digest(entry, before.sha256):
        return State.DIFFERS
    if before is not None and kept.exists() and before.file == kept.name:
        if kept.stat().st_size != before.size:
            return State.DIFFERS
        if not entry.networks:
            return State.THERE
    if not entry.networks:
        return State.LISTED
    sources = {converted_from(folder / entry.converted_as(role)) for role in entry.networks}
    if before is not None and sources == {before.sha256}:
        return State.THERE
    if kept.exists() or sources != {None}:
        return State.UNCONVERTED
    return State.PARTLY if kept.with_name(kept.name + PART).exists() else State.ABSENT


def converted_from(path: Path) -> str | None:
    """The digest of the published file that a converted one was made of; None without one."""
    try:
        source = read_header(path)[0].get("source")
    except BadCheckpoint:
        return None
    sha256 = source.get("sha256") if isinstance(source, Mapping) else None
    return sha256 if isinstance(sha256, str) else None


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """One process at a time for a file of the folder; others wait, and say so.

    Raises:
        StoreError: the folder cannot be made or written.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            log.info("%s: another process is at it; waiting", path.name)
            lock.acquire()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows keeps what is open
            Path(lock.lock_file).unlink()
        lock.release()
