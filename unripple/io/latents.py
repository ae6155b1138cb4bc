"""Latents and labels from files, for finding directions.

Latents: a folder of `<name>.npy`, or one `.npz` of arrays by name, each w [W] or [1, W] or w+
[L, W] or [1, L, W]; or an `.npz` with `names` [N] and `latents` [N, ...]; or a `.safetensors` with
`latents` and, among its metadata, `names`, as `unripple codes extract` writes it.
Labels: a .csv or .tsv with a first line; the first column names the latent (or the photo, with or
without its ending), every other one is an attribute, as numbers. An empty cell is not known. Cells
may be separated by semicolons or tabs, as spreadsheets do it, and numbers then have a decimal
comma.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unripple import atomic
from unripple.conventions import BadConfig, Floats
from unripple.outside import Unfit, explained, number_of, read_array, read_text, shown, table_of

Array = npt.NDArray[Any]

SUFFIX = ".safetensors"
_LATENTS, _NAMES = "latents", "names"
_REMEDY = "cannot be read as latents; wanted .npy, .npz or .safetensors"


def read_latents(path: Path) -> dict[str, Array]:
    """Latents by name, each float32 [W] or [L, W], all of one shape.

    Raises:
        BadConfig: there are none, or of several shapes, or a file is damaged.
    """
    if not path.exists():
        raise BadConfig(f"{path}: no such file or folder of latents")
    latents = _in_folder(path) if path.is_dir() else _in_file(path)
    if not latents:
        raise BadConfig(f"{path}: no latents here; wanted .npy files, .npz or .safetensors")
    shapes = {array.shape for array in latents.values()}
    if len(shapes) > 1 or len(next(iter(shapes))) not in (1, 2):
        raise BadConfig(
            f"{path}: latents of shapes {sorted(shapes)[:3]}; wanted all [W] or all [L, W]"
        )
    return latents


def _in_folder(folder: Path) -> dict[str, Array]:
    latents = {}
    for path in sorted(folder.glob("*.npy")):
        with explained(path, BadConfig, _REMEDY):
            array = read_array(path)
            if isinstance(array, dict):
                raise Unfit("it is an .npz, called .npy; rename it, and name it by itself")
            latents[path.stem] = _plain(array, path.stem)
    return latents


def _in_file(path: Path) -> dict[str, Array]:
    with explained(path, BadConfig, _REMEDY):
        if path.suffix == SUFFIX:
            return {name: _plain(one, name) for name, one in _in_safetensors(path).items()}
        content = read_array(path)
        if not isinstance(content, dict):
            raise Unfit("it holds one array without a name; put several into an .npz")
        if set(content) == {"names", "latents"}:
            content = _named(content["names"], content["latents"])
        return {name: _plain(array, name) for name, array in content.items()}


def _in_safetensors(path: Path) -> dict[str, Array]:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        if _LATENTS not in file.keys():  # noqa: SIM118 (it is no dict)
            raise Unfit(f"it has no tensor {_LATENTS!r}, which `unripple codes extract` writes")
        latents = file.get_tensor(_LATENTS)
        told = (file.metadata() or {}).get(_NAMES)
    names = json.loads(told) if told else [str(number) for number in range(len(latents))]
    return _named(np.array(names), latents)


def write_latents(
    path: Path, names: Sequence[str], latents: Floats, about: Mapping[str, Any]
) -> None:
    """Write latents [N, ...] as one file, whole or not at all.

    Args:
        path: a .safetensors file.
        names: of the N, each once.
        latents: float32.
        about: what else to say of them, values of JSON.

    Raises:
        StoreError: the disk is full or not writable.
    """
    from safetensors.numpy import save

    metadata = {_NAMES: json.dumps(list(names))}
    metadata |= {name: json.dumps(value) for name, value in about.items()}
    array = np.ascontiguousarray(latents, np.float32)
    atomic.write_bytes(path, save({_LATENTS: array}, metadata))


def _named(names: Array, latents: Array) -> dict[str, Array]:
    if names.ndim != 1 or latents.ndim < 1 or len(names) != len(latents):
        raise Unfit(f"`names` is {list(names.shape)} and `latents` {list(latents.shape)}")
    by_name = {str(name): latent for name, latent in zip(names, latents, strict=True)}
    if len(by_name) < len(names):
        listed = [str(name) for name in names]
        twice = next(name for name in by_name if listed.count(name) > 1)
        raise Unfit(f"it names {twice[:60]!r} twice; keep one of them")
    return by_name


def _plain(array: Array, name: str) -> Array:
    if array.dtype.kind not in "fiub" or array.size == 0:
        raise Unfit(f"{name[:60]} is {array.dtype} {list(array.shape)}, no numbers")
    if array.ndim > 1 and array.shape[0] == 1:
        array = array[0]
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused below
        plain: Array = array.astype(np.float32, copy=False)
    if not np.isfinite(plain).all():
        raise Unfit(f"{name[:60]} holds nan or infinite values; leave it out")
    return plain


def read_labels(path: Path) -> dict[str, dict[str, float]]:
    """Attribute -> name -> value; unknown ones are left out.

    Raises:
        BadConfig: the file is missing, no table, names a latent or an attribute twice, or a cell is
            no finite number.
    """
    with explained(path, BadConfig, "cannot be read as a table of labels; correct it"):
        lines, comma = table_of(read_text(path), "\t" if path.suffix == ".tsv" else ",")
    if len(lines) < 2 or len(lines[0][1]) < 2:
        raise BadConfig(f"{path}: wanted a first line `name,attribute,...` and a line per latent")
    (_, (_, *attributes)), *rest = lines
    labels: dict[str, dict[str, float]] = {name: {} for name in attributes}
    line_of: dict[str, int] = {}
    for number, (name, *cells) in rest:
        if len(cells) != len(attributes):
            width = len(attributes) + 1
            raise BadConfig(f"{path}: line {number} has {len(cells) + 1} cells, not {width}")
        if name in line_of:
            raise BadConfig(
                f"{path}: lines {line_of[name]} and {number} both speak of {name[:60]!r}; keep one"
            )
        line_of[name] = number
        for attribute, cell in zip(attributes, cells, strict=True):
            where = f"line {number}: {shown(attribute)}"
            if cell:
                labels[attribute][name] = _number(cell, comma, path, where)
    return labels


def _number(cell: str, comma: bool, path: Path, where: str) -> float:
    try:
        return number_of(cell, comma=comma)
    except Unfit as error:
        raise BadConfig(f"{path}: {where}: {error}; leave unknown ones empty") from error


def values_of(labels: dict[str, float], names: list[str]) -> npt.NDArray[np.float64]:
    """The values of one attribute in the order of names, [N]; nan where it is not known.

    Raises:
        BadConfig: two lines fit one name, which is in neither.
    """
    by_stem: dict[str, list[str]] = {}
    for name in labels:
        by_stem.setdefault(Path(name).stem, []).append(name)
    return np.array([_value_of(name, labels, by_stem) for name in names], np.float64)


def _value_of(name: str, labels: dict[str, float], by_stem: dict[str, list[str]]) -> float:
    if name in labels:
        return labels[name]
    alike = by_stem.get(Path(name).stem, [])
    if len({labels[one] for one in alike}) > 1:
        raise BadConfig(
            f"labels: {' and '.join(map(repr, alike[:2]))} both fit {name!r}; write that name out"
        )
    return labels[alike[0]] if alike else np.nan
