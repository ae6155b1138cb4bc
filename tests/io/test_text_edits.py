"""Edits of the config that say in words what the picture shall show."""

from __future__ import annotations

from typing import Any

import pytest

from unripple.conventions import BadConfig, BadText
from unripple.io.config import complete, edits, schema
from unripple.io.text_edits import WORDS
from unripple.ops.drawn_words import WORDS as DRAWN
from unripple.ops.words import contradictions, numbers_of, unknown_words, words_of
from unripple.stages.texts import TextSettings
from unripple.training.clip_words import PREDICATES


def edit_of(**said: Any) -> Any:
    """The one edit of a config."""
    (edit,) = edits(complete({"edits": [{"name": "specs", **said}]}))
    return edit


def test_a_text_and_what_goes_without_saying() -> None:
    edit = edit_of(text="  a face  with glasses ")
    assert edit.moves == () and edit.translation is None
    assert edit.texts == [{
        "text": "a face with glasses",
        "neutral": "a face",
        "method": "direction",
        "strength": None,
        "templates": "plain",
    }]  # fmt: skip
    assert edit_of(text="a hat", strength=2).texts[0]["strength"] == 2.0
    assert edit_of(text="a hat", levels=["fine", "fine"]).texts[0]["levels"] == ("fine",)
    assert hash(edit) is not None


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"text": " "}, "text is empty"),
        ({"text": "a hat", "neutral": ""}, "neutral is empty"),
        ({"text": "A face"}, "both 'A face'"),
        ({"text": "the hat", "neutral": "a hat!"}, "'the hat' and 'a hat!'"),
        ({"chain": ["a hat", " "]}, "chain 2: text is empty"),
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
        {"text": "a hat", "levels": ["top"]},
        {"chain": []},
        {"chain": ["a hat"] * 9},
        {"chain": ["a hat"], "strength": 2},
        {"chain": [{"text": "a hat", "degree": 2}]},
    ],
)
def test_what_does_not_go_with_a_text(said: dict[str, Any]) -> None:
    with pytest.raises(BadConfig):
        edit_of(**said)


def test_a_chain_is_texts_in_their_order() -> None:
    edit = edit_of(
        chain=["a hat", {"text": "a beard", "strength": 2, "mapper": "mine.safetensors"}]
    )
    assert [text["text"] for text in edit.texts] == ["a hat", "a beard"]
    assert edit.texts[1]["strength"] == 2.0 and edit.texts[1]["mapper"] == "mine.safetensors"


def test_a_text_has_the_words_of_the_schema() -> None:
    properties = schema()["properties"]["edits"]["items"]["properties"]
    of_links = properties["chain"]["items"]["properties"]
    assert tuple(of_links) == WORDS and all(properties[word] == of_links[word] for word in WORDS)
    decided = {"faces", "roles", "apart"}  # by models and inverter
    assert set(WORDS) | decided == set(TextSettings.__dataclass_fields__)


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("a bald man with long hair", "'bald' and 'long hair'"),
        ("a young old woman", "'young' and 'old'"),
        ("a face wearing glasses without glasses", "'glasses' and 'without glasses'"),
        ("a person with blond hair and black hair", "'blond hair' and 'black hair'"),
        ("a bald man with no hair", None),
        ("a woman with long curly blond hair and pale skin", None),
        ("a man without a beard", None),
    ],
)
def test_what_excludes_each_other(text: str, both: str | None) -> None:
    assert contradictions(text) == ([both] if both else [])


def test_the_words_of_the_face_world_are_those_that_training_says() -> None:
    said = {
        word
        for one in PREDICATES
        for phrase in (*one.yes, *one.no, one.unseen)
        for word in words_of(phrase)
    }
    assert said <= DRAWN


def test_numbers_of_texts() -> None:
    texts = {"specs": "a face with glasses", "grey": "grey hair"}
    assert numbers_of("Specs + grey hair + Elsa", texts) == [0, 1, None]


def test_words_that_somebody_does_not_know() -> None:
    assert words_of("A red-haired woman, a hat!") == ["a", "red-haired", "woman", "hat"]
    assert unknown_words("a face like Elsa", ["a", "face", "like"]) == ["elsa"]
    assert unknown_words("Elsa", []) == []  # nothing is known of the published CLIP
