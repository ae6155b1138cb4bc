"""The whole walk over the page, at both widths, light and dark; and its pictures for the docs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.webui.browsing import SIZES, Watched, server, write_faces
from tests.webui.group import write_group
from tests.webui.steps import CANCEL, SHOWN, give
from tests.webui.walk import Walk, whole_walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LOOKS = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
PICTURES = {
    "faces": (("faces", "wide", "light"), ("faces-phone", "phone", "dark")),
    "edit": (("dark", "wide", "dark"), ("phone", "phone", "light")),
    "pins": (("pins", "wide", "light"),),
    "zoom": (("zoom", "wide", "light"),),
    "mask": (("mask", "wide", "light"),),
    "queue": (("queue", "wide", "light"), ("queue-phone", "phone", "dark")),
}
"""What the docs show of each part of the walk: names there, and in which look."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> Path:
    """A folder with tiny networks and photos to edit, and a photo to drop."""
    folder = write_faces(tmp_path_factory.mktemp("walk"), repo / "data" / "photos")
    write_group(folder / "group.jpg", repo / "data" / "photos")
    return folder


@pytest.fixture(scope="module")
def tiny(browser: Any, place: Path) -> Iterator[str]:
    with server(place) as one:
        yield one


@pytest.fixture(scope="module")
def embedded(browser: Any, repo: Path, place: Path) -> Iterator[str]:
    with server(repo, "--batch", str(place / "embedded" / "batch.yaml")) as one:
        yield one


def look_of(browser: Any, address: str, size: str, scheme: str) -> Watched:
    touch = {"has_touch": True} if size == "phone" else {}
    return Watched(browser, address, *SIZES[size], color_scheme=scheme, **touch)


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_whole_walk(
    browser: Any, tiny: str, place: Path, tmp_path: Path, axe: str, size: str, scheme: str
) -> None:
    walker = look_of(browser, tiny, size, scheme)
    turn = -12.0 + LOOKS.index((size, scheme))
    batch = place / "batch.yaml"
    whole_walk(walker, Walk(place / "group.jpg", batch, tmp_path, turn, lambda _: None), axe)
    walker.context.close()
    assert walker.complaints == [] and walker.strangers == []


def test_the_walk_makes_the_pictures_of_the_docs(
    browser: Any, embedded: str, repo: Path, place: Path, tmp_path: Path, axe: str
) -> None:
    walker = look_of(browser, embedded, "wide", "light")
    page = walker.page

    def look(size: str, scheme: str) -> None:
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)

    def shot(part: str) -> None:
        for name, size, scheme in PICTURES[part]:
            look(size, scheme)
            page.mouse.move(0, 0)
            if part == "queue":
                page.locator("#u-queue-by").evaluate("one => one.scrollIntoView({ block: 'end' })")
            elif size == "phone":
                page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(400)
            page.screenshot(path=str(repo / "docs" / f"page-{name}.png"))
        look("wide", "light")

    batch = place / "embedded" / "batch.yaml"
    batch.parent.mkdir()
    whole_walk(walker, Walk(place / "group.jpg", batch, tmp_path, -12.0, shot), axe)
    walker.context.close()
    assert walker.complaints == [] and walker.strangers == []


def test_a_pasted_photo_and_the_other_language(browser: Any, tiny: str, place: Path) -> None:
    walker = Watched(browser, tiny, *SIZES["wide"], locale="de-DE")
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
    browser: Any, embedded: str, place: Path, repo: Path
) -> None:
    """12 megapixels: a bar with stage and seconds, and a cancel that answers in .3 s."""
    small = Image.open(repo / "data" / "photos" / "scene-02.jpg")
    small.resize((4000, 3000), Image.Resampling.BICUBIC).save(place / "large.jpg", quality=92)
    walker = Watched(browser, embedded, *SIZES["wide"])
    page = walker.page
    give(walker, place / "large.jpg")
    page.locator("#u-slider-yaw").fill("15")
    page.locator("#u-progress").wait_for()
    assert "s" in page.locator("#u-progress-seconds").inner_text()
    took = page.evaluate(CANCEL)
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
