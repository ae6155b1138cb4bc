"""The page in a real browser: what people do, and what screen readers get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import unripple
from tests.webui.browsing import SIZES, Watched, server
from tests.webui.steps import unfold
from unripple.io.config import edits, read_config

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_upload_slide_edit_save_and_add(
    watched: Watched, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = watched.page
    width = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_input_files("#u-upload", folder / "data" / "photos" / "bob.png")
    watched.wait("unripple.photo.name === 'bob.png'")
    watched.slide("yaw", -2.0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save image").click()
    download.value.save_as(tmp_path / "saved.png")
    monkeypatch.chdir(folder)
    editor = unripple.Editor(settings=read_config(Path("config.yaml")))
    editor.edit("data/photos/bob.png", yaw=-2.0).save(tmp_path / "wanted.png")
    assert (tmp_path / "saved.png").read_bytes() == (tmp_path / "wanted.png").read_bytes()
    unfold(watched, "Queue")
    page.get_by_label("Name of the edit").fill(f"from_{width}")
    page.get_by_role("button", name="Add to the queue").click()
    page.get_by_text("snakemake --configfile batch.yaml").wait_for()
    assert f"from_{width}" in [edit.name for edit in edits(read_config(folder / "batch.yaml"))]
    unfold(watched, "Models")
    page.get_by_label("Name of the translation").fill("A_1")
    page.get_by_role("button", name="Save translation").click()
    page.get_by_text("Saved as").wait_for()
    assert (folder / "data/translations/user/A_1.npy").exists()


def test_keys_turn_the_head_and_reset_it(watched: Watched) -> None:
    page = watched.page
    page.locator("#u-pad").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert page.locator("#u-slider-yaw").input_value() == "-5"
    watched.settled()
    page.keyboard.press("Home")
    assert page.locator("#u-slider-yaw").input_value() == "0"
    watched.wait("unripple.made.length === 0")
    page.locator("#u-slider-smile").focus()
    page.keyboard.press("ArrowRight")
    watched.settled()
    page.get_by_role("button", name="Reset all").press("Enter")
    assert page.locator("#u-slider-smile").input_value() == "0"
    page.locator("#u-swipe").focus()
    before = page.locator("#u-swipe").input_value()
    watched.slide("yaw", 1.0)
    page.locator("#u-swipe").press("ArrowRight")
    assert page.locator("#u-swipe").input_value() != before


def test_every_view_shows_a_picture(watched: Watched) -> None:
    page = watched.page
    watched.slide("yaw", -2.0)
    images = "[...document.querySelectorAll('{}')].filter(i => i.hasAttribute('src'))"
    loaded = f"{images}.every(i => i.complete && i.naturalWidth > 0)"
    for view in ("inversion", "edit", "ripple", "result", "difference", "photo"):
        page.locator(f"input[name=u-shown][value={view}]").check()
        watched.wait(loaded.format("#u-frame img"))
    page.locator("input[name=u-compare][value=all]").check()
    assert page.locator("#u-tiles img").count() == 6
    watched.wait(loaded.format("#u-tiles img"))
    page.locator("input[name=u-compare][value=swipe]").check()
    page.locator("#u-whole").check()
    watched.wait(loaded.format("#u-frame img"))


def test_painted_pixels_stay_the_photos(watched: Watched, folder: Path, tmp_path: Path) -> None:
    page = watched.page
    page.locator("#u-samples button[data-name='bob.png']").click()
    watched.wait("unripple.photo.name === 'bob.png'")
    watched.slide("yaw", 2.0)
    page.get_by_text("Keep unedited").click()
    page.get_by_role("button", name="Paint").click()
    page.locator("#u-stage").scroll_into_view_if_needed()
    box = page.locator("#u-paint").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.65, box["y"] + box["height"] * 0.5, steps=5)
    page.mouse.up()
    page.get_by_text("what you painted stays the photo").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save image").click()
    download.value.save_as(tmp_path / "saved.png")
    photo = np.asarray(Image.open(folder / "data/photos/bob.png"))
    saved = np.asarray(Image.open(tmp_path / "saved.png"))
    assert np.array_equal(saved[43:47, 48:72], photo[43:47, 48:72])
    assert not np.array_equal(saved, photo)


def test_a_bad_file_is_one_clear_sentence(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no picture")
    with watched.page.expect_response(lambda r: "name=words.png" in r.url) as answer:
        watched.page.set_input_files("#u-upload", tmp_path / "words.png")
    assert answer.value.status == 400
    watched.page.get_by_text("not a picture").wait_for()
    watched.complaints = [c for c in watched.complaints if "status of 400" not in c]


def test_what_the_server_refuses_is_said_in_the_pages_language(watched: Watched) -> None:
    page = watched.page
    page.locator("#u-language").select_option("de")
    freckles = page.locator("#u-slider-freckles")
    freckles.evaluate("one => { one.closest('details').open = true; }")
    freckles.fill("2")  # small faces have no room for any
    page.get_by_text("Sommersprossen: das Gesicht ist auf diesem Foto").wait_for()
    page.locator("#u-toast-action:text-is('Rückgängig')").click()
    watched.wait("unripple.sliders.get('freckles').input.value === '0'")
    page.locator("#u-language").select_option("en")
    watched.complaints = [c for c in watched.complaints if "status of 400" not in c]


def test_an_address_shows_its_edit_in_another_browser(
    watched: Watched, browser: Any, address: str
) -> None:
    watched.page.locator("#u-samples button[data-name='bob.png']").click()
    watched.wait("unripple.photo.name === 'bob.png'")
    watched.slide("yaw", -2.0)
    said = watched.page.evaluate("location.hash")
    other = Watched(browser, address + said, *SIZES["wide"])
    other.settled()
    assert other.page.evaluate("unripple.photo.name") == "bob.png"
    assert other.page.locator("#u-slider-yaw").input_value() == "-2"
    other.context.close()
    assert other.complaints == [] and other.strangers == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screen_readers_find_their_way(watched: Watched, axe: str, scheme: str) -> None:
    watched.page.emulate_media(color_scheme=scheme)
    watched.slide("yaw", -2.0)
    for part in watched.page.locator("details").all():
        part.evaluate("one => { one.open = true; }")
    watched.page.evaluate(axe)
    violations = watched.page.evaluate("axe.run().then(report => report.violations)")
    grave = [
        (one["id"], one["help"], [node["html"][:150] for node in one["nodes"]])
        for one in violations
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == [], json.dumps(grave, indent=1)


def test_the_page_on_the_embedded_models_makes_its_own_picture(browser: Any, repo: Path) -> None:
    with server(repo) as one:
        watched = Watched(browser, one, *SIZES["wide"])
        watched.page.locator("#u-samples button").nth(4).click()
        watched.wait("unripple.photo.name === 'portrait-05.png'")
        watched.slide("yaw", -15)
        watched.page.locator("h1").click()
        watched.page.screenshot(path=str(repo / "docs" / "editor.png"))
        watched.context.close()
    assert watched.complaints == [] and watched.strangers == []
    with Image.open(repo / "docs" / "editor.png") as picture:
        assert picture.size == SIZES["wide"]


def test_another_programs_edit_comes_back_without_its_drift(
    watched: Watched, folder: Path, tmp_path: Path
) -> None:
    page = watched.page
    photo = folder / "data" / "photos" / "bob.png"
    edited = np.array(Image.open(photo).convert("RGB"))
    edited[40:56, 50:66] = (200, 30, 30)
    Image.fromarray(edited).save(tmp_path / "edited.png")
    page.locator("#u-panel-external summary").click()
    assert page.locator("#u-external-repair").is_disabled()
    page.set_input_files("#u-external-photo", photo)
    page.set_input_files("#u-external-edited", tmp_path / "edited.png")
    page.locator("#u-external-keep").select_option("auto")
    page.locator("#u-external-repair").click()
    page.locator("#u-external-made").wait_for()
    images = "[...document.querySelectorAll('#u-external-pictures img')]"
    watched.wait(f"{images}.every((one) => one.naturalWidth > 0)")
    assert page.locator("#u-external-pictures img").count() == 5
    assert "%" in page.locator("#u-external-figures").inner_text()
    inside = "(one) => one.getBoundingClientRect().right <= innerWidth + 1"
    assert page.evaluate(f"[...document.querySelectorAll('#u-panel-external *')].every({inside})")
    with page.expect_download() as download:
        page.locator("#u-external-save").click()
    assert download.value.suggested_filename == "edited-repaired.png"
