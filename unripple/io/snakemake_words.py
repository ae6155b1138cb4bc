"""What Snakemake's command line gives as config, read strictly before Snakemake reads it.

Snakemake reads the files of `--configfile` and the entries of `--config` before any workflow, and
ends in a traceback over a date that does not exist, a key of one letter or an entry without `=`.
Whoever is asked before (its executor plugin's settings are) says it in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from unripple.conventions import BadConfig
from unripple.io import plain_yaml
from unripple.io.config import schema
from unripple.io.schema import nearest

_FILES = ("--configfile", "--configfiles")
_ENTRIES = ("--config", "-C")


def check(words: Sequence[str]) -> None:
    """Refuse what Snakemake could not read, or would read otherwise than it is meant.

    Args:
        words: of the command line, without the program.

    Raises:
        BadConfig: a file is missing or no YAML, or an entry is no `key=value` of the config.
    """
    for file in _values(words, _FILES):
        plain_yaml.check_for_snakemake(Path(file))
    for entry in _values(words, _ENTRIES):
        _check_entry(entry)


def _check_entry(entry: str) -> None:
    key, equals, value = entry.partition("=")
    shown = f"--config {entry if len(entry) <= 80 else entry[:80] + '...'}"
    if not equals:
        raise BadConfig(f"{shown}: wanted key=value, like photos=my/photos")
    properties = schema()["properties"]
    if key not in properties:
        raise BadConfig(f"{shown}: unknown key {key!r}{nearest(key, properties)}")
    if value.lstrip().startswith(("{", "[")):
        plain_yaml.parse_value(value, shown)


def _values(words: Sequence[str], options: tuple[str, ...]) -> Iterator[str]:
    """The words after some options, up to the next option; also `--option=value`, `-Cvalue`."""
    listening = False
    for word in words:
        if word == "--":
            return
        option, equals, value = word.partition("=")
        short = next((name for name in options if len(name) == 2 and word.startswith(name)), None)
        if option in options:
            listening = True
            if equals:
                yield value
        elif short:
            listening = True
            yield word[2:]
        elif re.match(r"--?[A-Za-z]", word):
            listening = False
        elif listening:
            yield word
