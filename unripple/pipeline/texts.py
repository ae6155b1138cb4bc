"""What to tell about the text of an edit before it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unripple.ops.words import unknown_words
from unripple.zoo.zoo import Zoo


def text_warnings(said: Mapping[str, Any], zoo: Zoo) -> list[str]:
    """One sentence where a text has words that the CLIP chosen was not trained on.

    Raises:
        BadConfig: the models have no CLIP.
        BadCheckpoint: its file is missing.
    """
    known = zoo.metadata("clip").get("words", ())
    words = [w for key in ("text", "neutral") for w in unknown_words(said[key], known)]
    if not words:
        return []
    listed = ", ".join(repr(word) for word in dict.fromkeys(words))
    return [f"{said['text']!r}: this CLIP was not trained on {listed}: expect anything"]
