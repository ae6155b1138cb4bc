"""Named translations: files of latent offsets, and which of them a photo is offered.

    {attribute}_{min|max}          less or more of a characteristic, offered to every photo
    {attribute}_{value}            offered to photos that have another value of it
    {attribute}_{value}_fr_{old}   offered to photos that have the old value, as {attribute}_{value}

They lie as .npy or .npz, float32 [L, W] or [1, L, W], in `unconditional/` and `conditional/` of a
folder of defaults, and in a folder of one's own, which wins; what starts from a value wins over
what does not. A photo that is not bald is offered Hc_4 under the name `bald`. What is said of
values needs the nine characteristics of a photo: they are its file's name (0_2_1_1_1_1_1_0_0.png)
or stand in the sheet's column `characteristics`. Without them, the unconditional defaults and one's
own files are offered, each under its own name.

Source: valentingol/gan-face-editing (MIT), pipeline/utils/translation/get_translations.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unripple.conventions import BadTranslation, NotOffered, WPlus
from unripple.io.digest import file_sha256, value_sha256
from unripple.io.schema import nearest
from unripple.outside import Unfit, explained, read_array

ATTRIBUTES = ("Sk", "A", "Se", None, None, "B", "Hc", "D", "Hs")
"""The nine characteristics of a photo in their order; two are of no use here."""
VALUES = (3, 3, 2, 2, 2, 2, 5, 2, 3)
"""How many values each of them has."""
BALD, BALD_VALUE = "Hc_4", 4
UNCONDITIONAL, CONDITIONAL, CUSTOM = "unconditional", "conditional", "custom"
ENDINGS = (".npy", ".npz")
_LONGEST_FILE = 64 << 20  # bytes; an offset of 18 x 512 has 37 kB
_LIMITS = ("min", "max")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Names:
    """Names of translations (without endings) by where they lie."""

    unconditional: Sequence[str] = ()
    conditional: Sequence[str] = ()
    custom: Sequence[str] = ()


@dataclass(frozen=True)
class Name:
    """A translation's name taken apart; `old` is None for one that starts anywhere."""

    attribute: str
    value: str
    old: str | None = None

    @property
    def key(self) -> str:
        """Under which name it is offered."""
        return f"{self.attribute}_{self.value}"


def parsed(name: str) -> Name:
    """Take a name apart.

    Raises:
        BadTranslation: it is none of the three forms.
    """
    attribute, *rest = name.split("_")
    if attribute and len(rest) == 1 and (rest[0] in _LIMITS or _NUMBER.fullmatch(rest[0])):
        return Name(attribute, rest[0])
    if attribute and len(rest) == 3 and rest[1] == "fr":
        if rest[0] in _LIMITS:
            raise BadTranslation(f"{name!r}: {rest[0]} starts anywhere; leave out `_fr_{rest[2]}`")
        if _NUMBER.fullmatch(rest[0]) and _NUMBER.fullmatch(rest[2]):
            return Name(attribute, rest[0], rest[2])
    raise BadTranslation(
        f"{name!r}: with a photo's characteristics known, a translation is called attribute_min, "
        "attribute_max, attribute_value or attribute_value_fr_old, like B_1 or A_2_fr_0"
    )


