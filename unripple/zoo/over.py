"""Weights files that hold the layers in which a network differs from another file beside them.

A generator that was fine-tuned to another domain shares most of its layers with the one that it
comes from. Such a file says so in its metadata: `over: {file, sha256}`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unripple.conventions import BadCheckpoint
from unripple.zoo.weights import read_header, read_state

if TYPE_CHECKING:
    from torch import Tensor


def base_of(path: Path, metadata: Mapping[str, Any]) -> Path | None:
    """The file that a weights file goes over; None for one that is whole.

    Raises:
        BadCheckpoint: its metadata do not say it properly.
    """
    over = metadata.get("over")
    if over is None:
        return None
    name = over.get("file") if isinstance(over, dict) else None
    if (
        not isinstance(name, str)
        or Path(name).name != name
        or not isinstance(over.get("sha256"), str)
    ):
        raise BadCheckpoint(
            f"{path}: its metadata must say `over` which file of its folder it goes, with that "
            "one's SHA-256; get the file again"
        )
    return path.with_name(name)


def files_of(path: Path) -> list[Path]:
    """A weights file, and the one that it goes over, if any.

    What is missing or damaged is left to whoever reads it.
    """
    try:
        base = base_of(path, read_header(path)[0])
    except BadCheckpoint:
        return [path]
    return [path] if base is None else [path, base]


def whole_state(path: Path, metadata: Mapping[str, Any]) -> dict[str, Tensor]:
    """All tensors of a network, those of the file that it goes over included.

    Raises:
        BadCheckpoint: a file is missing or foreign, or the other one is not that which it was made
            for.
    """
    own = read_state(path)
    base = base_of(path, metadata)
    if base is None:
        return own
    state = read_state(base)
    if hashlib.sha256(base.read_bytes()).hexdigest() != metadata["over"]["sha256"]:
        raise BadCheckpoint(
            f"{path}: was made to go over another {base.name} than the one beside it; get both "
            "from the same place, or train it again: python -m unripple.training domain"
        )
    if unknown := sorted(set(own) - set(state)):
        raise BadCheckpoint(f"{path}: {base.name} has no {unknown[0]}, so nothing goes over it")
    return state | own
