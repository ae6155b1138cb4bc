"""Directions along which a photo's own pixels change, without a generator: shape and colour.

They come with the program and belong to no generator, so they stand beside whatever file of latent
directions a config chooses. Knows no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from unripple.paths import data_folder
from unripple.zoo.directions import Direction, read_directions

SHAPE, COLOUR, WORN, DETAIL, HAIR = "shape", "colour", "worn", "detail", "hair"
"""Their families, see `stages.families`."""


def shapes_file() -> Path:
    """The file of shapes that comes with the program."""
    return data_folder() / "directions" / "shapes.safetensors"


def colours_file() -> Path:
    """The file of colours that comes with the program."""
    return data_folder() / "directions" / "colours.safetensors"


def details_file() -> Path:
    """The file of details that comes with the program."""
    return data_folder() / "directions" / "details.safetensors"


def pixel_directions() -> Mapping[str, Direction]:
    """All of them by name.

    Raises:
        BadCheckpoint: one of the program's own files is missing or damaged.
    """
    files = (shapes_file(), colours_file(), details_file())
    return {name: one for file in files for name, one in read_directions(file).items()}


def listed_directions(path: Path) -> dict[str, Direction]:
    """Those of the generator, and after them those that only the photo's own pixels can do.

    Args:
        path: the generator's file of directions.

    Raises:
        BadCheckpoint: see `read_directions`.
    """
    latent = read_directions(path)
    return {**latent, **{n: one for n, one in pixel_directions().items() if n not in latent}}
