"""Tables of published directions: name, family, how far a degree goes, and what it does in words.

A table is YAML. A row's vector comes from the converted files in the folder of published models
(`from`), multiplied by `scale`, so that a degree is what its source calls a power; or the row names
its `channels` of style space itself. Knows no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from unripple.conventions import BadCheckpoint, Floats
from unripple.outside import Unfit, explained, read_text, yaml_of
from unripple.paths import published_folder
from unripple.zoo.directions import PUBLISHED_FILES, Direction, read_directions

STYLE = "style"
STYLE_WIDTHS_1024 = (512,) * 15 + (256,) * 3 + (128,) * 3 + (64,) * 3 + (32,) * 2
"""Channels of the 26 layers of style space of the 1024 px StyleGAN2, RGB layers included."""

NOWHERE: Floats = np.zeros(0, np.float32)
"""The vector of a direction whose file is not here."""

AGAINST = " (against its name)"


def read_table(path: Path) -> dict[str, Direction]:
    """The directions of a table by name, in its order.

    Raises:
        BadCheckpoint: it is no table, or a file that it names is damaged.
    """
    published = _published()
    return {name: _direction(name, row, published) for name, row in _rows(path).items()}


def _published() -> Mapping[str, Direction]:
    """All vectors in the folder of published models; none, if there is none."""
    there = sorted(published_folder().glob(PUBLISHED_FILES))
    return {name: one for file in there for name, one in read_directions(file).items()}


def _rows(path: Path) -> Mapping[str, Mapping[str, Any]]:
    status = path.stat() if path.exists() else None
    return _read(path, (status.st_size, status.st_mtime_ns) if status else None)


@lru_cache(maxsize=4)
def _read(
    path: Path,
    version: tuple[int, int] | None,  # noqa: ARG001
) -> Mapping[str, Mapping[str, Any]]:
    with explained(path, BadCheckpoint, "no table of directions; get the program's own again"):
        content = yaml_of(read_text(path))
        rows: dict[str, Mapping[str, Any]] = {}
        for family, words in content.items():
            for name, row in words["directions"].items():
                if name in rows:
                    raise Unfit(f"{name!r} stands there twice")
                rows[str(name)] = {**words, **row, "source": family}
        for name, row in rows.items():
            _direction(name, row, {})  # finds what is wrong with it
        return rows


def _direction(name: str, row: Mapping[str, Any], known: Mapping[str, Direction]) -> Direction:
    usable = row.get("range")
    about = str(row["effect"]) + (AGAINST if row.get("against_its_name") else "")
    made = Direction(
        name,
        NOWHERE,
        (float(usable[0]), float(usable[1])) if usable else None,
        f"{row['power']} ({row['source']})",
        about,
        way=STYLE if row["family"] == STYLE else None,
    )
    scale = np.float32(row.get("scale", 1))
    if row["family"] == STYLE:
        return replace(made, vector=scale * _channels(row["channels"]))
    origin = known.get(row["from"])
    if origin is None:
        return made
    if origin.component is not None:  # a degree is a place on it, whatever its length
        return replace(made, vector=origin.vector, component=origin.component, codes=origin.codes)
    return replace(made, vector=scale * origin.vector)


def _channels(pairs: list[list[int]]) -> Floats:
    """Ones at (layer, channel), laid out as `models.style_moves` has it."""
    starts = np.cumsum((0, *STYLE_WIDTHS_1024))
    vector: Floats = np.zeros(starts[-1], np.float32)
    for layer, channel in pairs:
        if not 0 <= layer < len(STYLE_WIDTHS_1024) or not 0 <= channel < STYLE_WIDTHS_1024[layer]:
            raise Unfit(f"there is no channel {channel} of layer {layer}")
        vector[starts[layer] + channel] = 1
    return vector