def offered(names: Names, characteristics: Sequence[int] | None) -> dict[str, tuple[str, str]]:
    """The translations that a photo is offered.

    Args:
        names: what there is.
        characteristics: the photo's nine, or None if nobody knows them.

    Returns:
        Name of the edit -> folder (a word of `Names`) and name of the file.

    Raises:
        BadTranslation: a name is of no known form, or asks for the value of no characteristic; or
            the characteristics are not nine.
    """
    if characteristics is None:
        plain = {name: (UNCONDITIONAL, name) for name in names.unconditional}
        return plain | {name: (CUSTOM, name) for name in names.custom}
    if len(characteristics) != len(ATTRIBUTES):
        raise BadTranslation(
            f"characteristics are nine whole numbers, like 0_2_1_1_1_1_1_0_0; got {characteristics}"
        )
    has = {
        attribute: str(value)
        for attribute, value in zip(ATTRIBUTES, characteristics, strict=True)
        if attribute
    }
    files: dict[str, tuple[str, str]] = {}
    for folder in (UNCONDITIONAL, CONDITIONAL, CUSTOM):
        listed = {name: parsed(name) for name in getattr(names, folder)}
        for name, one in listed.items():
            if one.value not in _LIMITS and one.attribute not in has:
                raise BadTranslation(
                    f"{name!r}: {one.attribute} is no attribute of a photo ({', '.join(has)}); "
                    f"only {one.attribute}_min and {one.attribute}_max can be offered"
                )
        for name, one in listed.items():
            if one.old is None and one.value != has.get(one.attribute):
                files[one.key] = (folder, name)
        for name, one in listed.items():
            if one.old is not None and one.old == has[one.attribute]:
                files[one.key] = (folder, name)
    if has["Hc"] != str(BALD_VALUE) and BALD in files:
        files["bald"] = files.pop(BALD)
    return files


@dataclass(frozen=True)
class Library:
    """The translations at hand.

    Attributes:
        defaults: folder with `unconditional/` and `conditional/`, or None for one's own alone.
        own: folder of one's own, or None.
    """

    defaults: Path | None = None
    own: Path | None = None
    _files: dict[str, dict[str, Path]] = field(default_factory=dict, compare=False, repr=False)

    def files(self, folder: str) -> dict[str, Path]:
        """Name -> file, of one of the three folders; empty where there is no such folder.

        Raises:
            BadTranslation: two files have the same name.
        """
        if folder not in self._files:
            self._files[folder] = _listed(self._place(folder))
        return self._files[folder]

    def _place(self, folder: str) -> Path | None:
        if folder == CUSTOM:
            return self.own
        return None if self.defaults is None else self.defaults / folder

    def names(self) -> Names:
        """The names of all files; see `files`."""
        return Names(*(tuple(self.files(one)) for one in (UNCONDITIONAL, CONDITIONAL, CUSTOM)))

    def edits(self) -> list[str]:
        """Every name under which some photo may be offered a translation, sorted.

        Raises:
            BadTranslation: see `files`.
        """
        names = self.names()
        keys = {_key(name) for name in (*names.unconditional, *names.conditional, *names.custom)}
        return sorted(keys)

    def stamp(self) -> str:
        """SHA-256 of all names and files: another one when any of them changes."""
        folders = (UNCONDITIONAL, CONDITIONAL, CUSTOM)
        return value_sha256(
            {
                f"{folder}/{name}": _digest(path)
                for folder in folders
                for name, path in self.files(folder).items()
            }
        )

    def choose(self, edit: str, characteristics: Sequence[int] | None) -> Path:
        """The file behind an edit for one photo.

        Args:
            edit: its name, like B_1 or bald.
            characteristics: see `offered`.

        Raises:
            NotOffered: the photo has what the edit would give it, or nobody knows whether it has.
            BadTranslation: there is no such translation, or a file is badly named.
        """
        offers = offered(self.names(), characteristics)
        key = BALD if edit == "bald" and edit not in offers else edit
        if key == BALD and "bald" in offers:
            key = "bald"
        if key in offers:
            folder, name = offers[key]
            return self.files(folder)[name]
        self._explain(key, characteristics)
        listing = nearest(edit, offers) or "; there are no translations at all"
        raise BadTranslation(f"translation {edit!r} is missing: {self._lacks(key)}{listing}")

    def _explain(self, key: str, characteristics: Sequence[int] | None) -> None:
        """Raise NotOffered if that is why there is nothing under a name."""
        if not re.fullmatch(r"[^_]+_\d+", key):
            return
        attribute, value = key.split("_")
        if characteristics is None:
            names = self.names()
            every = (*names.unconditional, *names.conditional, *names.custom)
            starts = sorted(name for name in every if name.startswith(f"{key}_fr_"))
            if starts:
                raise NotOffered(
                    f"{key} starts from a value here ({', '.join(starts)}), and the photo's is "
                    "not known; write its nine characteristics into the sheet"
                )
        elif attribute in ATTRIBUTES and str(characteristics[ATTRIBUTES.index(attribute)]) == value:
            raise NotOffered(f"the photo has {attribute} {value} already")

    def _lacks(self, key: str) -> str:
        places = [self._place(folder) for folder in (UNCONDITIONAL, CONDITIONAL, CUSTOM)]
        listed = ", ".join(str(place) for place in places if place is not None)
        return f"no {key}{'/'.join(ENDINGS)} or {key}_fr_OLD that fits in {listed or 'any folder'}"


