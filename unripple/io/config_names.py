"""Names within a config: of files in a user's folder, and of keys that are called otherwise now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from unripple.conventions import BadConfig

_DATA = ("directions", "translations", "own_translations", "domains")
_PATHS = ("photos", "results", "edited", *_DATA)


def find_homes(config: dict[str, Any]) -> None:
    """Let `~` at the beginning of a path be a user's folder, as in a shell."""
    inner = (config["align"], ("landmarks",)), (config["edit"], ("keep",))
    for section, keys in ((config, _PATHS), *inner):
        section |= {key: _at_home(section[key]) for key in keys if key in section}
    models = config["models"]
    if isinstance(models, dict):
        config["models"] = {role: _at_home(path) for role, path in models.items()}


def _at_home(path: Any) -> Any:
    return os.path.expanduser(path) if isinstance(path, str) else path  # noqa: PTH111 (no Path)


_MOVED = {("align", "max_megapixels"): "limits.megapixels"}


def say_what_moved(config: Mapping[str, Any]) -> None:
    """Old names are errors that tell the new ones."""
    for (section, key), now in _MOVED.items():
        values = config.get(section)
        if isinstance(values, Mapping) and key in values:
            raise BadConfig(f"config: {section}.{key} is called {now} now; write it there")
