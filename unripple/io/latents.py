"""Latents and labels from files, for finding directions.

Latents: a folder of `<name>.npy`, or one `.npz` of arrays by name, each w [W] or [1, W] or w+
[L, W] or [1, L, W]; or an `.npz` with `names` [N] and `latents` [N, ...].
Labels: a .csv or .tsv with a first line; the first column names the latent (or the photo, with or
without its ending), every other one is an attribute, as numbers. An empty cell is not known.
"""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unripple.conventions import BadConfig

Array = npt.NDArray[Any]


def read_latents(path: Path) -> dict[str, Array]:
    """Latents by name, each float32 [W] or [L, W], all of one shape.

    Raises:
        BadConfig: there are none, or of several shapes, or a file is damaged.
    """
    if not path.exists():
        raise BadConfig(f"{path}: no such file or folder of latents")
    try:
        found = {name: _plain(array) for name, array in _arrays(path).items()}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadConfig(
            f"{path}: cannot be read as latents ({error}); wanted .npy or .npz"
        ) from error
    if not found:
        raise BadConfig(f"{path}: no latents here; wanted .npy files, or an .npz")
    shapes = {array.shape for array in found.values()}
    if len(shapes) > 1 or len(next(iter(shapes))) not in (1, 2):
        raise BadConfig(
            f"{path}: latents of shapes {sorted(shapes)[:3]}; wanted all [W] or all [L, W]"
        )
    return found


def _arrays(path: Path) -> dict[str, Array]:
    if path.is_dir():
        return {file.stem: np.load(file, allow_pickle=False) for file in sorted(path.glob("*.npy"))}
    with np.load(path, allow_pickle=False) as file:
        if set(file.files) == {"names", "latents"}:
            names = [str(name) for name in file["names"]]
            return dict(zip(names, file["latents"], strict=True))
        return {name: file[name] for name in file.files}


def _plain(array: Array) -> Array:
    if array.ndim > 1 and array.shape[0] == 1:
        array = array[0]
    return array.astype(np.float32)


def read_labels(path: Path) -> dict[str, dict[str, float]]:
    """Attribute -> name -> value; unknown ones are left out.

    Raises:
        BadConfig: the file is missing, no table, or a cell is no number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadConfig(f"{path}: cannot be read as a table of labels ({error})") from error
    if len(lines) < 2 or len(lines[0]) < 2:
        raise BadConfig(f"{path}: wanted a first line `name,attribute,...` and a line per latent")
    _, *attributes = lines[0]
    labels: dict[str, dict[str, float]] = {name: {} for name in attributes}
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        if len(line) != len(lines[0]):
            raise BadConfig(f"{path}: line {number} has {len(line)} cells, not {len(lines[0])}")
        for attribute, cell in zip(attributes, line[1:], strict=True):
            if cell.strip():
                labels[attribute][line[0]] = _number(cell, f"{path}: line {number}: {attribute}")
    return labels


def _number(cell: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise BadConfig(f"{where}: {cell!r} is no number; leave unknown ones empty") from error


def values_of(labels: dict[str, float], names: list[str]) -> npt.NDArray[np.float64]:
    """The values of one attribute in the order of names, [N]; nan where it is not known."""
    by_stem = {Path(name).stem: value for name, value in labels.items()}
    return np.array([labels.get(n, by_stem.get(Path(n).stem, np.nan)) for n in names], np.float64)
