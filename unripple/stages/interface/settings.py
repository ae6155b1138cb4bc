"""Settings of a stage or method, declared once: type, default, range and what they do.

A settings class is a frozen dataclass. Its fields that are `knob(...)` are what people may set; the
config's schema is made of them (`section_schema`), and by the schema every road is checked (config,
command line, Python, page). Its other fields are decided when a job is planned, from other sections
of the config or from the models.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy.typing as npt

STATED_SIDE_PX = 128.0
"""Side of the aligned picture for which lengths and areas are stated in the config."""

_KNOB = "knob"
_JSON_TYPES: Mapping[Any, str] = {
    int: "integer",
    float: "number",
    str: "string",
    bool: "boolean",
    type(None): "null",
}


@dataclass(frozen=True)
class Knob:
    """What is known of a setting beside its type and default.

    Attributes:
        help: what it does, as in config.yaml.
        minimum, above, maximum: its range; `above` is not part of it.
        choices: its values, where its type does not say; the names of a registry grow with it.
        also: values beside `choices`, before them.
        schema: more words of JSON Schema.
    """

    help: str
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    choices: Iterable[Any] = ()
    also: tuple[Any, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)


def knob(default: Any, help: str, **about: Any) -> Any:
    """A field that people may set.

    Args:
        default: its default.
        help: see `Knob`, as all others.
    """
    return field(default=default, metadata={_KNOB: Knob(help, **about)})


_Own = TypeVar("_Own", bound="Settings")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of the settings of a stage or method; one without any is used as it is."""

    @classmethod
    def of(cls: type[_Own], values: Mapping[str, Any]) -> _Own:
        """The settings that a job carries; what this class does not know is for others."""
        names = {one.name for one in fields(cls)}
        return cls(**{_field(key): value for key, value in values.items() if _field(key) in names})

    def grown(self: _Own, picture: npt.NDArray[Any]) -> _Own:
        """The same with all lengths (`..._px`) and areas (`..._area_px`), which are stated at
        128 px, in the pixels of a picture [H, W, ...]."""
        lengths = {
            one.name: grown(one.name, getattr(self, one.name), picture)
            for one in fields(self)
            if one.name.endswith("_px") and _KNOB in one.metadata
        }
        return replace(self, **lengths)


def _field(key: str) -> str:
    """A key of the config as a field's name: `except` is a word of Python."""
    return f"{key}_" if key == "except" else key


def grown(name: str, stated: float, picture: npt.NDArray[Any]) -> Any:
    """A length or, by its name, an area, stated at 128 px, in the pixels of this picture."""
    scale = math.sqrt(picture.shape[0] * picture.shape[1]) / STATED_SIDE_PX
    if scale == 1.0:
        return stated
    return round(stated * scale**2) if name.endswith("_area_px") else stated * scale


def knobs_of(settings: type[Settings]) -> dict[str, Knob]:
    """The knobs of a settings class, by their key in the config."""
    return {
        one.name.rstrip("_"): one.metadata[_KNOB]
        for one in fields(settings)
        if _KNOB in one.metadata
    }


def section_schema(
    settings: type[Settings], own: Mapping[str, type[Settings]] | None = None
) -> dict[str, Any]:
    """A section of the config as JSON Schema, closed, with the defaults in it.

    Args:
        settings: its knobs.
        own: sections within it, of methods with settings of their own.
    """
    hints = typing.get_type_hints(settings)
    properties = {
        one.name.rstrip("_"): _property(hints[one.name], one.default, one.metadata[_KNOB])
        for one in fields(settings)
        if _KNOB in one.metadata
    }
    properties |= {name: section_schema(inner) for name, inner in (own or {}).items()}
    return {
        "type": "object",
        "default": {},
        "additionalProperties": False,
        "properties": properties,
    }


def _property(hint: Any, default: Any, declared: Knob) -> dict[str, Any]:
    choices = [*declared.also, *declared.choices]
    if typing.get_origin(hint) is typing.Literal:
        hint, choices = str, list(typing.get_args(hint))
    kinds = typing.get_args(hint) if _is_union(hint) else (hint,)
    names = [_JSON_TYPES.get(kind, "array") for kind in kinds]
    entry: dict[str, Any] = {
        "type": names[0] if len(names) == 1 else names,
        "default": list(default) if isinstance(default, tuple) else default,
    }
    bounds = {
        "minimum": declared.minimum,
        "exclusiveMinimum": declared.above,
        "maximum": declared.maximum,
    }
    entry |= {word: bound for word, bound in bounds.items() if bound is not None}
    if "array" in names:
        entry["items"] = {"type": "string", **({"enum": choices} if choices else {})}
    elif choices:
        entry["enum"] = choices
    entry |= declared.schema
    if declared.help:
        entry["description"] = declared.help
    return entry


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)
