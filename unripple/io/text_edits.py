"""Edits that say in words what the picture shall show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unripple.conventions import BadConfig, BadText
from unripple.io.config import Edit, schema
from unripple.io.schema import Switch, checked

NEUTRAL = "a face"
METHOD = "direction"
TEMPLATES = "plain"
WORDS = (
    "text", "neutral", "method", "strength", "templates", "disentangle", "channels", "steps",
    "space", "near", "identity",
)  # fmt: skip
"""The keys of such an edit, beside its name."""


def text_edit(name: str, said: Mapping[str, Any], *, where: str) -> Edit:
    """An edit of the config, the command line or Python that follows a text.

    Args:
        name: names the results folder.
        said: values of `WORDS`; what is left out or None is the default.
        where: beginning of messages; the word follows.

    Raises:
        BadText: there is no text, or neutral says the same.
        BadConfig: a value does not fit.
    """
    schemas = schema()["properties"]["edits"]["items"]["properties"]
    given = {
        word: checked(said[word], schemas[word], Switch(f"{where}{word}"))
        for word in WORDS
        if said.get(word) is not None
    }
    text = _plainly(given.get("text", ""))
    neutral = _plainly(given.get("neutral", NEUTRAL))
    for word, value in (("text", text), ("neutral", neutral)):
        if not value:
            raise BadText(
                f"{where}{word} is empty; say what the picture shall show, like 'a face with "
                "glasses'"
            )
    if text.casefold() == neutral.casefold():
        raise BadText(
            f"{where}text and {where}neutral are both {text!r}: one must say what the other does "
            "not"
        )
    if "disentangle" in given and "channels" in given:
        raise BadConfig(f"{where}disentangle and {where}channels: give one of the two")
    whole = {
        "method": METHOD,
        "strength": None,
        "templates": TEMPLATES,
        **given,
        "text": text,
        "neutral": neutral,
    }
    return Edit(name, (), said=tuple(sorted(whole.items())))


def _plainly(text: str) -> str:
    """A text with single spaces, as CLIP reads it."""
    return " ".join(text.split())
