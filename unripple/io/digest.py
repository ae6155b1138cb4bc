"""SHA-256 of files and of plain values."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


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
