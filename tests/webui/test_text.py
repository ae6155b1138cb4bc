"""The text tab: what it offers, previews, the pipeline's bytes, chains that go into a batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unripple
from tests.tiny_clip import save_clip
from unripple.conventions import BadText, UnrippleError
from unripple.io.config import edits, read_config
from unripple.io.schema import Switch, checked
from unripple.io.text_edits import properties
from unripple.models import text_leads
from unripple.webui.app_state import AppState
from unripple.webui.edit_request import EditRequest
from unripple.webui.session import Session
from unripple.webui.text_controls import CHANNELS, DISENTANGLE, STRENGTHS
from unripple.zoo.zoo import Zoo

PHOTO = Path("data/photos/bob.png")
HAT = {"text": "a face with a hat", "strength": 1.5, "method": "direction"}
BEARD = {"text": "a face with a beard", "neutral": "a face", "method": "direction", "strength": 2}


def asked(*texts: Any, **more: Any) -> EditRequest:
    return EditRequest.from_json({"moves": {}, "texts": list(texts), **more})


@pytest.fixture
def session(app_state: AppState, project: Path, tmp_path: Path) -> Session:
    """A session whose models have a CLIP."""
    save_clip(project / "clip.safetensors")
    models = {**app_state.config["models"], "clip": "clip.safetensors"}
    models["clip"] = str(project / "clip.safetensors")
    app_state.config = {**app_state.config, "models": models}
    folder = tmp_path / "session"
    folder.mkdir()
    one = Session(app_state, folder)
    one.open(PHOTO, "bob.png", app_state.models[0], "hfgi")
    return one


def test_what_the_tab_offers(session: Session) -> None:
    told = session.state.describe(session.state.models[0])["texts"]
    methods = {"direction", "global", "optimise", "mapper"}
    assert set(told["methods"]) == methods and told["method"] == "direction"
    assert "hat" in told["words"] and json.dumps(told)
    for word, ends in (
        ("strength", STRENGTHS),
        ("disentangle", DISENTANGLE),
        ("channels", CHANNELS),
    ):
        for value in ends[:2]:
            checked(value, properties()[word], Switch(word))


def test_models_without_a_clip_offer_no_texts(
    app_state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    has = Zoo.has
    monkeypatch.setattr(Zoo, "has", lambda zoo, role: role != "clip" and has(zoo, role))
    assert app_state.describe(app_state.models[0])["texts"] is None


def test_the_result_is_that_of_a_live_session(session: Session, tmp_path: Path) -> None:
    outcome = session.full(asked(HAT, BEARD))
    settings = session.state.config
    unripple.Editor(settings=settings).edit(PHOTO, chain=[HAT, BEARD]).save(tmp_path / "out.png")
    assert session.result_png() == (tmp_path / "out.png").read_bytes()
    assert outcome is not None
    assert (
        outcome.told[0] == "'a face with a hat', seen from 'a face': method direction, strength 1.5"
    )
    assert outcome.told[2].startswith("likeness to the text by CLIP")


def test_a_slider_does_not_ask_clip_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = session.preview(asked(HAT))

    def never(*_: Any) -> Any:
        raise AssertionError("the direction was there")

    monkeypatch.setattr(text_leads, "likeness", never)
    other = session.preview(asked({**HAT, "strength": -3}))
    assert not np.array_equal(first, other)
    session.full(asked({**HAT, "strength": 3}))  # nor does the pipeline


def test_a_batch_gets_the_texts_and_gives_the_same_bytes(session: Session) -> None:
    session.full(asked(HAT, BEARD))
    session.add_to_batch("both")
    session.full(asked(BEARD))
    added = session.add_to_batch("beard")
    both, beard = edits(read_config(added.batch))
    assert [text["text"] for text in both.texts] == [HAT["text"], BEARD["text"]]
    assert both.said == asked(HAT, BEARD).said and beard.said == asked(BEARD).said
    editor = unripple.Editor(settings=read_config(added.batch))
    assert np.array_equal(editor.edit(PHOTO, beard).picture, session.outcome.picture)  # type: ignore[union-attr]
    again = session.add_to_batch("beard")
    assert not again.new


def test_a_preview_leaves_out_what_takes_minutes(session: Session) -> None:
    slow = {"text": "a beard", "method": "optimise"}
    quick = session.preview(asked(HAT, slow))
    assert np.array_equal(quick, session.preview(asked(HAT)))


@pytest.mark.parametrize(
    ("content", "kind", "wrong"),
    [
        ({"texts": [{"text": " "}]}, BadText, "text is empty"),
        ({"texts": [{"text": "a face"}]}, BadText, "must say what the other does not"),
        ({"texts": "hat"}, UnrippleError, "wanted a list"),
        ({"texts": [3]}, UnrippleError, "wanted a text"),
        ({"texts": [{"text": "a hat", "mapper": "/etc/passwd"}]}, UnrippleError, "not a file"),
        ({"texts": ["a hat"], "moves": {"pose": 1}}, UnrippleError, "reset one of the two"),
    ],
)
def test_what_the_page_may_not_ask(content: Any, kind: type[Exception], wrong: str) -> None:
    with pytest.raises(kind, match=wrong):
        EditRequest.from_json({"moves": {}, **content})


def test_texts_that_clip_cannot_read_are_told(session: Session) -> None:
    with pytest.raises(BadText, match="77 at most"):
        session.full(asked({"text": "hat " * 80}))
