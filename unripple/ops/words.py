"""Words of a text, and which of them somebody does not know."""

from __future__ import annotations

import re
from collections.abc import Collection

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, each once, in their order."""
    return list(dict.fromkeys(_WORD.findall(text.lower())))


def unknown_words(text: str, known: Collection[str]) -> list[str]:
    """Words of a text that a network was not trained on; none where nothing is known of it."""
    return [word for word in words_of(text) if word not in known] if known else []
