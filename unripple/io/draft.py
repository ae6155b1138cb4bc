"""Drafts: how far a long computation came, so that an interrupted one goes on from there.

A draft lies beside the store's artifacts, is replaced in one step, and goes away with the end of
the work. What it holds must decide all that comes after: the result has the same bytes, whether or
not a draft was used.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from unripple import atomic
from unripple.outside import read_array

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]


class Draft:
    """One computation's draft.

    Args:
        path: its file; None keeps nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def load(self) -> Arrays | None:
        """What was saved last, or None if there is nothing usable."""
        if self._path is None:
            return None
        try:
            content = read_array(self._path)
        except Exception:  # whatever happened to it: the work begins anew
            return None
        return content if isinstance(content, dict) else None

    def save(self, arrays: Arrays) -> None:
        """Replace what was saved before.

        Raises:
            StoreError: the disk is full or not writable.
        """
        if self._path is None:
            return
        data = io.BytesIO()
        content: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items()}
        np.savez(data, **content)
        atomic.write_bytes(self._path, data.getvalue())

    def remove(self) -> None:
        """The work is done."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
