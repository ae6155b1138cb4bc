"""Work that goes in pieces: what is there is not done again, and after some minutes a run ends."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unripple import atomic


class Pieces:
    """Makes pieces as long as there is time.

    Args:
        minutes: after which no other one is begun.
    """

    def __init__(self, minutes: float) -> None:
        self._until = time.monotonic() + 60 * minutes

    def kept(self, path: Path, make: Callable[[], Any]) -> bool:
        """Whether a piece is there, made now if need be; False once time is up.

        Args:
            path: its file, which is written whole or not at all.
            make: gives it, as JSON can hold it.
        """
        if path.exists():
            return True
        if time.monotonic() > self._until:
            sys.stderr.write("time is up; run it again to go on\n")
            return False
        atomic.write_text(path, json.dumps(make(), indent=1))
        return True
