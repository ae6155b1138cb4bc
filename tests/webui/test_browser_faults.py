"""What people stumbled over on the page, each once."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webui.browsing import SIZES, Watched, server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LOW_SLIDER = "jaw"  # the lowest on the page that a small photo takes


def in_sight(watched: Watched, place: str) -> bool:
    box = watched.page.locator(place).bounding_box()
    height = watched.page.evaluate("innerHeight")
    return box is not None and box["height"] > 0 and -1 <= box["y"] <= height - 20


def test_picture_and_status_stay_in_sight_while_the_last_slider_moves(watched: Watched) -> None:
    for part in watched.page.locator("details").all():
        part.evaluate("one => { one.open = true; }")
    watched.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    assert watched.page.evaluate("scrollY") > 100
    assert in_sight(watched, "#u-stage")
    last = watched.page.locator(f"#u-slider-{LOW_SLIDER}")
    last.focus()
    watched.slide(LOW_SLIDER, 1.0)
    watched.page.get_by_text("Done.").wait_for()
    for place in ("#u-stage", "#u-status"):
        assert in_sight(watched, place), place
    stage = watched.page.locator("#u-stage").bounding_box()
    slider = last.bounding_box()
    apart = slider["x"] >= stage["x"] + stage["width"]
    assert apart or slider["y"] >= stage["y"] + stage["height"]  # not beneath the picture


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_check_box_looks_checked(watched: Watched, scheme: str) -> None:
    watched.page.emulate_media(color_scheme=scheme)
    box = watched.page.locator("#u-whole")
    unchecked = box.screenshot()
    box.check()
    watched.page.mouse.move(0, 0)
    assert box.screenshot() != unchecked
    box.uncheck()
    watched.page.mouse.move(0, 0)
    assert box.screenshot() == unchecked


def test_dark_mode_is_heeded(watched: Watched) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    levels = {}
    for scheme in ("light", "dark"):
        watched.page.emulate_media(color_scheme=scheme)
        levels[scheme] = watched.page.evaluate(f"{paper}.match(/\\d+/g).map(Number)")
    assert min(levels["light"]) > 200 and max(levels["dark"]) < 60


@pytest.fixture
def touched(browser: Any, address: str) -> Iterator[Watched]:
    one = Watched(browser, address, *SIZES["phone"], has_touch=True, is_mobile=True)
    yield one
    one.context.close()
    assert one.complaints == [] and one.strangers == []


def centre(watched: Watched, place: str) -> tuple[float, float]:
    box = watched.page.locator(place).bounding_box()
    return box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2


def show(watched: Watched, place: str) -> None:
    """Scroll to the middle of what the picture leaves free."""
    watched.page.locator(place).evaluate("one => one.scrollIntoView({ block: 'center' })")
    stage = watched.page.locator(".u-seen").bounding_box()
    assert watched.page.locator(place).bounding_box()["y"] > stage["y"] + stage["height"]


def drag(watched: Watched, start: tuple[float, float], dx: float, dy: float) -> None:
    """One finger, in twenty steps."""
    line = watched.context.new_cdp_session(watched.page)
    x, y = start
    line.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 21):
        point = {"x": x + dx * step / 20, "y": y + dy * step / 20}
        line.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        watched.page.wait_for_timeout(10)
    line.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    watched.page.wait_for_timeout(200)


@pytest.mark.parametrize("place", ["#u-slider-yaw", "#u-slider-smile", "#u-pad"])
def test_a_finger_that_scrolls_changes_nothing(touched: Watched, place: str) -> None:
    page = touched.page
    show(touched, place)
    before = page.evaluate("[...unripple.sliders.values()].map(s => s.input.value)")
    scrolled = page.evaluate("scrollY")
    drag(touched, centre(touched, place), 3, -160)
    assert page.evaluate("scrollY") != scrolled
    assert page.evaluate("[...unripple.sliders.values()].map(s => s.input.value)") == before
    assert not page.evaluate("[...unripple.sliders.values()].some(s => s.touched)")


def test_a_finger_moves_sliders_and_the_dot_of_the_pad(touched: Watched) -> None:
    page = touched.page
    show(touched, "#u-slider-smile")
    drag(touched, centre(touched, "#u-slider-smile"), -60, 2)
    assert page.locator("#u-slider-smile").input_value() != "0"
    page.locator("#u-reset-all").evaluate("one => one.click()")  # a nod with a smile is refused
    show(touched, "#u-pad")
    box = page.locator("#u-dot").bounding_box()
    drag(touched, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), -20, 15)
    assert float(page.locator("#u-slider-yaw").input_value()) < 0


def forget_lost_connections(watched: Watched) -> None:
    words = ("Failed to load resource", "ERR_CONNECTION_REFUSED")
    watched.complaints = [
        text for text in watched.complaints if not any(word in text for word in words)
    ]


def test_a_server_that_was_started_again_loses_nothing(browser: Any, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with server(folder, "--no-token", "--port", port) as address:
        watched = Watched(browser, address, *SIZES["wide"])
        page = watched.page
        page.set_input_files("#u-upload", folder / "data" / "photos" / "bob.png")
        watched.wait("unripple.photo.name === 'bob.png'")
        watched.slide("yaw", -2.0)
    page.locator("#u-slider-yaw").fill("-1.5")
    page.get_by_text("The server does not answer").wait_for()
    watched.page.wait_for_timeout(500)
    forget_lost_connections(watched)
    with server(folder, "--no-token", "--port", port):
        watched.slide("yaw", -1.0)  # in the same page
        page.get_by_text("Done.").wait_for()
        with page.expect_download() as download:
            page.get_by_role("button", name="Save image").click()
        assert download.value.suggested_filename == "bob-edited.png"
        page.reload()  # and after it
        watched.wait("window.unripple && window.unripple.photo")
        watched.wait("unripple.photo.name === 'bob.png'")
        watched.settled()
        assert page.locator("#u-slider-yaw").input_value() == "-1"
        forget_lost_connections(watched)
        watched.context.close()
    assert watched.complaints == [] and watched.strangers == []


def refuse_once(watched: Watched, answer: dict[str, Any]) -> list[str]:
    """Let the server refuse the next upload; the addresses of all that follow."""
    asked: list[str] = []

    def handle(route: Any) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
            return
        body = json.dumps(answer)
        route.fulfill(status=400, content_type="application/json", body=body)

    watched.page.route("**/photo?*name=*", handle)
    return asked


def test_after_a_refusal_nobody_saves_the_person_before(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    watched.slide("yaw", -1.0)
    (tmp_path / "words.png").write_text("no picture")
    page.set_input_files("#u-upload", tmp_path / "words.png")
    page.get_by_text("words.png was not taken").wait_for()
    assert page.get_by_role("button", name="Save image").is_disabled()
    assert not page.locator("#u-frame").is_visible()
    name = page.evaluate("unripple.photo.name")
    page.get_by_role("button", name=f"Back to {name}").click()
    watched.settled()
    assert page.locator("#u-frame").is_visible()
    assert page.get_by_role("button", name="Save image").is_enabled()
    watched.complaints = [c for c in watched.complaints if "status of 400" not in c]


def test_a_refusal_offers_the_setting_that_changes_it(watched: Watched, folder: Path) -> None:
    offers = [{"title": "Take the largest face", "settings": {"align.faces": "largest"}}]
    asked = refuse_once(watched, {"error": "2 faces were found", "offers": offers})
    watched.page.set_input_files("#u-upload", folder / "data" / "photos" / "bob.png")
    watched.page.get_by_role("button", name="Take the largest face").click()
    watched.wait("unripple.photo && unripple.photo.name === 'bob.png' && !unripple.refused")
    assert "align.faces=largest" in asked[-1]
    assert watched.page.get_by_role("button", name="Save image").is_enabled()
    watched.complaints = [c for c in watched.complaints if "status of 400" not in c]


@pytest.mark.parametrize(
    ("status", "said"),
    [(500, "machte einen Fehler (500)"), (413, "größer, als der Server annimmt"), (418, "(418)")],
)
def test_answers_without_words_of_ours_are_told(watched: Watched, status: int, said: str) -> None:
    watched.page.locator("#u-language").select_option("de")
    watched.page.route(
        "**/full", lambda route: route.fulfill(status=status, body="<h1>of a proxy</h1>")
    )
    watched.page.locator("#u-slider-yaw").fill("3")
    watched.page.get_by_text(said).wait_for()
    watched.page.locator("#u-language").select_option("en")
    watched.complaints = [c for c in watched.complaints if f"status of {status}" not in c]
