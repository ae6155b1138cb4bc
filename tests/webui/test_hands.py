"""The walk with the keyboard alone, and with fingers alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.webui.browsing import SIZES, Watched, server, write_folder
from tests.webui.walk import SHOWN

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MOST_TABS = 160


@pytest.fixture(scope="module")
def desk(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(write_folder(tmp_path_factory.mktemp("hands"))) as one:
        yield one


def tab_to(watched: Watched, place: str) -> None:
    """Press Tab until an element has the focus, as somebody without a mouse must."""
    watched.page.evaluate("document.activeElement.blur()")
    for _ in range(MOST_TABS):
        watched.page.keyboard.press("Tab")
        if watched.page.evaluate(f"document.activeElement.matches({place!r})"):
            ring = "getComputedStyle(document.activeElement).outlineStyle"
            hidden = "document.activeElement.matches('input[type=radio], input[type=file]')"
            assert watched.page.evaluate(f"{hidden} || {ring} !== 'none'"), f"no ring: {place}"
            return
    raise AssertionError(f"{place} is not reached by Tab")


def scale(watched: Watched) -> float:
    found: float = watched.page.evaluate(
        "new DOMMatrix(getComputedStyle(document.querySelector('#u-sheet')).transform).a"
    )
    return found


@pytest.mark.parametrize("size", SIZES)
def test_by_keyboard_alone(browser: Any, desk: str, size: str) -> None:
    walker = Watched(browser, desk, *SIZES[size])
    keys = walker.page.keyboard
    tab_to(walker, "#u-samples button[data-name='bob.png']")
    keys.press("Enter")
    walker.wait("unripple.photo.name === 'bob.png'")
    tab_to(walker, "#u-slider-yaw")
    for _ in range(4):
        keys.press("ArrowLeft")
    walker.wait(SHOWN)
    tab_to(walker, "#u-slider-smile")
    keys.press("ArrowRight")
    walker.wait("document.querySelector('#u-states').children.length === 3")
    walker.wait(SHOWN)
    tab_to(walker, "#u-undo")
    keys.press("Enter")
    walker.wait("unripple.sliders.get('smile').input.value === '0'")
    walker.wait(SHOWN)
    tab_to(walker, "#u-history summary")
    keys.press("Enter")
    tab_to(walker, "#u-states button")
    keys.press("Enter")
    walker.wait("unripple.sliders.get('smile').input.value !== '0'")
    walker.wait(SHOWN)
    tab_to(walker, "#u-pin")
    keys.press("Enter")
    walker.wait("document.querySelectorAll('#u-pin-list li').length === 1")
    tab_to(walker, "#u-frame")
    keys.press("+")
    keys.press("+")
    assert scale(walker) > 1.5
    keys.press("ArrowRight")
    keys.press("0")
    assert scale(walker) == 1
    keys.down("b")
    assert walker.page.locator("#u-frame.u-before").count() == 1
    keys.up("b")
    assert walker.page.locator("#u-frame.u-before").count() == 0
    tab_to(walker, "details:has(#u-paint-toggle) > summary")
    keys.press("Enter")
    tab_to(walker, "#u-paint-toggle")
    keys.press("Enter")
    tab_to(walker, "#u-paint")
    for key in ("ArrowLeft", "Space", "ArrowRight", "Space"):
        keys.press(key)
    walker.wait("unripple.mask && unripple.outcome && unripple.outcome.kept")
    tab_to(walker, "#u-panel-queue > summary")
    keys.press("Enter")
    tab_to(walker, "#u-queue-add")
    keys.press("Enter")
    walker.wait("document.querySelectorAll('#u-pairs li').length === 1")
    tab_to(walker, "#u-queue-run")
    keys.press("Enter")
    walker.wait("document.querySelector('#u-pairs li[data-state=done]')")
    tab_to(walker, "#u-save")
    with walker.page.expect_download() as download:
        keys.press("Enter")
    assert download.value.suggested_filename == "bob-edited.png"
    walker.context.close()
    assert walker.complaints == [] and walker.strangers == []


def test_by_fingers_alone(browser: Any, desk: str) -> None:
    walker = Watched(browser, desk, *SIZES["phone"], has_touch=True, is_mobile=True)
    page = walker.page
    page.locator("#u-samples button[data-name='bob.png']").tap()
    walker.wait("unripple.photo.name === 'bob.png'")
    line = walker.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        listed = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        line.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": listed})
        page.wait_for_timeout(15)

    box = page.locator("#u-frame").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch("touchStart", (x - 20, y), (x + 20, y))
    for step in range(1, 9):
        touch("touchMove", (x - 20 - 8 * step, y), (x + 20 + 8 * step, y))
    touch("touchEnd")
    assert scale(walker) > 2
    before = page.evaluate("document.querySelector('#u-sheet').style.transform")
    touch("touchStart", (x, y))
    for step in range(1, 6):
        touch("touchMove", (x - 9 * step, y))
    touch("touchEnd")
    assert page.evaluate("document.querySelector('#u-sheet').style.transform") != before
    page.locator("#u-zoom-fit").tap()
    assert scale(walker) == 1
    page.locator("details:has(#u-paint-toggle) > summary").tap()
    page.locator("#u-paint-toggle").tap()
    page.evaluate("scrollTo(0, 0)")
    box = page.locator("#u-paint").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch("touchStart", (x - 30, y))
    for step in range(1, 8):
        touch("touchMove", (x - 30 + 8 * step, y))
    touch("touchEnd")
    walker.wait("unripple.mask")
    page.locator("#u-keep-undo").tap()
    walker.wait("!unripple.mask")
    walker.context.close()
    assert walker.complaints == [] and walker.strangers == []
