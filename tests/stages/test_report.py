"""report: everything is on the page, and the page needs nothing else."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from unripple.stages.report import (
    EditRow,
    Failure,
    Panel,
    PhotoRow,
    format_figure,
    medians,
    report,
    summary,
)


def panel(title: str, level: int) -> Panel:
    done, png = cv2.imencode(".png", np.full((4, 4, 3), level, np.uint8))
    assert done
    return Panel(title, png.tobytes())


def edit(name: str, **figures: float) -> EditRow:
    return EditRow(name, [panel("edit", 90), panel("compose", 91)], figures)


PHOTOS = [
    PhotoRow(
        "ada <1>",
        [panel("photo", 10), panel("invert", 11)],
        [
            edit("look_left", ghost_transmission=0.02, seam=1.1, home_made=4.0),
            edit("look_right", ghost_transmission=-0.04, seam=math.nan),
        ],
    ),
    PhotoRow("bob", [panel("photo", 20)], [edit("look_left", ghost_transmission=0.3)]),
]


class Page(HTMLParser):
    """Tags must nest; pictures and text are collected."""

    VOID = ("meta", "img", "br", "link", "input", "hr")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_every_picture_is_embedded_lazily_and_described() -> None:
    page = Page(report(PHOTOS))
    pictures = [picture for picture in page.all("img") if picture.get("src")]
    assert len(pictures) == 2 + 2 * 2 + 1 + 2
    for picture in pictures:
        assert picture["src"].startswith("data:image/png;base64,")
        assert picture["loading"] == "lazy" and picture["alt"]
    assert pictures[2]["alt"] == "edit of ada <1>, look_left"


def test_the_page_needs_no_network() -> None:
    html = report(PHOTOS, [Failure("x", "align", "no face")], {"version": "1"})
    assert not re.search(r"https?://|@import|<link|src=\"(?!data:)", html)
    assert "prefers-color-scheme: dark" in html and 'content="light dark"' in html


def test_names_from_files_cannot_break_the_page() -> None:
    html = report(PHOTOS, [Failure("<script>", "align", "<b>bad</b>")])
    assert "ada <1>" not in html and "ada &lt;1&gt;" in html
    assert "<b>bad</b>" not in html and html.count("<script>") == 1


def test_failures_and_facts_are_told() -> None:
    failure = Failure("cat.jpg", "align", "no face was found")
    page = Page(report(PHOTOS, [failure], {"models": "embedded 1"}))
    for word in ("cat.jpg", "no face was found", "embedded 1", "2 photos", "3 edits", "1 failure."):
        assert word in " ".join(page.words.split()), word
    assert "Failures" not in Page(report(PHOTOS)).words


def test_medians_skip_what_is_undefined() -> None:
    rows = [edit.figures for row in PHOTOS for edit in row.edits]
    assert medians(rows) == {"ghost_transmission": 0.02, "seam": 1.1, "home_made": 4.0}
    assert medians([]) == {}
    assert medians([{"seam": math.nan}]) == {}


def test_the_summary_is_json_without_nan() -> None:
    found = json.loads(json.dumps(summary(PHOTOS), allow_nan=False))
    assert found["medians"]["seam"] == 1.1
    assert found["edits"][1] == {
        "photo": "ada <1>", "edit": "look_right", "ghost_transmission": -0.04, "seam": None,
    }  # fmt: skip
    assert [row["edit"] for row in found["edits"]] == ["look_left", "look_right", "look_left"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.012"), (-0.5, "−0.500"), (31.26, "31.3"), (math.nan, "–"), (None, "–")],
)
def test_figures_are_readable(value: float | None, text: str) -> None:
    assert format_figure(value) == text


def test_an_empty_run_has_a_page() -> None:
    page = Page(report([], [Failure("a", "align", "unreadable")]))
    assert "0 photos" in " ".join(page.words.split())


def test_warnings_stand_beside_their_edit() -> None:
    row = EditRow("smile", [], {}, warnings=["degree 9 is beyond the usable range -3 .. 3"])
    assert "beyond the usable range" in Page(report([PhotoRow("a", [], [row])])).words