def _digest(path: Path) -> str:
    """SHA-256 of a file; what cannot be read is told to the photos that are offered it."""
    try:
        return file_sha256(path) if path.is_file() else "no file"
    except OSError:
        return "cannot be read"


def _key(name: str) -> str:
    """Under which name a file is offered, whatever it is called."""
    try:
        key = parsed(name).key
    except BadTranslation:
        return name
    return "bald" if key == BALD else key


def _listed(folder: Path | None) -> dict[str, Path]:
    files: dict[str, Path] = {}
    if folder is None or not folder.is_dir():
        return files
    for path in sorted(folder.iterdir()):
        if path.suffix not in ENDINGS or path.name.startswith("."):
            continue
        name = path.name.partition(".")[0]
        if name in files:
            raise BadTranslation(f"{path}: {files[name].name} has the same name; keep one of them")
        files[name] = path
    return files


def read_translation(path: Path) -> WPlus:
    """Read an offset, float32 [L, W].

    Raises:
        BadTranslation: the file is damaged, holds several arrays, or one of another kind.
    """
    with explained(path, BadTranslation, "save it again, or leave its edit out"):
        content = read_array(path, _LONGEST_FILE)
        if isinstance(content, dict):
            if len(content) != 1:
                raise Unfit(f"holds {len(content)} arrays ({', '.join(content)[:60]}); wanted one")
            (content,) = content.values()
    offset: WPlus = content[0] if content.ndim == 3 and len(content) == 1 else content
    if offset.ndim != 2 or offset.dtype != np.float32:
        raise BadTranslation(
            f"{path}: holds {content.dtype} {list(content.shape)}; wanted float32 [codes, width] "
            "or [1, codes, width]"
        )
    if not np.isfinite(offset).all():
        raise BadTranslation(f"{path}: holds nan or infinite values")
    return offset


def characteristics_of(path: Path, column: str = "") -> tuple[int, ...] | None:
    """The nine characteristics of a photo, from the sheet's column or else from its file's name.

    Args:
        path: the photo.
        column: numbers joined by `_`, commas or spaces; "" if the sheet does not say.

    Returns:
        Nine numbers, or None if neither says anything.

    Raises:
        BadTranslation: the column holds something else, or a value that does not exist.
    """
    text = column or path.stem
    words = re.split(r"[_,\s]+", text.strip())
    if not column and not (len(words) == len(ATTRIBUTES) and all(map(_NUMBER.fullmatch, words))):
        return None
    where = f"sheet: characteristics {column!r}" if column else f"{path}: its name"
    try:
        numbers = tuple(int(word) for word in words)
    except ValueError:
        numbers = ()
    if len(numbers) != len(ATTRIBUTES):
        raise BadTranslation(f"{where}: wanted nine whole numbers, like 0_2_1_1_1_1_1_0_0")
    for attribute, value, count in zip(ATTRIBUTES, numbers, VALUES, strict=True):
        if not 0 <= value < count:
            name = attribute or "one without a name"
            raise BadTranslation(f"{where}: {name} is {value}; wanted 0 to {count - 1}")
    return numbers
