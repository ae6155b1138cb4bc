"""The report in a real browser: it opens from disk, asks for nothing, and can be used by anyone."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.tiny import picture, walk
from unripple.io.config import complete
from unripple.io.photo import encode_thumbnail
from unripple.io.results import Results
from unripple.report.assemble import assemble
from unripple.stages.report import Failure, Row, Tile, report

pytestmark = pytest.mark.browser

WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
SAMPLES = ("portrait-02.png", "scene-03.jpg")
PHOTOS, EDITS = 1000, ("look_left", "look_right", "short_hair")
SERIOUS = ("serious", "critical")


class Visit:
    """A page, what its console said and what it asked for."""

    def __init__(self, browser: Any, file: Path, address: str = "", **how: Any) -> None:
        self.page = browser.new_page(**how)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri() + address)
        self.page.wait_for_selector("#list > *")

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]


@pytest.fixture(scope="module")
def real(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two samples, and of a file that is no picture, alone in a folder."""
    folder = tmp_path_factory.mktemp("real")
    photos = folder / "data" / "photos"
    photos.mkdir(parents=True)
    for name in SAMPLES:
        shutil.copyfile(repo / "data" / "photos" / name, photos / name)
        truth = f"truth/{Path(name).stem}"
        shutil.copytree(repo / "data" / "photos" / truth, photos / truth)
    (photos / "notes.png").write_text("no picture")
    config = complete({})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        walk(config)
        html, _ = assemble(config, ["00000"], Results())
    alone = tmp_path_factory.mktemp("alone") / "report.html"
    alone.write_text(html, "utf-8")
    return alone


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a thousand photos, with its folder of strips (which these photos share)."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "report").mkdir()
    for name, count in (("a", 2), ("b", 3)):
        strip = np.concatenate([picture(n, 64, 68) for n in range(count)], axis=1)
        (folder / "report" / f"{name}.webp").write_bytes(encode_thumbnail(strip))
    tiles = (
        Tile("photo", True, 0, 2), Tile("inversion", True, 1, 2), Tile("edit", False, 0, 3),
        Tile("ripple", False, 1, 3), Tile("result", False, 2, 3),
    )  # fmt: skip
    rows = [
        Row(f"photo-{n:04d}", edit, tiles, "a.webp", "b.webp", figures_of(n, at))
        for n in range(PHOTOS)
        for at, edit in enumerate(EDITS)
    ]
    failures = [Failure(f"cat-{n}", "align", "NoFace: none", "", "Mark it.") for n in range(150)]
    rows += [Row(failure.photo, "", failure=failure) for failure in failures]
    (folder / "report.html").write_text(report(rows, failures), "utf-8")
    return folder / "report.html"


def figures_of(number: int, edit: int) -> dict[str, float]:
    return {
        "ghost_transmission": math.sin(number * 3 + edit),
        "seam": math.nan if number % 5 == 0 else 1 + number / 1000,
    }


