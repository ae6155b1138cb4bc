"""Edits of the config that say in words what the picture shall show."""

from __future__ import annotations

from typing import Any

import pytest

from unripple.conventions import BadConfig, BadText
from unripple.io.config import complete, edits
from unripple.ops.words import unknown_words, words_of


def edit_of(**said: Any) -> Any:
    """The one edit of a config."""
    (edit,) = edits(complete({"edits": [{"name": "specs", **said}]}))
    return edit


def test_a_text_and_what_goes_without_saying() -> None:
    edit = edit_of(text="  a face  with glasses ")
    assert edit.moves == () and edit.translation is None
    assert edit.text == {
        "text": "a face with glasses",
        "neutral": "a face",
        "method": "direction",
        "strength": None,
        "templates": "plain",
    }
    assert edit_of(text="a hat", strength=2).text["strength"] == 2.0
    assert hash(edit) is not None


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"text": " "}, "text is empty"),
        ({"text": "a hat", "neutral": ""}, "neutral is empty"),
        ({"text": "A face"}, "both 'A face'"),
    ],
)
def test_texts_that_say_nothing(said: dict[str, Any], wrong: str) -> None:
    with pytest.raises(BadText, match=wrong):
        edit_of(**said)


@pytest.mark.parametrize(
    "said",
    [
        {"text": "a hat", "degree": 3},
        {"text": "a hat", "disentangle": 0.1, "channels": 3},
        {"text": "a hat", "method": "magic"},
        {"text": "a hat", "strenght": 2},
    ],
)
def test_what_does_not_go_with_a_text(said: dict[str, Any]) -> None:
    with pytest.raises(BadConfig):
        edit_of(**said)


def test_words_that_somebody_does_not_know() -> None:
    assert words_of("A red-haired woman, a hat!") == ["a", "red-haired", "woman", "hat"]
    assert unknown_words("a face like Elsa", ["a", "face", "like"]) == ["elsa"]
    assert unknown_words("Elsa", []) == []  # nothing is known of the published CLIP
