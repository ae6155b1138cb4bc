"""One user: previews, the pipeline's bytes, kept areas, translations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unripple
from unripple.conventions import BadPhoto, UnknownName, UnrippleError
from unripple.webui.app_state import AppState
from unripple.webui.edit_request import EditRequest
from unripple.webui.job_queue import Superseded
from unripple.webui.session import Session
from unripple.webui.translations import read_translation

ASKED = EditRequest({"pose": -2.0, "smile": 1.0})


@pytest.fixture
def session(app_state: AppState, tmp_path: Path) -> Session:
    folder = tmp_path / "session"
    folder.mkdir()
    one = Session(app_state, folder)
    one.open(Path("data/photos/bob.png"), "bob.png", app_state.models[0], "hfgi")
    return one


@pytest.mark.parametrize("inverter", ["hfgi", "e4e", "sfe", "hyperstyle"])
def test_the_result_is_that_of_a_live_session(
    session: Session, app_state: AppState, tmp_path: Path, inverter: str
) -> None:
    photo = Path("data/photos/bob.png")
    session.open(photo, "bob.png", app_state.models[0], inverter)
    session.preview(ASKED)
    session.full(ASKED)
    settings = {**app_state.config, "invert": {"method": inverter}}
    unripple.Editor(settings=settings).edit(photo, **ASKED.moves).save(tmp_path / "out.png")
    assert session.result_png() == (tmp_path / "out.png").read_bytes()


def test_a_preview_leaves_the_result_alone(session: Session) -> None:
    first = session.full(ASKED)
    assert first is not None
    before = session.result_png()
    drawn = session.preview(EditRequest({"pose": 3.0}))
    assert drawn.shape == (64, 64, 3) and drawn.dtype == np.uint8
    assert session.outcome is first and session.result_png() == before


def test_previews_follow_the_sliders_and_repeat(session: Session) -> None:
    one, other = (session.preview(EditRequest({"pose": by})) for by in (-2.0, 2.0))
    assert not np.array_equal(one, other)
    assert np.array_equal(one, session.preview(EditRequest({"pose": -2.0})))


def test_a_prepared_photo_is_not_looked_at_again(
    session: Session, app_state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = {**app_state.config["edit"], "attributes": "pixels"}
    app_state.config = {**app_state.config, "edit": edit}
    opened = session.open(Path("data/photos/bob.png"), "bob.png", app_state.models[0], "hfgi")
    opened.pixel_sketch.prepare()

    def look(*_: object) -> None:
        raise AssertionError("looked again")

    monkeypatch.setattr("unripple.webui.pixel_preview.see_face", look)
    assert session.preview(EditRequest({"jaw": 1.0})).ndim == 3


def test_nothing_asked_is_nothing_edited(session: Session) -> None:
    session.full(ASKED)
    assert session.full(EditRequest()) is None
    with pytest.raises(UnrippleError, match="no edit yet"):
        session.result_png()


def test_kept_pixels_are_the_photos_and_all_others_the_edits(
    session: Session, tmp_path: Path
) -> None:
    photo = np.asarray(Image.open("data/photos/bob.png"))
    whole = session.full(ASKED)
    assert whole is not None
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[20:70, 30:80] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert session.set_keep(tmp_path / "mask.png") == 50 * 50
    kept = session.full(ASKED)
    assert kept is not None and kept.kept
    inside = mask > 0
    assert not np.array_equal(whole.picture[inside], photo[inside])
    assert np.array_equal(kept.picture[inside], photo[inside])
    # The crop's pixels that the mask reaches stay whole, as in the workflow: its bytes are made.
    of_photo = (kept.picture == photo).all(axis=2)
    of_edit = (kept.picture == whole.picture).all(axis=2)
    assert (of_photo | of_edit)[~inside].mean() > 0.97 and of_edit[~inside].mean() > 0.8
    session.set_keep(None)
    again = session.full(ASKED)
    assert again is not None and np.array_equal(again.picture, whole.picture)


def test_a_mask_of_another_shape_is_refused(session: Session, tmp_path: Path) -> None:
    Image.new("L", (50, 90), 255).save(tmp_path / "mask.png")
    with pytest.raises(BadPhoto, match="50x90, the photo 120x90"):
        session.set_keep(tmp_path / "mask.png")


def test_a_kept_area_goes_with_its_photo(
    session: Session, app_state: AppState, tmp_path: Path
) -> None:
    Image.new("L", (120, 90), 255).save(tmp_path / "mask.png")
    session.set_keep(tmp_path / "mask.png")
    session.open(Path("data/photos/bob.png"), "bob.png", app_state.models[0], "e4e")
    assert session.keep is not None
    session.open(Path("data/photos/anna.png"), "anna.png", app_state.models[0], "e4e")
    assert session.keep is None


def test_a_saved_translation_gives_the_edit_it_was_saved_from(
    session: Session, app_state: AppState
) -> None:
    session.full(ASKED)
    with pytest.raises(UnrippleError, match="the photo's own pixels and draws no codes"):
        session.save_translation("Smile_max")
    edit = {**app_state.config["edit"], "attributes": "generator"}
    app_state.config = {**app_state.config, "edit": edit}
    session.open(Path("data/photos/bob.png"), "bob.png", app_state.models[0], "hfgi")
    session.full(ASKED)
    assert session.outcome is not None
    path = session.save_translation("Smile_max")
    assert path == app_state.translations / "user" / "Smile_max.npy"
    offset = read_translation("user/Smile_max", app_state.all_translations())
    assert np.array_equal(offset, session.outcome.offset)
    moved = session.outcome.picture
    session.full(EditRequest(translation="user/Smile_max"))
    assert np.abs(session.outcome.picture.astype(int) - moved).max() <= 1  # float32 sums
    near = session.preview(EditRequest(translation="user/Smile_max")).astype(int)
    assert np.abs(near - session.preview(ASKED)).max() <= 1


def test_a_translation_of_other_models_is_refused(session: Session, app_state: AppState) -> None:
    folder = app_state.translations / "user"
    folder.mkdir(parents=True)
    np.save(folder / "Hc_4.npy", np.zeros((18, 512), np.float32))
    for draw in (session.preview, session.full):
        with pytest.raises(UnrippleError, match="made for others"):
            draw(EditRequest(translation="user/Hc_4"))


def test_an_edit_that_nobody_wants_any_more_ends_between_steps(session: Session) -> None:
    steps: list[int] = []

    def check() -> None:
        steps.append(1)
        if len(steps) == 8:
            raise Superseded("a newer setting came")

    with pytest.raises(Superseded):
        session.full(ASKED, check)
    assert len(steps) == 8 and session.outcome is None
    assert session.full(ASKED) is not None


def test_a_sleeping_session_wakes_with_what_it_had(session: Session, tmp_path: Path) -> None:
    session.full(ASKED)
    before = session.result_png()
    assert session.held_bytes > 90 * 120 * 3
    session.evict()
    assert session.evicted and session.held_bytes == 0
    session.restore()
    session.full(ASKED)
    assert session.result_png() == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "wanted"),
        ({"moves": {"pose": "far"}}, "pose: degree must be a number, found a text: 'far'"),
        ({"moves": {"pose": float("nan")}}, "pose: degree must be a number, found nan"),
        ({"moves": {"pose": 1e9}}, "pose: degree must be at most 100, found"),
        ({"moves": ["pose"]}, "wanted"),
    ],
)
def test_what_no_slider_says_is_refused(content: object, told: str) -> None:
    with pytest.raises(UnrippleError, match=told):
        EditRequest.from_json(content)


def test_unknown_directions_are_named(session: Session) -> None:
    for draw in (session.preview, session.full):
        with pytest.raises(UnknownName, match="did you mean 'pose'"):
            draw(EditRequest({"poze": 1.0}))
