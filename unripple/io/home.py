"""Where unripple's own data lies: schema, embedded weights, directions."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The repository's root, or what the environment variable UNRIPPLE_HOME names."""
    return Path(os.environ.get("UNRIPPLE_HOME") or Path(__file__).resolve().parents[2])


def config_schema() -> Path:
    """The schema of config.yaml, defaults included."""
    return home() / "workflow" / "schemas" / "config.schema.yaml"


def embedded_models() -> Path:
    """The folder of weights that come with the repository."""
    return home() / "data" / "models"


def embedded_directions() -> Path:
    """The latent directions of the embedded generator."""
    return home() / "data" / "directions" / "embedded.safetensors"
