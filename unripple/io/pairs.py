"""Pictures of two folders, paired by name: what a method made, and what it was made from.

A picture's name is its path within its folder without the suffix, so that `anna.jpg` and `anna.png`
are a pair. Nothing is paired by its place in a list: a picture without a partner is an error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from unripple.conventions import BadPhoto, UnrippleError
from unripple.io.photo import PHOTO_SUFFIXES, check_photo, printable

TRUTH = "truth"
_NAMED = 3
"""How many lacking pictures a message names."""


class PicturePair(NamedTuple):
    """One picture twice.

    Attributes:
        name: what both are called.
        original, result: their files.
    """

    name: str
    original: Path
    result: Path


def pictures_in(folder: Path, *, part: str | None = None) -> dict[str, Path]:
    """The pictures of a folder and its subfolders by name, in the order of the names.

    Hidden files, files that are no pictures by their suffix, and the truth that lies beside
    rendered photos are left out.

    Args:
        folder: where they are.
        part: only `<name>.<part>.<suffix>`, as the results tree calls the parts of an artifact.

    Raises:
        BadPhoto: there is no such folder, it holds no picture, or two pictures of one name.
    """
    if not folder.is_dir():
        raise BadPhoto(f"{printable(str(folder))}: no such folder of pictures")
    pictures: dict[str, Path] = {}
    for top, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != TRUTH]
        for file in files:
            path = Path(top) / file
            name = _name(path.relative_to(folder), part)
            if name is None:
                continue
            if name in pictures:
                raise BadPhoto(
                    f"{printable(str(path))} and {printable(str(pictures[name]))} have one name; "
                    "leave one of them out"
                )
            pictures[name] = path
    if not pictures:
        pattern = "" if part is None else f"<name>.{part}"
        raise BadPhoto(
            f"{printable(str(folder))}: no picture in it ({pattern}{'|'.join(PHOTO_SUFFIXES)})"
        )
    return dict(sorted(pictures.items()))


def _name(path: Path, part: str | None) -> str | None:
    """What a file's picture is called, or None if it is none of those asked for."""
    if path.name.startswith(".") or path.suffix.lower() not in PHOTO_SUFFIXES:
        return None
    name = path.with_suffix("").as_posix()
    if part is None:
        return name
    return name.removesuffix(f".{part}") if name.endswith(f".{part}") else None


def pairs_of(originals: Mapping[str, Path], results: Mapping[str, Path]) -> list[PicturePair]:
    """The pairs, in the order of their names.

    Raises:
        BadPhoto: a picture of either folder has no partner in the other, or is no picture at first
            sight; the text names it.
    """
    extra = [f"{path} has no original" for name, path in results.items() if name not in originals]
    missing = [f"{path} has no result" for name, path in originals.items() if name not in results]
    if alone := extra + missing:
        more = f", and {len(alone) - _NAMED} more" if len(alone) > _NAMED else ""
        raise BadPhoto(
            f"{printable(', '.join(alone[:_NAMED]))}{more}; pictures are paired by their names "
            "without suffix: add its partner, or take it away"
        )
    pairs = [PicturePair(name, originals[name], path) for name, path in results.items()]
    for pair in pairs:
        check_photo(pair.original)
        check_photo(pair.result)
    return pairs


def steps_in(folder: Path) -> dict[str, Path]:
    """The folders of steps that HyperStyle and ReStyle write, `0`, `1`, ... in their order.

    Returns:
        Their names and paths; empty if the folder holds anything else, too.

    Raises:
        UnrippleError: the folder cannot be read.
    """
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise UnrippleError(f"{folder}: cannot be read: {error.strerror}") from error
    if not entries or not all(path.is_dir() and path.name.isdecimal() for path in entries):
        return {}
    return {path.name: path for path in sorted(entries, key=lambda path: int(path.name))}
