"""The walk with the keyboard alone, and with fingers alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webui.browsing import SIZES, WAIT_MS, Watched, server, write_faces
from tests.webui.group import write_group
from tests.webui.steps import SHOWN, values

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MOST_TABS = 160
LIFTED_MS = 400
"""From the end of a swipe to a tap, as hands are. Of taps 80 ms after it one in twenty clicks
nothing, as a tap does that stops a scrolling page."""
SCALE = "new DOMMatrix(getComputedStyle(document.querySelector('#u-sheet')).transform).a"


@pytest.fixture(scope="module")
def desk(browser: Any, tmp_path_factory: pytest.TempPathFactory, repo: Path) -> Iterator[str]:
    folder = write_faces(tmp_path_factory.mktemp("hands"), repo / "data" / "photos")
    write_group(folder / "data" / "photos" / "two.jpg", repo / "data" / "photos")
    with server(folder) as one:
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


def press(watched: Watched, place: str) -> None:
    """Reach a button by Tab, and press Enter."""
    tab_to(watched, place)
    watched.page.keyboard.press("Enter")


def scale(watched: Watched) -> float:
    found: float = watched.page.evaluate(
        "new DOMMatrix(getComputedStyle(document.querySelector('#u-sheet')).transform).a"
    )
    return found


@pytest.mark.parametrize("size", SIZES)
def test_by_keyboard_alone(browser: Any, desk: str, size: str) -> None:
    walker = Watched(browser, desk, *SIZES[size])
    choose_and_edit_by_keys(walker)
    look_by_keys(walker)
    keep_by_keys(walker)
    queue_and_save_by_keys(walker, -2.0 if size == "wide" else -2.5)
    walker.context.close()
    assert walker.complaints == [] and walker.strangers == []


def choose_and_edit_by_keys(walker: Watched) -> None:
    """A photo, the second of its faces, two sliders, undo, the history, a pin."""
    keys = walker.page.keyboard
    press(walker, "#u-samples button[data-name='two.jpg']")
    walker.wait("unripple.photo.name === 'two.jpg'")
    press(walker, "#u-face-buttons button[aria-pressed=false]")
    walker.wait("unripple.photo.face === 1")
    tab_to(walker, "#u-slider-yaw")
    for _ in range(4):
        keys.press("ArrowLeft")
    walker.wait(SHOWN)
    tab_to(walker, "#u-slider-smile")
    keys.press("ArrowRight")
    walker.wait("document.querySelector('#u-states').children.length === 4")
    walker.wait(SHOWN)
    press(walker, "#u-undo")
    walker.wait("unripple.sliders.get('smile').input.value === '0'")
    walker.wait(SHOWN)
    press(walker, "#u-history summary")
    press(walker, "#u-states button")
    walker.wait("unripple.sliders.get('smile').input.value !== '0'")
    walker.wait(SHOWN)
    press(walker, "#u-pin")
    walker.wait("document.querySelectorAll('#u-pin-list li').length === 1")


def look_by_keys(walker: Watched) -> None:
    """Closer, aside, back, and the photo before."""
    keys = walker.page.keyboard
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


def keep_by_keys(walker: Watched) -> None:
    """Two dots of what stays."""
    press(walker, "details:has(#u-paint-toggle) > summary")
    press(walker, "#u-paint-toggle")
    tab_to(walker, "#u-paint")
    for key in ("ArrowLeft", "Space", "ArrowRight", "Space"):
        walker.page.keyboard.press(key)
    walker.wait("unripple.mask && unripple.outcome && unripple.outcome.kept")
    walker.wait(SHOWN)


def queue_and_save_by_keys(walker: Watched, turn: float) -> None:
    """Three pairs, run; the last photo saved; all of it there after a reload."""
    press(walker, "#u-panel-queue > summary")
    press(walker, "#u-queue-add")
    walker.wait("document.querySelectorAll('#u-pairs li').length === 1")
    for number, name in enumerate(("portrait-02.png", "portrait-06.png")):
        press(walker, f"#u-samples button[data-name='{name}']")
        walker.wait(f"unripple.photo.name === '{name}'")
        tab_to(walker, "#u-slider-yaw")
        for _ in range(int(-2 * turn)):
            walker.page.keyboard.press("ArrowLeft")
        walker.wait(SHOWN)
        press(walker, "#u-queue-add")
        walker.wait(f"document.querySelectorAll('#u-pairs li').length === {number + 2}")
    press(walker, "#u-queue-run")
    made = "document.querySelectorAll('#u-pairs li:is([data-state=done], [data-state=failed])')"
    walker.wait(f"{made}.length === 3", 3 * WAIT_MS)  # a process starts for each
    assert walker.page.locator("#u-pairs li[data-state=failed]").count() == 0
    tab_to(walker, "#u-save")
    with walker.page.expect_download() as download:
        walker.page.keyboard.press("Enter")
    assert download.value.suggested_filename == "portrait-06-edited.png"
    walker.page.reload()
    walker.wait("window.unripple && unripple.photo && unripple.photo.name === 'portrait-06.png'")
    walker.wait(SHOWN)
    assert values(walker) == {"yaw": turn}


class Fingers:
    """One or two of them on the screen."""

    def __init__(self, walker: Watched) -> None:
        self.page = walker.page
        self._line = walker.context.new_cdp_session(walker.page)

    def put(self, kind: str, *points: tuple[float, float]) -> None:
        listed = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._line.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": listed})
        self.page.wait_for_timeout(15)

    def middle(self, place: str) -> tuple[float, float]:
        box = self.page.locator(place).bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, start: tuple[float, float], dx: float) -> None:
        """Sideways, in eight steps."""
        x, y = start
        self.put("touchStart", start)
        for step in range(1, 9):
            self.put("touchMove", (x + dx * step / 8, y))
        self.put("touchEnd")

    def spread(self, middle: tuple[float, float], by: float) -> None:
        """Two fingers apart."""
        x, y = middle
        self.put("touchStart", (x - 20, y), (x + 20, y))
        for step in range(1, 9):
            self.put("touchMove", (x - 20 - by * step / 8, y), (x + 20 + by * step / 8, y))
        self.put("touchEnd")


def test_by_fingers_alone(browser: Any, desk: str) -> None:
    walker = Watched(browser, desk, *SIZES["phone"], has_touch=True, is_mobile=True)
    page, fingers = walker.page, Fingers(walker)
    page.locator("#u-samples button[data-name='two.jpg']").tap()
    walker.wait("unripple.photo.name === 'two.jpg'")
    page.locator("#u-faces button").nth(1).tap()
    walker.wait("unripple.photo.face === 1")
    page.locator("#u-slider-yaw").evaluate("one => one.scrollIntoView({ block: 'end' })")
    fingers.drag(fingers.middle("#u-slider-yaw"), 40)
    walker.wait(SHOWN)
    assert values(walker)["yaw"] > 5
    look_with_fingers(walker, fingers)
    page.locator("details:has(#u-paint-toggle) > summary").tap()
    page.locator("#u-paint-toggle").tap()
    page.evaluate("scrollTo(0, 0)")
    x, y = fingers.middle("#u-paint")
    fingers.drag((x - 30, y), 60)
    walker.wait("unripple.mask")
    page.locator("#u-keep-undo").tap()
    walker.wait("!unripple.mask")
    walker.wait(SHOWN)
    page.locator("#u-panel-queue > summary").tap()
    page.locator("#u-queue-add").tap()
    walker.wait("document.querySelectorAll('#u-pairs li').length === 1")
    page.locator("#u-queue-run").tap()
    walker.wait("document.querySelector('#u-pairs li[data-state=done]')")
    with page.expect_download() as download:
        page.locator("#u-save").tap()
    assert download.value.suggested_filename == "two-edited.png"
    walker.context.close()
    assert walker.complaints == [] and walker.strangers == []


def look_with_fingers(walker: Watched, fingers: Fingers) -> None:
    """Two fingers zoom, one moves what is seen closer, a tap fits it again."""
    at = fingers.middle("#u-frame")
    fingers.spread(at, 64)
    assert scale(walker) > 2
    transform = "document.querySelector('#u-sheet').style.transform"
    before = walker.page.evaluate(transform)
    fingers.drag(at, -45)
    assert walker.page.evaluate(transform) != before
    assert values(walker)["yaw"] > 5 and walker.page.evaluate("unripple.photo.face") == 1
    walker.page.wait_for_timeout(LIFTED_MS)
    walker.page.locator("#u-zoom-fit").tap()
    walker.wait(f"{SCALE} === 1")  # a browser clicks some time after the finger has left
