"""The whole walk over the page on the embedded models, at both widths, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.webui.browsing import SIZES, Watched, server
from tests.webui.group import write_group
from tests.webui.walk import SHOWN, give, saved_violations, set_slider, unfold, values

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> Path:
    """A folder with a batch of its own, and photos to drop."""
    folder = tmp_path_factory.mktemp("walk")
    write_group(folder / "group.jpg", repo / "data" / "photos")
    return folder


@pytest.fixture(scope="module")
def own(browser: Any, repo: Path, place: Path) -> Iterator[str]:
    with server(repo, "--batch", str(place / "batch.yaml")) as one:
        yield one


@pytest.fixture(params=[(size, scheme) for size in SIZES for scheme in ("light", "dark")])
def walker(request: pytest.FixtureRequest, browser: Any, own: str) -> Iterator[Watched]:
    size, scheme = request.param
    touch = {"has_touch": True} if size == "phone" else {}
    one = Watched(browser, own, *SIZES[size], color_scheme=scheme, **touch)
    yield one
    one.context.close()
    assert one.complaints == [] and one.strangers == []


def shot(watched: Watched, repo: Path, name: str) -> None:
    """A picture for the docs."""
    watched.page.locator("h1").click()
    watched.page.mouse.move(0, 0)
    watched.page.wait_for_timeout(400)
    watched.page.screenshot(path=str(repo / "docs" / f"{name}.png"))


def test_the_whole_walk(walker: Watched, axe: str, repo: Path, place: Path, tmp_path: Path) -> None:
    page = walker.page
    width = page.evaluate("innerWidth")
    is_wide, is_light = (
        width > 800,
        page.evaluate("!matchMedia('(prefers-color-scheme: dark)').matches"),
    )
    give(walker, place / "group.jpg")
    walker.wait("unripple.photo.faces.length === 2")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Both faces, one after the other.
    set_slider(walker, "yaw", -15)
    page.locator("#u-faces button").nth(1).click()
    walker.wait("unripple.photo.face === 1")
    walker.wait(SHOWN)
    assert values(walker) == {}
    set_slider(walker, "yaw", 20)
    if is_light:
        shot(walker, repo, "page-faces" if is_wide else "page-faces-phone")
    page.locator("#u-faces button").nth(0).click()
    walker.wait("unripple.photo.face === 0")
    assert values(walker) == {"yaw": -15}
    walker.wait(SHOWN)
    # One sample: edit, undo, redo, pin, compare.
    page.locator("#u-samples button[data-name='scene-01.jpg']").click()
    walker.wait("unripple.photo.name === 'scene-01.jpg'")
    set_slider(walker, "yaw", 20)
    page.get_by_role("button", name="Pin", exact=True).click()
    walker.wait("document.querySelectorAll('#u-pin-list li').length === 1")
    set_slider(walker, "smile", 2)
    page.get_by_role("button", name="Undo", exact=True).click()
    walker.wait(f"{SHOWN} && unripple.sliders.get('smile').input.value === '0'")
    assert values(walker) == {"yaw": 20}
    page.keyboard.press("Control+Shift+z")
    walker.wait("unripple.sliders.get('smile').input.value === '2'")
    walker.wait(SHOWN)
    page.locator("input[name=u-compare][value=pins]").check()
    walker.wait("document.querySelectorAll('#u-tiles img').length === 3")
    loaded = (
        "[...document.querySelectorAll('#u-tiles img')].every(i => i.complete && i.naturalWidth)"
    )
    walker.wait(loaded)
    if is_light and is_wide:
        shot(walker, repo, "page-pins")
    page.locator("input[name=u-compare][value=swipe]").check()
    # Closer: the photo's very pixels.
    page.locator("#u-whole").check()
    page.locator("input[name=u-shown][value=difference]").check()
    page.locator("#u-frame").focus()
    for _ in range(8):
        page.keyboard.press("+")
    walker.wait("document.querySelector('#u-exact-over').naturalWidth > 0")
    walker.wait("!document.querySelector('#u-exact-over').hidden")
    if is_light and is_wide:
        shot(walker, repo, "page-zoom")
    page.locator("#u-zoom-fit").click()
    page.locator("input[name=u-shown][value=result]").check()
    before = page.get_by_role("button", name="Hold for before")
    before.dispatch_event("pointerdown")
    assert page.locator("#u-frame.u-before").count() == 1
    before.dispatch_event("pointerup")
    # What must stay: painted, erased, taken back, turned round.
    unfold(walker, "Keep unedited")
    version = page.evaluate("unripple.version")
    page.get_by_role("button", name="Paint", exact=True).click()
    canvas = page.locator("#u-paint")
    canvas.focus()
    page.keyboard.press("Space")
    walker.wait(f"unripple.mask && unripple.version > {version}")
    walker.wait(SHOWN)
    for name in ("Invert", "Undo stroke"):
        page.evaluate("window.maskBefore = unripple.mask")
        page.get_by_role("button", name=name).click()
        walker.wait("unripple.mask && unripple.mask !== window.maskBefore")
        walker.wait("unripple.outcome.kept && document.querySelector('#u-progress').hidden")
    walker.wait(SHOWN)
    if is_light and is_wide:
        shot(walker, repo, "page-mask")
    # Three pairs: this one, and an edit each of two other photos.
    unfold(walker, "Queue")
    add = page.get_by_role("button", name="Add to the queue")
    add.click()
    walker.wait("document.querySelectorAll('#u-pairs li').length === 1")
    for photo, name, degree in (
        ("portrait-02.png", "glasses", -2),
        ("portrait-06.png", "yaw", -12),
    ):
        page.locator(f"#u-samples button[data-name='{photo}']").click()
        walker.wait(f"unripple.photo.name === '{photo}'")
        set_slider(walker, name, degree)
        count = page.locator("#u-pairs li").count()
        add.click()
        walker.wait(f"document.querySelectorAll('#u-pairs li').length === {count + 1}")
    page.locator("#u-queue-run").click()
    walker.wait("document.querySelector('#u-pairs li[data-state=running]')")
    page.locator("#u-queue-stop").click()
    walker.wait("!document.querySelector('#u-pairs li[data-state=running]')")
    page.locator("#u-queue-run").click()
    page.reload()  # the queue goes on meanwhile
    walker.wait("window.unripple && unripple.photo && unripple.photo.name === 'portrait-06.png'")
    walker.wait(SHOWN)
    assert values(walker) == {"yaw": -12}
    unfold(walker, "Queue")
    walker.wait("document.querySelectorAll('#u-pairs li[data-state=done]').length === 3")
    batch = yaml.safe_load((place / "batch.yaml").read_text())
    assert all(one["photos"] for one in batch["edits"])
    look = page.locator("#u-pairs .u-thumb").nth(2)
    walker.wait(
        "[...document.querySelectorAll('#u-pairs img')].every(i => i.complete && i.naturalWidth)"
    )
    if is_light:
        shot(walker, repo, "page-queue" if is_wide else "page-queue-phone")
    look.click()
    with page.expect_download() as queued:
        page.locator("#u-look-save").click()
    page.locator("#u-look-close").click()
    page.locator("#u-format").select_option("png")
    with page.expect_download() as download:
        page.locator("#u-save").click()
    assert download.value.suggested_filename == "portrait-06-edited.png"
    queued.value.save_as(tmp_path / "queued.png")
    download.value.save_as(tmp_path / "page.png")
    assert (tmp_path / "queued.png").read_bytes() == (tmp_path / "page.png").read_bytes()
    page.locator("#u-format").select_option("jpeg")
    with page.expect_download() as download:
        page.locator("#u-save").click()
    assert download.value.suggested_filename == "portrait-06-edited.jpg"
    # Back: the photo before, with its edit and what stays of it.
    page.go_back()
    walker.wait("unripple.photo.name === 'portrait-02.png'")
    walker.wait(SHOWN)
    assert values(walker) == {"glasses": -2}
    page.locator("#u-samples button[data-name='scene-01.jpg']").click()
    walker.wait("unripple.photo.name === 'scene-01.jpg'")
    walker.wait(SHOWN)
    assert values(walker) == {"yaw": 20, "smile": 2} and page.evaluate("Boolean(unripple.mask)")
    assert saved_violations(walker, axe) == []


def test_a_pasted_photo_and_the_other_language(browser: Any, own: str, place: Path) -> None:
    walker = Watched(browser, own, *SIZES["wide"], locale="de-DE")
    page = walker.page
    page.get_by_role("button", name="Bild sichern").wait_for()
    give(walker, place / "group.jpg", "paste")
    page.get_by_text("2 Gesichter").wait_for()
    page.locator("#u-language").select_option("en")
    page.get_by_role("button", name="Save image").first.wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.reload()
    walker.wait("window.unripple && unripple.photo && unripple.photo.name === 'group.jpg'")
    assert page.locator("#u-language").input_value() == "en"
    walker.context.close()
    assert walker.complaints == [] and walker.strangers == []


def test_work_on_a_large_photo_tells_and_ends_at_once(
    browser: Any, own: str, place: Path, repo: Path
) -> None:
    """12 megapixels: a bar with stage and seconds, and a cancel that answers in .3 s."""
    small = Image.open(repo / "data" / "photos" / "scene-02.jpg")
    small.resize((4000, 3000), Image.Resampling.BICUBIC).save(place / "large.jpg", quality=92)
    walker = Watched(browser, own, *SIZES["wide"])
    page = walker.page
    give(walker, place / "large.jpg")
    page.locator("#u-slider-yaw").fill("15")
    page.locator("#u-progress").wait_for()
    assert "s" in page.locator("#u-progress-seconds").inner_text()
    took = page.evaluate(
        """() => new Promise((done) => {
          const began = performance.now();
          document.getElementById('u-cancel').click();
          const look = () => (document.getElementById('u-progress').hidden
            ? done(performance.now() - began) : setTimeout(look, 5));
          look();
        })"""
    )
    assert took < 300
    page.get_by_role("button", name="Finish it").click()
    walker.wait(SHOWN)
    page.locator("#u-whole").check()
    page.locator("#u-zoom-one").click()
    walker.wait("!document.querySelector('#u-exact-over').hidden")
    seen = page.evaluate(
        "(({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight])"
        "(document.querySelector('#u-exact-under'))"
    )
    box = page.locator("#u-frame").bounding_box()
    assert np.allclose(seen, [box["width"], box["height"]], atol=3)  # pixel for pixel
    walker.context.close()
    assert walker.complaints == [] and walker.strangers == []
