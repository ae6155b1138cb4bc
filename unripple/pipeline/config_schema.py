"""The stages' part of the config's schema, written from their declarations.

    python -m unripple.pipeline.config_schema

writes it into workflow/schemas/config.schema.yaml, below the line that says so. What stands above
belongs to no stage and is written by hand. The schema is a file, because whoever only reads configs
need not import a stage for that.
"""

from __future__ import annotations

import json
import textwrap
from typing import Any

import yaml

from unripple.paths import config_schema
from unripple.pipeline.graph import DECLARATIONS

MARK = (
    "  # Below: the sections of the stages, from their declarations in unripple/stages, by\n"
    "  # `python -m unripple.pipeline.config_schema`.\n"
)
_WIDTH = 100


def stage_sections() -> dict[str, Any]:
    """The sections of all stages as JSON Schema, in running order."""
    return {name: stage.schema for name, stage in DECLARATIONS.items()}


def with_stage_sections(text: str) -> str:
    """The text of the schema with the stages' sections written anew."""
    by_hand, mark, _ = text.partition(MARK)
    sections = [_section(name, entry, indent=2) for name, entry in stage_sections().items()]
    return by_hand + mark + "".join(sections)


def _section(name: str, entry: dict[str, Any], indent: int) -> str:
    """A section, one flow of words for each of its keys, with what it does below."""
    words = {key: value for key, value in entry.items() if key != "properties"}
    lines = [f"{name}:", *(f"  {key}: {_flow(value)}" for key, value in words.items())]
    text = (
        "\n".join([*lines, "  properties:" if entry["properties"] else "  properties: {}"]) + "\n"
    )
    for key, inner in entry["properties"].items():
        if "properties" in inner:
            text += _section(key, inner, indent=4)
        else:
            text += _knob(key, dict(inner))
    return textwrap.indent(text, " " * indent)


def _knob(key: str, entry: dict[str, Any]) -> str:
    about = entry.pop("description", None)
    words = f"    {key}: {_flow(entry)}"
    if about is None:
        return words + "\n"
    text = f"description: {json.dumps(about)}}}"  # in quotes, where line breaks are spaces
    return "\n".join([f"{words[:-1]},", *_wrapped(text)]) + "\n"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH - 2, initial_indent=" " * 6, subsequent_indent=" " * 8, break_on_hyphens=False
    )


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10 * _WIDTH)
    return text.removesuffix("...\n").rstrip("\n")


if __name__ == "__main__":
    path = config_schema()
    path.write_text(with_stage_sections(path.read_text()))
