"""SHA-256 of files and of plain values."""

from __future__ import annotations

import contextlib
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unripple.atomic import write_text
from unripple.conventions import StoreError

LARGE_BYTES = 100_000_000
"""Files from this size on take a noticeable while to hash."""


def canonical_json(value: Any) -> str:
    """One spelling per value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def value_sha256(value: Any) -> str:
    """SHA-256 of a plain value (numbers, strings, lists, dicts), as 64 hex digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def array_sha256(array: npt.NDArray[Any]) -> str:
    """SHA-256 of an array's type, shape and values, as 64 hex digits."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits.

    A file that kept its size and time of change within one process is not read twice.
    """
    status = path.stat()
    return _file_sha256(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _file_sha256(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 (cache key)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def noted_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes; that of a large file is noted beside it, in `<name>.sha256.json`.

    The note counts as long as the file keeps its size and time of change. Where it cannot be
    written, every process hashes the file again.
    """
    status = path.stat()
    if status.st_size < LARGE_BYTES:
        return file_sha256(path)
    note = path.with_name(f"{path.name}.sha256.json")
    state = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
    with contextlib.suppress(OSError, ValueError, AttributeError, KeyError, RecursionError):
        noted = json.loads(note.read_text())
        if {key: noted.get(key) for key in state} == state:
            return str(noted["sha256"])
    digest = file_sha256(path)
    with contextlib.suppress(StoreError):
        write_text(note, canonical_json({**state, "sha256": digest}))
    return digest
