"""Named translations: offsets of the codes, one .npy file each, float32 [L, W].

    <folder>/<set>/unconditional/<name>.npy    what comes with a set of models
    <folder>/<set>/conditional/<name>.npy      the same, from a known value to another
    <folder>/user/<name>.npy                   one's own

A name is `{attribute}_{min|max}`, `{attribute}_{value}` or `{attribute}_{value}_fr_{old}`.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np

from unripple import atomic
from unripple.conventions import UnknownName, UnrippleError, WPlus
from unripple.io import translations
from unripple.io.schema import nearest

USER = "user"
FOLDER = Path("data/translations")
_PLACES = ("*/unconditional/*.npy", "*/conditional/*.npy", f"{USER}/*.npy")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}_(min|max|\d{1,6}|\d{1,6}_fr_\d{1,6})", re.ASCII)


def check_name(name: str) -> None:
    """Refuse what is no name of a translation, or none for a file.

    Raises:
        UnrippleError: the name does not follow the grammar of `io.translations`.
    """
    if _NAME.fullmatch(name) is None:
        raise UnrippleError(
            f"translation {name!r}: wanted attribute_min, attribute_max, attribute_value or "
            "attribute_value_fr_old, like Smile_max, Hc_4 or Hc_4_fr_1; the attribute has letters "
            "and digits, values are whole numbers"
        )


def list_translations(*folders: Path) -> dict[str, Path]:
    """The translations of all sets in these folders: set/name -> file, sorted."""
    files = {
        f"{path.relative_to(folder).parts[0]}/{path.stem}": path
        for folder in folders
        for place in _PLACES
        for path in folder.glob(place)
    }
    return dict(sorted(files.items()))


def read_translation(name: str, listed: dict[str, Path]) -> WPlus:
    """The offset of a listed translation, float32 [L, W].

    Raises:
        UnknownName: it is not in the list.
        BadTranslation: the file holds no offset.
    """
    if name not in listed:
        raise UnknownName(f"no translation {name!r}{nearest(name, listed)}")
    return translations.read_translation(listed[name])


def save_translation(folder: Path, name: str, offset: WPlus) -> Path:
    """Write an offset among the user's translations.

    Raises:
        UnrippleError: the name does not follow the grammar, or another translation has it, on
            disks that do not tell a from A.
        StoreError: the disk is full or not writable.
    """
    check_name(name)
    path = folder / USER / f"{name}.npy"
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(offset, np.float32), allow_pickle=False)
    for other in path.parent.glob("*.npy"):
        same = other.name == path.name and other.read_bytes() == buffer.getvalue()
        if other.name.casefold() == path.name.casefold() and not same:
            raise UnrippleError(
                f"there is another translation {other.stem} already ({other}); choose another name"
            )
    atomic.write_bytes(path, buffer.getvalue())
    return path
