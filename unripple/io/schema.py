"""Checking plain values against the part of JSON Schema that a config needs.

Known words: type, properties, additionalProperties, required, items, enum, minimum, maximum,
exclusiveMinimum, minLength, pattern, default; a pattern is about the whole text. Beyond checking,
defaults are filled in, numbers written as text (command lines give those) are read, and integers
become floats where the schema says number, so that -3 and -3.0 are one value.
"""

from __future__ import annotations

import difflib
import math
import numbers
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
_LIMITS = {"minimum": "at least", "exclusiveMinimum": "greater than", "maximum": "at most"}
MOST_DIGITS = 18  # of a whole number: all that 64 bits hold
_BOOLEANS = dict.fromkeys(("true", "yes", "on"), True)
_BOOLEANS |= dict.fromkeys(("false", "no", "off"), False)
_LONGEST_SHOWN = 60  # letters of a wrong value in a message
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)
_ENDLESS = re.compile(r"nan|[-+]?inf(inity)?|[-+]?\.inf|\.nan")  # texts that are no numbers of ours
_MISREAD: Mapping[str, str] = {
    rf"[-+]?[0-9]{{{MOST_DIGITS + 1},}}": "a number has at most {most} digits, this one {digits}",
    r"[-+]?0[0-9_]+": "some programs take a number that begins with 0 for octal; write {plain}",
    r"[-+]?0[xob][0-9a-fA-F_]+": "write the number in decimal",
    r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?": "write the number without _, like {plain}",
    r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?": "some programs take colons for base 60 (1:30 "
    "for 90); write the number in decimal",
}
"""Numbers that YAML 1.1, YAML 1.2 and people read differently, and what to say of them."""
_MISREAD_AT_ALL = re.compile(r"[-+]?[0-9][0-9_:xoba-fA-F.]+", re.ASCII)


class Switch(str):
    """Where a value stands that is not in a config: a switch or an argument, like `--frames`."""

    __slots__ = ()


def nearest(name: str, choices: Iterable[str]) -> str:
    """A hint for a misspelt name: '; did you mean ...?' or the list of names there are."""
    names = sorted(choices)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def misread(text: str) -> str | None:
    """Why a number is refused that some readers take for another one than it seems; else None."""
    if _MISREAD_AT_ALL.fullmatch(text) is None:
        return None
    for pattern, why in _MISREAD.items():
        if re.fullmatch(pattern, text, re.ASCII):
            plain = text.lstrip("+-").replace("_", "").lstrip("0") or "0"
            sign = "-" if text[0] == "-" else ""
            reason = why.format(most=MOST_DIGITS, digits=len(text.lstrip("+-")), plain=sign + plain)
            return f"{_short(text)}: {reason}, or put it in quotes if it is a text"
    return None


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
        if kinds and "enum" not in schema:
            kinds_text = " or ".join(_PLAIN_NAMES[kind] for kind in kinds)
            actual = f"{_found(value)}{_remedy(value, kinds)}"
            raise BadConfig(f"{_at(where)} must be {kinds_text}, found {actual}")
    if isinstance(value, Mapping):
        value = _section(value, schema, where)
    elif isinstance(value, list):
        items = schema.get("items", {})
        value = [checked(item, items, f"{where}[{index}]") for index, item in enumerate(value)]
    _check_bounds(value, schema, where)
    return value


def _section(section: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    filled = {}
    for key, value in section.items():
        if not isinstance(key, str):
            raise BadConfig(f"{_at(where)}: the key {_short(repr(key))} is no text")
        path = f"{where}.{key}" if where else key
        if key in properties:
            filled[key] = checked(value, properties[key], path)
        elif others is False:
            raise BadConfig(f"{_at(where)}: unknown key {key!r}{nearest(key, properties)}")
        else:
            filled[key] = checked(value, others if isinstance(others, Mapping) else {}, path)
    for key, entry in properties.items():
        if key in filled:
            continue
        if "default" in entry:
            path = f"{where}.{key}" if where else key
            filled[key] = checked(entry["default"], entry, path)
        elif key in schema.get("required", ()):
            raise BadConfig(f"{_at(where)} lacks the key {key!r}")
    return filled


def _check_bounds(value: Any, schema: Mapping[str, Any], where: str) -> None:
    allowed = schema.get("enum", [value])
    if not any(type(value) is type(option) and value == option for option in allowed):
        options = [_as_written(option) for option in allowed]
        close = difflib.get_close_matches(str(value), options, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        shown = _shown(value)
        raise BadConfig(f"{_at(where)} must be one of {', '.join(options)}, found {shown}{hint}")
    if isinstance(value, str):
        _check_text(value, schema, where)
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, above = schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
        if value < low or value <= above or value > schema.get("maximum", math.inf):
            low_words = ("minimum", "exclusiveMinimum")
            words = ("maximum",) if value >= low and value > above else low_words
            limits = [f"{_LIMITS[word]} {schema[word]}" for word in words if word in schema]
            raise BadConfig(f"{_at(where)} must be {' and '.join(limits)}, found {_figure(value)}")


def _check_text(value: str, schema: Mapping[str, Any], where: str) -> None:
    fits = re.fullmatch(schema["pattern"], value) if "pattern" in schema else True
    if not fits or len(value) < schema.get("minLength", 0):
        meaning = schema.get("description", f"of the form {schema.get('pattern')}")
        raise BadConfig(f"{_at(where)}: {_short(repr(value))} does not fit: {meaning}")
    if "\0" in value:
        raise BadConfig(f"{_at(where)}: {_short(repr(value))} has a NUL character in it")


def _at(where: str) -> str:
    if isinstance(where, Switch):
        return where
    return f"config: {where}" if where else "config"


def _as_written(option: Any) -> str:
    return str(option).lower() if isinstance(option, bool) else str(option)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _shown(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _figure(value)  # a very long one has no repr
    return _short(repr(value))


def _figure(value: float) -> str:
    if isinstance(value, int):
        return str(value) if abs(value) < 10**MOST_DIGITS else "one of far too many digits"
    return f"{value:g}"


def _found(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object"}
    kinds |= {list: "array", type(None): "null"}
    name = _PLAIN_NAMES.get(kinds.get(type(value), ""), type(value).__name__)
    if value is None or isinstance(value, dict | list):
        return name
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str) and _ENDLESS.fullmatch(value.strip().lower()):
        return value.strip().lower().replace(".", "").removesuffix("inity")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{name}: {_figure(value)}"
    return f"{name}: {_shown(value)}"


def _remedy(value: Any, kinds: Iterable[str]) -> str:
    """What to write instead, where that is plain."""
    if isinstance(value, str) and {"integer", "number"} & set(kinds):
        why = misread(value.strip())
        if why is not None:
            return f" ({why.partition(': ')[2].partition(', or put')[0]})"
        if re.fullmatch(r"\s*[-+]?[0-9]+,[0-9]+\s*", value):
            return "; write a point for the comma"
    if "string" in kinds and isinstance(value, int | float):
        return "; put it in quotes if it is a text"
    return ""


def _read_integer(value: Any) -> tuple[bool, Any]:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()) and not misread(value.strip()):
        value = int(value)
    if isinstance(value, numbers.Integral):
        return not isinstance(value, bool), value if isinstance(value, bool) else int(value)
    is_number, number = _read_number(value)
    if isinstance(value, str) or not is_number or not number.is_integer():
        return False, value
    return True, int(number)


def _read_number(value: Any) -> tuple[bool, Any]:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) and not misread(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False, value
    try:
        number = float(value)
    except OverflowError:
        return False, value
    return math.isfinite(number), number


def _read_boolean(value: Any) -> tuple[bool, Any]:
    """Words of YAML 1.1 are read where nothing but true or false can be meant."""
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        value = _BOOLEANS[value.lower()]
    return isinstance(value, bool), value


def _read_null(value: Any) -> tuple[bool, Any]:
    return value is None or (isinstance(value, str) and value in ("null", "")), None


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
