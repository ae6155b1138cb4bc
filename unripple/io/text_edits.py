"""Edits that say in words what the picture shall show: one text, or a chain of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from unripple.conventions import BadConfig, BadText
from unripple.io.config import CHAIN, Edit, schema
from unripple.io.schema import Switch, checked
from unripple.ops.words import same_words

NEUTRAL = "a face"
METHOD = "direction"
TEMPLATES = "plain"
LONGEST = 8
"""Texts of a chain."""

Words: TypeAlias = tuple[tuple[str, Any], ...]


def properties() -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema()["properties"]["edits"]["items"]["properties"]
    return found


WORDS = (
    "text", "neutral", "method", "strength", "templates", "levels", "disentangle", "channels",
    "variant", "steps", "space", "near", "identity", "views", "start", "every", "mapper",
)  # fmt: skip
"""The keys of such an edit, beside its name: those of a text in a chain."""


def edit_of_entry(entry: Mapping[str, Any]) -> Edit:
    """The edit of an entry of `edits` in the config.

    Raises:
        BadText, BadConfig: see `text_edit`; or it says other things as well.
    """
    name, where = entry["name"], f"config: edits: {entry['name']}: "
    able = ("name", CHAIN) if CHAIN in entry else ("name", *WORDS)
    others = sorted(set(entry) - set(able))
    if others:
        what = "a chain" if CHAIN in entry else "a text"
        raise BadConfig(f"config: edits: {name!r} has {what}; leave {', '.join(others)} out")
    if CHAIN in entry:
        return chain_edit(name, entry[CHAIN], where=where)
    return text_edit(name, entry, where=where)


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
    return Edit(name, (), said=(_checked(said, where),))


def chain_edit(name: str, chain: Sequence[Mapping[str, Any] | str], *, where: str) -> Edit:
    """An edit that follows several texts, each from where the one before it came to.

    Args:
        name: names the results folder.
        chain: for each text what `text_edit` takes, or the text alone.
        where: beginning of messages.

    Raises:
        BadText, BadConfig: see `text_edit`; or there are no texts, or too many.
    """
    if not 1 <= len(chain) <= LONGEST:
        raise BadConfig(f"{where}{CHAIN} has {len(chain)} texts: 1 to {LONGEST} are possible")
    links = [{"text": link} if isinstance(link, str) else link for link in chain]
    for number, link in enumerate(links, start=1):
        unknown = [] if not isinstance(link, Mapping) else sorted(set(link) - set(WORDS))
        if not isinstance(link, Mapping) or unknown:
            found = unknown[0] if unknown else type(link).__name__
            raise BadConfig(
                f"{where}{CHAIN} {number}: wanted a text, or words like {{text: ..., strength: 2}},"
                f" found {found!r}; known: {', '.join(WORDS)}"
            )
    said = tuple(
        _checked(link, f"{where}{CHAIN} {number}: ") for number, link in enumerate(links, start=1)
    )
    return Edit(name, (), said=said)


def entry_of(edit: Edit) -> dict[str, Any]:
    """The words of a text edit's entry in the config, beside its name: the way back."""
    texts = [
        {
            word: list(value) if isinstance(value, tuple) else value
            for word, value in text.items()
            if value is not None
        }
        for text in edit.texts
    ]
    return texts[0] if len(texts) == 1 else {CHAIN: texts}


def with_strength(edit: Edit, strength: float) -> Edit:
    """A text edit that goes another way of its last text."""
    *before, last = edit.texts
    whole = [*before, {**last, "strength": float(strength)}]
    return replace(edit, said=tuple(tuple(sorted(words.items())) for words in whole))


def _checked(said: Mapping[str, Any], where: str) -> Words:
    known = properties()
    given = {
        word: checked(said[word], known[word], Switch(f"{where}{word}"))
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
    if same_words(text, neutral):
        both = (
            f"both {text!r}"
            if text.casefold() == neutral.casefold()
            else f"{text!r} and {neutral!r}"
        )
        raise BadText(
            f"{where}text and {where}neutral are {both}: one must say what the other does not"
        )
    if "disentangle" in given and "channels" in given:
        raise BadConfig(f"{where}disentangle and {where}channels: give one of the two")
    if "levels" in given:
        given["levels"] = tuple(dict.fromkeys(given["levels"]))
    whole = {
        "method": METHOD,
        "strength": None,
        "templates": TEMPLATES,
        **given,
        "text": text,
        "neutral": neutral,
    }
    return tuple(sorted(whole.items()))


def _plainly(text: str) -> str:
    """A text with single spaces, as CLIP reads it."""
    return " ".join(text.split())
