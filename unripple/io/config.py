"""The config: read, overridden from the command line, completed with defaults, checked.

The same functions serve the command line and Snakemake. The schema is closed: an unknown key is an
error that names the nearest right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml  # for our own schema; what people write, plain_yaml reads

from unripple.conventions import BadConfig, UnknownName
from unripple.io import plain_yaml
from unripple.io.config_names import find_homes, say_what_moved
from unripple.io.edited import edit_folders
from unripple.io.results import PHOTO
from unripple.io.schema import Switch, checked, nearest
from unripple.io.translations import BALD, Library
from unripple.paths import config_schema, data_folder

Config: TypeAlias = dict[str, Any]
ALL, EMBEDDED, NONE = "all", "embedded", "none"
_RIPPLE, _EXTERNAL = "ripple", "external"
_COMPOSERS = {"ceteris_paribus": "mixed", _EXTERNAL: "kept"}
"""Recipes that compose in a way of their own."""
TEXT, CHAIN = "text", "chain"


@dataclass(frozen=True)
class Edit:
    """A named edit: how far to go along which directions, which translation to take, or which
    text to follow.

    Attributes:
        name: names the results folder.
        moves: (direction, degree) pairs, sorted; none for a translation.
        translation: its name, or None.
        said: of a text edit, for each of its texts the words and their values, see
            `io.text_edits`; none for others.
        photos: ids or file names of the photos that get it; None for all. It is in no key.
    """

    name: str
    moves: tuple[tuple[str, float], ...]
    translation: str | None = None
    said: tuple[tuple[tuple[str, Any], ...], ...] = ()
    photos: tuple[str, ...] | None = None

    @property
    def texts(self) -> list[dict[str, Any]]:
        """What a text edit says, one text after the other, by word; none for others."""
        return [dict(words) for words in self.said]

    @property
    def attribute(self) -> str:
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
    return yaml.load(config_schema().read_text(), loader)


def default_config() -> Config:
    """The config of an empty file."""
    return complete({})


def read_config(path: Path, overrides: Iterable[str] = ()) -> Config:
    """Read a config file, apply `section.key=value` overrides, complete and check it.

    Raises:
        BadConfig: the file is missing, no YAML, or does not fit the schema.
    """
    return complete(_content(path), overrides)


def _content(path: Path) -> Mapping[str, Any]:
    content = plain_yaml.read(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BadConfig(f"{path}: must hold `key: value` lines")
    return content


def config_of_run(workflow: Any, words: Sequence[str] = ()) -> Config:
    """The config of a Snakemake run; of what is given twice its own reader takes the last.

    Args:
        workflow: Snakemake's, which knows the files of `configfile:`, `--configfile`, `--config`.
        words: the command line, in which `--config` may say something twice.

    Raises:
        BadConfig: see `read_config`.
    """
    given = workflow.config_settings
    later = [Path(path).absolute() for path in given.configfiles]
    files = [path for path in map(Path, workflow.configfiles) if path.absolute() not in later]
    content: Config = {}
    for path in [*([] if given.replace_workflow_config else files), *later]:
        _lay_over(content, _content(path))
    _check_entries(words)
    _lay_over(content, given.config)
    return complete(content)


def _lay_over(below: MutableMapping[str, Any], above: Mapping[str, Any]) -> None:
    """Section by section and key by key, as Snakemake does it."""
    for key, value in above.items():
        inner = below.get(key)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            below[key] = dict(inner)
            _lay_over(below[key], value)
        else:
            below[key] = value


def _check_entries(words: Sequence[str]) -> None:
    """Refuse what `--config a=1 a=2` gives twice."""
    entries, listening = [], False
    for word in words:
        option, equals, first = word.partition("=")
        if word.startswith("-"):
            listening = option in ("--config", "-C")
            entries += [first] if listening and equals else []
        elif listening and equals:
            entries.append(word)
    _check_twice(entries, "--config")
    for entry in entries:
        value = entry.partition("=")[2]
        if value.lstrip().startswith(("{", "[")):
            plain_yaml.parse_value(value, f"--config {entry!r}")


def _check_twice(assignments: Sequence[str], switch: str) -> None:
    """Refuse two `key=value` of one key, or of a section and a key in it.

    Raises:
        BadConfig: there are such.
    """
    given: dict[str, str] = {}
    for assignment in assignments:
        key = assignment.partition("=")[0].strip()
        for other, before in given.items():
            if key == other or key.startswith(f"{other}.") or other.startswith(f"{key}."):
                both = f"{_shown(before)} and {_shown(assignment)}"
                raise BadConfig(f"{switch} says {key} twice: {both}; keep one")
        given[key] = assignment


def knob(name: str) -> Mapping[str, Any]:
    """What the schema says of a knob: type, default, range.

    Args:
        name: dotted, like `translate.first_code` of the config or `sweep.frames` of a command.

    Raises:
        KeyError: there is no such knob.
    """
    for places in (schema()["properties"], schema()["$defs"]):
        entry: Any = {"properties": places}
        for word in name.split("."):
            entry = entry.get("properties", {}).get(word, {})
        if entry:
            return entry
    raise KeyError(name)


def check_knob(name: str, value: Any, *, where: str) -> Any:
    """A knob's value as the config would read it, whatever road it came by.

    Args:
        name: see `knob`.
        value: plain, or as text.
        where: what it was given by, like `--frames`.

    Raises:
        BadConfig: the value does not fit, in the words that the config has for it.
    """
    return checked(value, knob(name), Switch(where))


def check_degree(direction: str, degree: Any, *, where: str = "") -> float:
    """How far to go along a direction.

    Raises:
        BadConfig: it is no number, or beyond what any direction has a use for.
    """
    degree = check_knob("degree", degree, where=where or f"{direction}: degree")
    return degree


def complete(content: Mapping[str, Any], overrides: Iterable[str] = ()) -> Config:
    """Fill in defaults and check, after `section.key=value` overrides.

    Raises:
        BadConfig: a key is unknown, a value wrong, or two edits share a name.
    """
    if not isinstance(content, Mapping):
        raise BadConfig(f"config: must be sections and keys, found {type(content).__name__}")
    merged: Config = dict(content)
    overrides = list(overrides)
    _check_twice(overrides, "--set")
    for override in overrides:
        _override(merged, override)
    say_what_moved(merged)
    config: Config = checked(merged, schema())
    find_homes(config)
    _check_composer(config, said="method" in (merged.get("compose") or {}))
    order = config["mix"]["order"]
    if len(set(order)) < len(order):
        raise BadConfig(f"config: mix.order: {', '.join(order)}: each mix-up once at most")
    first, end = (config["translate"][name] for name in ("first_code", "end_code"))
    if end is not None and end <= first:
        raise BadConfig(
            f"config: translate.end_code must be greater than translate.first_code, which is "
            f"{first}, found {end}: no code would move"
        )
    if config["recipe"] != _EXTERNAL:  # folders may come later; `edits` looks at them
        _check_names([edit.name for edit in edits(config)])
    return config


def _check_composer(config: Config, *, said: bool) -> None:
    """Let a recipe have its own composer, and no other one.

    Raises:
        BadConfig: the config says another one.
    """
    own = _COMPOSERS.get(config["recipe"])
    if own is not None and not said:
        config["compose"]["method"] = own
    method = config["compose"]["method"]
    if method != own and (own is not None or method in _COMPOSERS.values()):
        owners = ", ".join(f"`{name}` is that of {recipe}" for recipe, name in _COMPOSERS.items())
        raise BadConfig(
            f"config: compose.method {method!r} does not go with recipe {config['recipe']}: "
            f"{owners}, the others are ripple's"
        )


def _check_names(names: Sequence[str]) -> None:
    """Refuse names of edits that would be one folder, on some disks or on all.

    Raises:
        BadConfig: there are such names, or one stands for the unedited photo.
    """
    names_of: dict[str, str] = {PHOTO: PHOTO}
    for name in names:
        other = names_of.setdefault(name.casefold(), name)
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


def _override(config: Config, override: str) -> None:
    """Set one dotted key; sections on the way are copied, so that the original stays."""
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise BadConfig(f"override {_shown(override)} is not of the form section.key=value")
    value = plain_yaml.parse_value(text, f"override {_shown(override)}")
    *sections, key = path.strip().split(".")
    for section in sections:
        inner = config.get(section)
        if inner is not None and not isinstance(inner, dict):
            raise BadConfig(f"override {_shown(override)}: {section!r} is no section")
        config[section] = dict(inner or {})
        config = config[section]
    _lay_over(config, {key: value})


def _shown(override: str) -> str:
    return repr(override if len(override) <= 80 else f"{override[:80]}...")


def edits(config: Config) -> list[Edit]:
    """The edits of a config.

    Raises:
        BadConfig: an edit names no direction and no translation, or a file of a translation cannot
            name an edit.
    """
    if config["recipe"] == _EXTERNAL:
        return _edited_elsewhere(config)
    if config["edits"] != ALL:
        return [_edit(entry) for entry in config["edits"]]
    names = library(config).edits()
    pattern = schema()["properties"]["edits"]["items"]["pattern"]
    for name in names:
        if not re.fullmatch(pattern, name):
            raise BadConfig(
                f"config: edits: the translation {name!r} cannot name an edit: a name starts with "
                "a letter and has only a-z, A-Z, 0-9, _ and -; call its file otherwise"
            )
    return [_edit(name) for name in names]


def _edited_elsewhere(config: Config) -> list[Edit]:
    """The folders of edited pictures: all, or those that the config names."""
    if config["edits"] == ALL:
        names = edit_folders(Path(config["edited"]))
        _check_names(names)
        return [Edit(name, ()) for name in names]
    for entry in config["edits"]:
        if not isinstance(entry, str) or entry == ALL:
            raise BadConfig(
                f"config: edits: {entry!r}: with recipe {_EXTERNAL} an edit is the name of a "
                f"folder in `edited` ({config['edited']}); write `edits: all` for all of them"
            )
    _check_names(config["edits"])
    return [Edit(name, ()) for name in config["edits"]]


def library(config: Config) -> Library:
    """The translations that a config means."""
    chosen, own = config["translations"], config["own_translations"]
    defaults = data_folder() / "translations" / EMBEDDED if chosen == EMBEDDED else Path(chosen)
    return Library(None if chosen == NONE else defaults, Path(own) if own else None)


def _edit(entry: Mapping[str, Any] | str) -> Edit:
    if entry == ALL:
        raise BadConfig("config: edits: write `edits: all` for all translations, without the list")
    if isinstance(entry, str):
        entry = {"name": entry, "translation": entry}
    if "photos" in entry:
        rest = {word: value for word, value in entry.items() if word != "photos"}
        return replace(_edit(rest), photos=tuple(entry["photos"]))
    if TEXT in entry or CHAIN in entry:
        from unripple.io.text_edits import edit_of_entry  # which needs this module

        return edit_of_entry(entry)
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
            "{pose: -3, glasses: 3} for several directions at once, a `translation`, a `text`, or "
            "a `chain` of texts"
        )
    if single:
        moves = {entry["direction"]: entry["degree"]}
    from unripple.io.published_names import edit_of_moves  # which needs this module

    return edit_of_moves(name, moves, where=f"config: edits: {name}: ")


def find_edit(config: Config, name: str) -> Edit:
    """The edit of that name.

    Raises:
        UnknownName: there is none; the text names the nearest.
    """
    by_name = {edit.name: edit for edit in edits(config)}
    if name not in by_name:
        raise UnknownName(f"no edit {name!r} in the config{nearest(name, by_name)}")
    return by_name[name]
