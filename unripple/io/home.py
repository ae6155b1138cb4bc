"""Where unripple's own data lies."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The repository's root, or what the environment variable UNRIPPLE_HOME names."""
    return Path(os.environ.get("UNRIPPLE_HOME") or Path(__file__).resolve().parents[2])


def config_schema() -> Path:
    """The schema of config.yaml, defaults included."""
    return home() / "workflow" / "schemas" / "config.schema.yaml"