@pytest.fixture(params=[(name, scheme) for name in WIDTHS for scheme in ("light", "dark")])
def how(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A desk or a phone, by day or by night."""
    name, scheme = request.param
    width, height = WIDTHS[name]
    return {"viewport": {"width": width, "height": height}, "color_scheme": scheme}


@pytest.fixture
def visited(chromium: Any, large: Path) -> Iterator[Visit]:
    visit = Visit(chromium, large)
    yield visit
    assert visit.said == []
    visit.page.close()


def test_it_opens_alone_from_disk_and_asks_for_nothing(
    chromium: Any, real: Path, how: dict[str, Any]
) -> None:
    visit = Visit(chromium, real, "#view=strips", **how)
    visit.page.locator(".strip img").first.scroll_into_view_if_needed()
    visit.page.wait_for_function("document.querySelector('.strip img').naturalWidth > 0")
    assert visit.said == []
    assert all(url.startswith(("file://", "data:")) for url in visit.asked)
    assert [url for url in visit.asked if not url.startswith("data:")] == [real.as_uri()]
    widths = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    visit.page.close()


@pytest.mark.parametrize("address", ["", "#view=strips", "#view=table", "#state=failed"])
def test_axe_finds_nothing_serious(
    chromium: Any, real: Path, axe: str, how: dict[str, Any], address: str
) -> None:
    visit = Visit(chromium, real, address, **how)
    visit.page.add_script_tag(content=axe)
    found = visit.page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    visit.page.close()
    assert [(one["id"], one["help"]) for one in found if one["impact"] in SERIOUS] == []


def test_every_stage_of_a_photo_is_seen_and_a_failure_told(chromium: Any, real: Path) -> None:
    visit = Visit(chromium, real, "#photo=scene-03&edit=look_left")
    assert visit.texts("figcaption") == [
        "photo", "inversion", "edit", "parts before", "parts after", "ripple", "depth before",
        "depth after", "foreground", "inpainted", "result", "in the full photo", "truth",
    ]  # fmt: skip
    alts = [picture.get_attribute("alt") for picture in visit.page.locator(".strip img").all()]
    assert alts[0] == "photo of scene-03" and alts[-1] == "truth of scene-03, look left"
    assert "not a picture" in visit.page.locator("#failures + details").inner_text()
    visit.page.close()


def test_pages_turn_by_keys_and_stay_small(visited: Visit) -> None:
    page = visited.page
    assert page.evaluate("document.querySelectorAll('*').length") < 1500
    first = visited.texts("#list .contact .label span")
    page.keyboard.press("ArrowRight")
    assert page.locator("#page").input_value() == "2"
    assert set(first).isdisjoint(visited.texts("#list .contact .label span"))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert visited.texts("#list .contact .label span") == first
    page.locator("#search").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#page").input_value() == "1"
    page.locator("#page").fill("66")
    page.keyboard.press("Tab")
    assert page.locator("#of").inner_text() == "of 66"
    assert len(visited.texts("#list .contact")) == 3150 - 65 * 48


def test_filters_find_photos_edits_and_failures(visited: Visit) -> None:
    page = visited.page
    page.locator("#search").press_sequentially("0042")
    assert page.locator("#count").inner_text() == "3 of 3,150"
    page.locator("#edit").select_option("short_hair")
    assert visited.texts("#list h3") == ["photo-0042 · short hair"]
    page.locator("#reset").click()
    page.locator("#state").select_option("failed")
    assert page.locator("#count").inner_text() == "150 of 3,150"
    assert page.locator("#list .contact .failed").count() == 48
    page.locator("#search").fill("nothing like it")
    assert "Nothing fits" in page.locator("#list").inner_text()


def test_the_worst_come_first_and_undefined_ones_last(visited: Visit) -> None:
    page = visited.page
    page.locator("#sort").select_option("seam")
    page.locator("[data-view=table]").click()
    assert visited.texts("#list tbody th")[:3] == ["photo-0999"] * 3
    page.locator("#search").fill("photo-000")
    numbers = visited.texts("#list tbody tr td:last-child")
    assert numbers[0] == "1.009" and numbers[-6:] == ["–"] * 6
    wanted = max(((n, e) for n in range(PHOTOS) for e in range(3)), key=lambda at: abs(
        figures_of(*at)["ghost_transmission"]))  # fmt: skip
    page.locator(".plot ol a").first.click()
    assert visited.texts("#list h3") == [
        f"photo-{wanted[0]:04d} · {EDITS[wanted[1]].replace('_', ' ')}"
    ]


def test_a_tile_is_enlarged_and_walked_along_by_keys(visited: Visit) -> None:
    page = visited.page
    page.locator("#list .contact").first.focus()
    page.keyboard.press("Enter")
    page.locator(".strip button").first.focus()
    page.keyboard.press("Enter")
    said = page.locator("dialog p")
    assert "photo-0000 · look left · photo" in said.inner_text()
    page.keyboard.press("ArrowLeft")
    assert "result" in said.inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    page.go_back()
    page.wait_for_selector("#list .contact")


def test_a_tile_shows_its_own_part_of_the_strip(chromium: Any, large: Path) -> None:
    visit = Visit(chromium, large, "#photo=photo-0001&edit=look_left")
    visit.page.wait_for_function(
        "[...document.querySelectorAll('.strip img')].every(i => i.complete && i.naturalWidth)"
    )
    shot = cv2.imdecode(
        np.frombuffer(visit.page.locator(".strip .tile").nth(3).screenshot(), np.uint8), 1
    )[..., ::-1]
    visit.page.close()
    wanted = picture(1, 64, 68)[:, 2:-2]
    seen = cv2.resize(shot, (64, 64), interpolation=cv2.INTER_AREA)
    inside = np.s_[6:-6, 6:-6]
    assert np.abs(seen[inside].astype(int) - wanted[inside]).mean() < 8


def test_without_its_folder_the_page_says_that_pictures_are_away(
    chromium: Any, large: Path, tmp_path: Path
) -> None:
    shutil.copyfile(large, tmp_path / "report.html")
    visit = Visit(chromium, tmp_path / "report.html")
    visit.page.locator(".contact").first.scroll_into_view_if_needed()
    visit.page.wait_for_selector(".tile.away")
    assert visit.texts("#list .contact .label span")[0] == "photo-0000 · look left"
    visit.page.close()


def test_photo_and_result_lie_under_a_swipe_that_zooms(visited: Visit) -> None:
    page = visited.page
    page.locator("#list .contact").first.click()
    page.locator(".compare").first.click()
    photo = page.locator("dialog .view .tile").nth(1)
    assert photo.evaluate("box => box.style.clipPath") == "inset(0px 50% 0px 0px)"
    page.keyboard.press("ArrowLeft")
    assert photo.evaluate("box => box.style.clipPath") == "inset(0px 51% 0px 0px)"
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert photo.evaluate("box => box.style.getPropertyValue('--zoom')") == "4"
    at = page.locator("dialog .view").bounding_box()
    page.mouse.move(at["x"] + 50, at["y"] + 50)
    page.mouse.down()
    page.mouse.move(at["x"] + 90, at["y"] + 50)
    page.mouse.up()
    assert photo.evaluate("box => parseFloat(box.style.getPropertyValue('--x'))") > 0
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()


def test_the_verdict_comes_first_and_leads_to_its_edits(chromium: Any, real: Path) -> None:
    visit = Visit(chromium, real)
    first = visit.page.locator("main h2").first
    assert first.inner_text() == "Verdict"
    counts = [int(text.split()[0]) for text in visit.texts(".verdicts a")]
    assert sum(counts[:3]) == len(SAMPLES) * 3 and counts[3] == 1
    assert visit.texts(".verdicts .mark") == ["✓ good", "? doubtful", "✗ bad", "■ failed"]
    assert visit.page.locator("#worst .contact").count() == min(6, counts[1] + counts[2])
    for state, count in zip(("good", "doubtful", "bad"), counts, strict=False):
        visit.page.locator(f".verdicts .{state}").click()
        assert visit.page.locator("#state").input_value() == state
        assert visit.page.locator("#count").inner_text().startswith(f"{count} of")
    assert not visit.page.locator("#run + details").evaluate("one => one.open")
    visit.page.close()


def test_the_first_page_of_a_thousand_photos_is_light(chromium: Any, large: Path) -> None:
    visit = Visit(chromium, large, viewport={"width": 1280, "height": 900})
    visit.page.wait_for_timeout(500)
    files = {Path(url.removeprefix("file://")) for url in visit.asked if url.startswith("file:")}
    assert sum(file.stat().st_size for file in files) < 3e6
    visit.page.close()


def test_a_picture_of_it_for_the_documentation(chromium: Any, real: Path, repo: Path) -> None:
    visit = Visit(chromium, real, "#sort=overall&view=strips",
        viewport={"width": 1280, "height": 1100})  # fmt: skip
    visit.page.wait_for_function("document.querySelector('.strip img').naturalWidth > 0")
    path = repo / "docs" / "report.png"
    visit.page.evaluate("scrollTo(0, 0)")
    visit.page.screenshot(path=path)
    visit.page.close()
    shot = cv2.imread(str(path))
    assert shot.shape[:2] == (1100, 1280) and shot.std() > 20
