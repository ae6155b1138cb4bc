"""Checking plain values against the part of JSON Schema that a config needs.

Known words: type, properties, additionalProperties, required, items, enum, minimum, maximum,
exclusiveMinimum, pattern, default. Beyond checking, defaults are filled in, numbers written as
text (Snakemake's command line gives those) are read, and integers become floats where the schema
says number, so that -3 and -3.0 are one value.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from unripple.conventions import BadConfig

_PLAIN_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a section (key: value)",
    "null": "null",
}
_LIMITS = {"minimum": "at least", "maximum": "at most"}


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: '; did you mean ...?' or the list of names there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def checked(value: Any, schema: Mapping[str, Any], where: str = "") -> Any:
    """The value with defaults filled in and numbers read.

    Args:
        value: plain lists, dicts, numbers, texts.
        schema: see above.
        where: dotted path of the value, for messages.

    Raises:
        BadConfig: the value does not fit; the text says where, what was found and what is wanted.
    """
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    for kind in kinds:
        fits, converted = _READERS[kind](value)
        if fits:
            value = converted
            break
    else:
        if kinds:
            wanted = " or ".join(_PLAIN_NAMES[kind] for kind in kinds)
            raise BadConfig(f"{_at(where)} must be {wanted}, found {_found(value)}")
    if isinstance(value, Mapping):
        value = _section(value, schema, where)
    elif isinstance(value, list):
        items = schema.get("items", {})
        value = [checked(item, items, f"{where}[{index}]") for index, item in enumerate(value)]
    _check_bounds(value, schema, where)
    return value


def _section(section: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    known: Mapping[str, Any] = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    filled = {}
    for key, value in section.items():
        path = f"{where}.{key}" if where else str(key)
        if key in known:
            filled[key] = checked(value, known[key], path)
        elif others is False:
            hint = nearest(str(key), known)
            raise BadConfig(f"{_at(where)}: unknown key {key!r}{hint}")
        else:
            filled[key] = checked(value, others if isinstance(others, Mapping) else {}, path)
    for key, entry in known.items():
        if key in filled:
            continue
        if "default" in entry:
            path = f"{where}.{key}" if where else key
            filled[key] = checked(entry["default"], entry, path)
        elif key in schema.get("required", ()):
            raise BadConfig(f"{_at(where)} lacks the key {key!r}")
    return filled


def _check_bounds(value: Any, schema: Mapping[str, Any], where: str) -> None:
    if "enum" in schema and value not in schema["enum"]:
        options = [str(option) for option in schema["enum"]]
        close = difflib.get_close_matches(str(value), options, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise BadConfig(f"{_at(where)} must be one of {', '.join(options)}, found {value!r}{hint}")
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        meaning = schema.get("description", f"of the form {schema.get('pattern')}")
        raise BadConfig(f"{_at(where)}: {value!r} does not fit: {meaning}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < schema.get("minimum", -math.inf) or value > schema.get("maximum", math.inf):
            limits = [f"{word} {schema[key]}" for key, word in _LIMITS.items() if key in schema]
            raise BadConfig(f"{_at(where)} must be {' and '.join(limits)}, found {value:g}")
        if value <= schema.get("exclusiveMinimum", -math.inf):
            low = schema["exclusiveMinimum"]
            raise BadConfig(f"{_at(where)} must be greater than {low}, found {value:g}")


def _at(where: str) -> str:
    return f"config: {where}" if where else "config"


def _found(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object"}
    kinds |= {list: "array", type(None): "null"}
    name = _PLAIN_NAMES.get(kinds.get(type(value), ""), type(value).__name__)
    return name if value is None or isinstance(value, dict | list) else f"{name}: {value!r}"


def _read_integer(value: Any) -> tuple[bool, Any]:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+\s*", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return isinstance(value, int) and not isinstance(value, bool), value


def _read_number(value: Any) -> tuple[bool, Any]:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return False, value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False, value
    return math.isfinite(value), float(value)


def _read_boolean(value: Any) -> tuple[bool, Any]:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    return isinstance(value, bool), value


def _read_null(value: Any) -> tuple[bool, Any]:
    return value in (None, "null", ""), None


_READERS: Mapping[str, Callable[[Any], tuple[bool, Any]]] = {
    "integer": _read_integer,
    "number": _read_number,
    "boolean": _read_boolean,
    "null": _read_null,
    "string": lambda value: (isinstance(value, str), value),
    "array": lambda value: (isinstance(value, list), value),
    # A section whose keys are all commented out reads as None.
    "object": lambda value: (value is None or isinstance(value, Mapping), value or {}),
}
