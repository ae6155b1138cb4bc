"""Which attributes the faces of named pictures have: CelebA's table, or the face world's truth.

    30000                                    how many rows
    5_o_Clock_Shadow Arched_Eyebrows ...     the attributes
    0.jpg  -1  1 ...                         a picture: 1 has it, -1 lacks it

`CelebAMask-HQ-attribute-anno.txt` and `list_attr_celeba.txt` are such tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

from unripple.conventions import BadPhoto, UnknownName
from unripple.io.schema import nearest
from unripple.outside import Unfit, explained, json_of, read_text

_HAS, _LACKS = "1", "-1"
_REMEDY = "get CelebAMask-HQ-attribute-anno.txt again"
_META = "meta.json"


def read_table(path: Path, attribute: str) -> dict[str, bool]:
    """Whether each picture has an attribute, by name without suffix; see `look_up`.

    Raises:
        BadPhoto: it is no such table.
        UnknownName: it has no such attribute.
    """
    with explained(path, BadPhoto, _REMEDY, setting="--table"):
        lines = read_text(path).splitlines()
        if len(lines) < 2 or not lines[0].strip().isdecimal():
            raise Unfit("its first line is not the number of rows")
        attributes = lines[1].split()
        if attribute not in attributes:
            raise UnknownName(f"{path}: no attribute {attribute!r}{nearest(attribute, attributes)}")
        column = attributes.index(attribute) + 1
        rows = [words for line in lines[2:] if (words := line.split())]
        if len(rows) != int(lines[0]):
            raise Unfit(f"it has {len(rows)} rows, and says {lines[0].strip()}")
        return {_plain(PurePath(row[0]).stem): _said(row, column, len(attributes)) for row in rows}


def _said(row: list[str], column: int, count: int) -> bool:
    if len(row) != count + 1 or row[column] not in (_HAS, _LACKS):
        raise Unfit(f"the row of {row[0][:40]} is not {count} times 1 or -1")
    return row[column] == _HAS


def read_truths(folder: Path, says: Callable[[Any], bool]) -> dict[str, bool]:
    """Whether each rendered photo has an attribute, from `<folder>/<name>/meta.json`.

    Args:
        folder: the truth beside rendered photos.
        says: whether a face of these factors, numbers in their order, has it.

    Raises:
        BadPhoto: there is no truth in the folder, or it is damaged.
    """
    truths = {}
    for path in sorted(folder.glob(f"*/{_META}")):
        with explained(path, BadPhoto, "render the photos again", setting="--table"):
            content = json_of(read_text(path))
            if not isinstance(content, dict) or not isinstance(content.get("factors"), list):
                raise Unfit("it does not say what the face is made of")
            truths[_plain(path.parent.name)] = says(content["factors"])
    if not truths:
        raise BadPhoto(f"--table {folder}: holds no truth of rendered photos (<name>/{_META})")
    return truths


def look_up(known: Mapping[str, bool], name: str) -> bool | None:
    """Whether a picture has the attribute; None if nobody says.

    Numbered pictures are found with and without leading zeros.
    """
    return known.get(_plain(PurePath(name).name))


def _plain(name: str) -> str:
    return str(int(name)) if name.isdecimal() else name
