"""The config: read, overridden from the command line, completed with defaults, checked.

The same functions serve the command line and Snakemake. The schema is closed: an unknown key is an
error that names the nearest right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from unripple.conventions import BadConfig, UnknownName
from unripple.io.home import config_schema, home
from unripple.io.results import PHOTO
from unripple.io.schema import checked, nearest
from unripple.io.translations import BALD, Library

Config: TypeAlias = dict[str, Any]
ALL, EMBEDDED, NONE = "all", "embedded", "none"
_MIXED, _RIPPLE = "mixed", "ripple"


@dataclass(frozen=True)
class Edit:
    """A named edit: how far to go along which directions, or which translation to take.

    Attributes:
        name: names the results folder.
        moves: (direction, degree) pairs, sorted; none for a translation.
        translation: its name, or None.
    """

    name: str
    moves: tuple[tuple[str, float], ...]
    translation: str | None = None

    @property
    def carac(self) -> str:
        """What it changes: the beginning of its translation's name, or else of its own."""
        return (self.translation or self.name).partition("_")[0]

    def is_among(self, patterns: Sequence[str]) -> bool:
        """Whether its name, or that of its translation, fits one of the patterns (`Se*`)."""
        names = [self.name] + ([self.translation] if self.translation else [])
        return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@lru_cache(maxsize=1)
def schema() -> Mapping[str, Any]:
    """The config's schema, a JSON Schema whose `default` words are the config's defaults."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
    content: Mapping[str, Any] = yaml.load(config_schema().read_text(), loader)
    return content


def default_config() -> Config:
    """The config of an empty file."""
    return complete({})


def read_config(path: Path, overrides: Iterable[str] = ()) -> Config:
    """Read a config file, apply `section.key=value` overrides, complete and check it.

    Raises:
        BadConfig: the file is missing, no YAML, or does not fit the schema.
    """
    try:
        content = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise BadConfig(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path}: no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise BadConfig(f"{path}: must hold `key: value` lines")
    return complete(content, overrides)


def complete(content: Mapping[str, Any], overrides: Iterable[str] = ()) -> Config:
    """Fill in defaults and check, after `section.key=value` overrides.

    Raises:
        BadConfig: a key is unknown, a value wrong, or two edits share a name.
    """
    merged: Config = dict(content)
    for override in overrides:
        _override(merged, override)
    _say_what_moved(merged)
    config: Config = checked(merged, schema())
    mixed = config["recipe"] != _RIPPLE
    if mixed and "method" not in (merged.get("compose") or {}):
        config["compose"]["method"] = _MIXED
    if mixed != (config["compose"]["method"] == _MIXED):
        raise BadConfig(
            f"config: compose.method {config['compose']['method']!r} does not go with recipe "
            f"{config['recipe']}: `{_MIXED}` is that of ceteris_paribus, the others are ripple's"
        )
    order = config["mix"]["order"]
    if len(set(order)) < len(order):
        raise BadConfig(f"config: mix.order: {', '.join(order)}: each mix-up once at most")
    _check_names([edit.name for edit in edits(config)])
    return config


def _check_names(names: Sequence[str]) -> None:
    """Refuse names of edits that would be one folder, on some disks or on all.

    Raises:
        BadConfig: there are such names, or one stands for the unedited photo.
    """
    seen: dict[str, str] = {PHOTO: PHOTO}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if name.casefold() == PHOTO:
            raise BadConfig(
                f"config: edits: {name!r} names the unedited photo; choose another name"
            )
        if names.count(name) > 1:
            raise BadConfig(f"config: edits: two edits are called {name!r}")
        if other != name:
            raise BadConfig(
                f"config: edits: {other!r} and {name!r} are one folder on disks that do not tell "
                "a from A; choose another name"
            )


_MOVED = {("align", "max_megapixels"): "limits.megapixels"}


def _say_what_moved(config: Config) -> None:
    """Old names are errors that tell the new ones."""
    for (section, key), now in _MOVED.items():
        found = config.get(section)
        if isinstance(found, Mapping) and key in found:
            raise BadConfig(f"config: {section}.{key} is called {now} now; write it there")


def _override(config: Config, override: str) -> None:
    """Set one dotted key; sections on the way are copied, so that the original stays."""
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise BadConfig(f"override {override!r} is not of the form section.key=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadConfig(f"override {override!r}: the value is no YAML") from error
    *sections, key = path.strip().split(".")
    for section in sections:
        inner = config.get(section)
        if inner is not None and not isinstance(inner, dict):
            raise BadConfig(f"override {override!r}: {section!r} is no section")
        config[section] = dict(inner or {})
        config = config[section]
    config[key] = value


def edits(config: Config) -> list[Edit]:
    """The edits of a config.

    Raises:
        BadConfig: an edit names no direction and no translation, or a file of a translation cannot
            name an edit.
    """
    if config["edits"] != ALL:
        return [_edit(entry) for entry in config["edits"]]
    names = library(config).edits()
    pattern = schema()["properties"]["edits"]["items"]["pattern"]
    for name in names:
        if not re.search(pattern, name):
            raise BadConfig(
                f"config: edits: the translation {name!r} cannot name an edit: a name starts with "
                "a letter and has only a-z, A-Z, 0-9, _ and -; call its file otherwise"
            )
    return [_edit(name) for name in names]


def library(config: Config) -> Library:
    """The translations that a config means."""
    chosen, own = config["translations"], config["own_translations"]
    defaults = home() / "data" / "translations" / EMBEDDED if chosen == EMBEDDED else Path(chosen)
    return Library(None if chosen == NONE else defaults, Path(own) if own else None)


def _edit(entry: Mapping[str, Any] | str) -> Edit:
    if isinstance(entry, str):
        entry = {"name": entry, "translation": entry}
    name, translation = entry["name"], entry.get("translation")
    moves: dict[str, float] = dict(entry.get("moves", {}))
    if translation is not None:
        if moves or "direction" in entry or "degree" in entry:
            raise BadConfig(f"config: edits: {name!r} has a translation; leave the directions out")
        return Edit(name, (), "bald" if translation == BALD else translation)
    single = "direction" in entry
    if single != ("degree" in entry) or single == bool(moves):
        raise BadConfig(
            f"config: edits: {name!r} needs `direction` and `degree`, or `moves` like "
            "{pose: -3, glasses: 3} for several directions at once, or a `translation`"
        )
    if single:
        moves = {entry["direction"]: entry["degree"]}
    return Edit(name, tuple(sorted(moves.items())))


def find_edit(config: Config, name: str) -> Edit:
    """The edit of that name.

    Raises:
        UnknownName: there is none; the text names the nearest.
    """
    known = {edit.name: edit for edit in edits(config)}
    if name not in known:
        raise UnknownName(f"no edit {name!r} in the config{nearest(name, known)}")
    return known[name]


def align_modes() -> tuple[str, ...]:
    """The ways to find landmarks that `align.mode` and the sheet's column `align` may name."""
    modes: list[str] = schema()["properties"]["align"]["properties"]["mode"]["enum"]
    return tuple(mode for mode in modes if mode != "auto")
