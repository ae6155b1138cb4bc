"""How much of each crop an edit visibly changed, kept beside the strips: pictures are read once."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from unripple import atomic
from unripple.metrics.verdict import changed_share
from unripple.runtime.cache import StoreCache

FILE = "changed.json"
_DIGITS = 5


class ChangedShares:
    """Shares by the keys of photo and result.

    Args:
        cache: has the pictures.
        folder: where the file of shares lies.
    """

    def __init__(self, cache: StoreCache, folder: Path) -> None:
        self._cache, self._path = cache, folder / FILE
        self._known = _read(self._path)
        self._used: dict[str, float] = {}

    def of(self, photo_key: str | None, result_key: str | None) -> float:
        """The share of the crop that changed; nan where there is no result.

        Raises:
            StoreError: an artifact is missing or damaged.
        """
        if photo_key is None or result_key is None:
            return math.nan
        name = f"{photo_key[:16]}-{result_key[:16]}"
        if name not in self._known:
            photo: Any = self._cache.get_part(photo_key, "picture")
            result: Any = self._cache.get_part(result_key, "picture")
            self._known[name] = round(changed_share(photo, result), _DIGITS)
        self._used[name] = self._known[name]
        return self._used[name]

    def keep(self) -> None:
        """Write the shares of this report; those of earlier ones go."""
        if self._used:
            atomic.write_text(self._path, json.dumps(self._used, sort_keys=True) + "\n")


def _read(path: Path) -> dict[str, float]:
    """What an earlier report found; nothing of a damaged file, since it can be made anew."""
    try:
        told = json.loads(path.read_text("utf-8"))
        return {str(name): float(share) for name, share in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
