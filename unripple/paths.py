"""Where the program's own files lie: in the package when a wheel brought it, in a clone around it.

The wheel holds parts of the repository's folders `data` and `workflow` within the package
(pyproject.toml says which), so that both have the same places below one root.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import resources
from pathlib import Path

HOME_VARIABLE = "UNRIPPLE_HOME"
MODELS_VARIABLE = "UNRIPPLE_MODELS"
_PACKAGE = "unripple"


@cache
def _package() -> Path:
    return Path(str(resources.files(_PACKAGE)))


@cache
def is_clone() -> bool:
    """Whether this is a clone of the repository, or else an installed package."""
    return not (_package() / "data").is_dir()


def home() -> Path:
    """The folder with `data` and `workflow`: $UNRIPPLE_HOME, or what this program came with."""
    if chosen := os.environ.get(HOME_VARIABLE):
        return Path(chosen)
    return _package().parent if is_clone() else _package()


def data_folder() -> Path:
    """The folder of the models, directions, translations and domains that come along."""
    return home() / "data"


def config_schema() -> Path:
    """The schema of config.yaml, defaults included."""
    return home() / "workflow" / "schemas" / "config.schema.yaml"


def published_folder() -> Path:
    """Where fetched models are kept: $UNRIPPLE_MODELS, or the program's choice.

    In a clone it is data/published. An installed package may be read-only and is replaced by the
    next version, so there it is the user's own folder for data of programs.
    """
    if chosen := os.environ.get(MODELS_VARIABLE):
        return Path(chosen)
    if is_clone() or os.environ.get(HOME_VARIABLE):
        return data_folder() / "published"
    from platformdirs import user_data_path

    return user_data_path(_PACKAGE, appauthor=False) / "published"
