"""Files that are whole or absent, and files under a second name."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from unripple.conventions import StoreError

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "your quota is used up"}
_CLOSED = {
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}
_KEPT = 40  # letters of at most 4 bytes: with the rest, fewer than the 255 bytes of a name


@contextlib.contextmanager
def disk_errors(
    path: Path, *, kept: str = ", finished photos are kept", elsewhere: str = ""
) -> Iterator[None]:
    """Turn the system's complaint about a write into a `StoreError` that says what to do.

    Args:
        path: what is written.
        kept: what a full disk does not cost.
        elsewhere: what else to do where nothing may be written.
    """
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        advice = error.strerror or str(error)
        if number in _FULL:
            advice = f"{_FULL[number]}; free some space and run again{kept}"
        elif number in _CLOSED:
            advice = _CLOSED[number] + elsewhere
        raise StoreError(f"cannot write {path}: {advice}") from error


def temporary_name(path: Path) -> Path:
    """A name in the same folder that no other process uses; it holds our process id."""
    return path.with_name(f"{_start(path)}{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")


def _start(path: Path) -> str:
    # Not the whole name, which may be as long as a name can be.
    return f".{path.name[:_KEPT]}."


def remove_abandoned(path: Path) -> None:
    """Delete what processes that are gone left of a file under temporary names."""
    for left in path.parent.glob(f"{glob.escape(_start(path))}*-*.tmp"):
        owner = left.name.removeprefix(_start(path)).split("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            left.unlink(missing_ok=True)


def is_temporary(name: str) -> bool:
    """Whether a file's name is of the kind that `temporary_name` gives."""
    return name.startswith(".") and name.endswith(".tmp")


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk, where the system can."""
    if os.name == "nt":  # opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def write_synced(path: Path, data: bytes) -> None:
    """Write bytes and wait until they are on the disk. Not atomic by itself."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_bytes(
    path: Path,
    data: bytes,
    errors: Callable[[Path], contextlib.AbstractContextManager[None]] = disk_errors,
) -> None:
    """Put a file under its name in one step: readers see the old bytes or the new, never a mix.

    Args:
        path: the file; its folder is made.
        data: what is in it.
        errors: see `disk_errors`.

    Raises:
        StoreError: the disk is full or not writable; the old file is then still there.
    """
    with errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_name(path)
        try:
            write_synced(temporary, data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` for UTF-8 text."""
    write_bytes(path, text.encode())


def link(source: Path, target: Path) -> None:
    """Show a finished file under a second name: a hard link, or a copy across file systems.

    Raises:
        StoreError: the disk is full or not writable.
    """
    with disk_errors(target):
        if not target.parent.is_dir():  # thousands of links go into few folders
            target.parent.mkdir(parents=True, exist_ok=True)
        # Renaming one of two links of an inode onto the other silently does nothing.
        if target.exists() and target.samefile(source):
            return
        temporary = temporary_name(target)
        try:
            try:
                os.link(source, temporary)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                shutil.copyfile(source, temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
