"""report: everything is on the page or in its data, and the page needs nothing else."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from unripple.stages.report import (
    FAILURES_SHOWN,
    Facts,
    Failure,
    Model,
    Row,
    Tile,
    bars,
    describe,
    format_figure,
    medians,
    report,
    summary,
)

TILES = (
    Tile("photo", True, 0, 1, "align/{photo}.picture.png"),
    Tile("edit", False, 0, 2, "edit/{edit}/{photo}.picture.png"),
    Tile("result", False, 1, 2),
)
NO_FACE = Failure("cat", "align", "NoFace: no face was found", "", "Mark the landmarks by hand.")


def row(photo: str, edit: str, **figures: float) -> Row:
    return Row(photo, edit, TILES, f"{edit}-a.webp", f"{edit}-b.webp", figures)


ROWS = [
    row("ada <1>", "look_left", ghost_transmission=0.02, seam=1.1, home_made=4.0),
    row("ada <1>", "look_right", ghost_transmission=-0.04, seam=math.nan),
    row("bob", "look_left", ghost_transmission=0.3),
    Row("cat", "", failure=NO_FACE),
]


class Page(HTMLParser):
    """Tags must nest; scripts' data and text are collected."""

    VOID = ("meta", "img", "br", "link", "input", "hr")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.data: dict[str, Any] = {}
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        _, attributes = self.tags[-1] if self.tags else ("", {})
        if self.open and self.open[-1] == "script":
            if attributes.get("id"):
                self.data[str(attributes["id"])] = json.loads(data)
        elif not (self.open and self.open[-1] == "style"):
            self.words += data

    def said(self) -> str:
        return " ".join(self.words.split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_data_hold_every_row_and_shared_things_once() -> None:
    data = Page(report(ROWS)).data["data"]
    assert [(one[0], one[1]) for one in data["rows"]] == [
        ("ada <1>", 0), ("ada <1>", 1), ("bob", 0), ("cat", -1),
    ]  # fmt: skip
    assert data["edits"] == ["look_left", "look_right"]
    assert data["layouts"] == [[list(tile) for tile in TILES], []]
    assert data["rows"][0][3:6] == ["look_left-a.webp", "look_left-b.webp", [0.02, 1.1, 4.0]]
    assert data["rows"][1][5] == [-0.04, None, None]
    assert data["rows"][3][7] == ["align", NO_FACE.reason, NO_FACE.advice]
    assert [figure[0] for figure in data["figures"]] == ["ghost_transmission", "seam", "home_made"]


def test_a_thousand_photos_cost_no_more_elements_than_three() -> None:
    many = [row(f"p{n}", edit, seam=n / 7) for n in range(1000) for edit in ("a", "b", "c")]
    pages = [Page(report(rows)) for rows in (many[:9], many)]
    few, all_of_them = (len(page.tags) for page in pages)
    assert all_of_them == few
    assert len(report(many)) < 100_000 + 150 * len(many)


def test_strips_are_embedded_where_they_are_given() -> None:
    data = Page(report(ROWS, strips={"x.webp": b"RIFF"})).data["data"]
    assert data["strips"] == {"x.webp": "data:image/webp;base64,UklGRg=="}
    assert Page(report(ROWS)).data["data"]["strips"] == {}


def test_the_page_needs_no_network() -> None:
    html = report(ROWS, [NO_FACE], Facts({"version": "1"}))
    assert not re.search(r"https?://|@import|url\(|src=\"", html)
    assert "prefers-color-scheme: dark" in html and 'content="light dark"' in html


def test_names_from_files_cannot_break_the_page() -> None:
    evil = Failure("</script><b>", "align", "<!--<script>", "", "")
    page = Page(report([*ROWS, Row("</script><b>", "", failure=evil)], [evil]))
    assert page.data["data"]["rows"][-1][0] == "</script><b>"
    assert "</script><b>" in page.said() and not page.all("b>")
    assert len(page.all("script")) == 3


def test_failures_stand_together_with_what_to_do() -> None:
    many = [NO_FACE._replace(photo=f"cat-{n}") for n in range(FAILURES_SHOWN + 7)]
    other = Failure("bob", "paste", "LimitExceeded: 601 s", "look_left", "Shrink the photo.")
    said = Page(report(ROWS, [other, *many])).said()
    assert said.index("Mark the landmarks by hand.") < said.index("Shrink the photo.")
    assert f"{FAILURES_SHOWN + 7} at align" in said and "And 7 more" in said
    assert "LimitExceeded: 601 s" in said and "108 failures." in said
    assert "Failures" not in Page(report(ROWS)).said()


def test_facts_networks_and_times_are_told() -> None:
    facts = Facts({"recipe": "ripple"}, [Model("parser", "bisenet", "labels", "MIT", "ab" * 32)])
    page = Page(report(ROWS, [], facts._replace(config="edits: []"), times={"align": (2, 3.5, 2)}))
    for word in ("ripple", "bisenet", "MIT", "abababababab", "edits: []", "3 edited pictures"):
        assert word in page.said(), word
    assert page.data["timing"] == {"align": [2, 3.5, 2]}


def test_the_summary_names_the_worst_first_and_links_to_it() -> None:
    page = Page(report(ROWS))
    links = [a["href"] for a in page.all("a") if str(a["href"]).startswith("#photo=")]
    assert links[:3] == [
        "#photo=bob&edit=look_left",
        "#photo=ada%20%3C1%3E&edit=look_right",
        "#photo=ada%20%3C1%3E&edit=look_left",
    ]
    (first, *_) = [svg for svg in page.all("svg") if svg["role"] == "img"]
    label = "ghost transmission of 3 edits: −0.040 to 0.300, median 0.020, the truth has 0.000"
    assert first["aria-label"] == label


def test_a_histogram_has_one_bar_per_step_that_is_not_empty() -> None:
    path = bars((2, 0, 1), 30, 10)
    assert path.count("M") == 2
    assert path.startswith("M1.5 10v-10.0h7.0V10z") and "v-5.0" in path


def test_medians_skip_what_is_undefined() -> None:
    assert medians([one.figures for one in ROWS]) == {
        "ghost_transmission": 0.02, "seam": 1.1, "home_made": 4.0,
    }  # fmt: skip
    assert medians([]) == {}
    assert medians([{"seam": math.nan}]) == {}


def test_the_summary_is_json_without_nan() -> None:
    found = json.loads(json.dumps(summary(ROWS), allow_nan=False))
    assert found["medians"]["seam"] == 1.1
    assert found["edits"][1] == {
        "photo": "ada <1>", "edit": "look_right", "ghost_transmission": -0.04, "seam": None,
    }  # fmt: skip
    assert [one["edit"] for one in found["edits"]] == ["look_left", "look_right", "look_left"]


def test_figures_of_the_edit_itself_are_explained() -> None:
    assert describe("ghost_transmission_of_edit").perfect == 0
    assert "before its ripples went" in describe("ghost_transmission_of_edit").meaning
    assert describe("home_made").meaning == "home made"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.012"), (-0.5, "−0.500"), (31.26, "31.3"), (math.nan, "–"), (None, "–")],
)
def test_figures_are_readable(value: float | None, text: str) -> None:
    assert format_figure(value) == text


def test_an_empty_run_has_a_page() -> None:
    assert "0 photos" in Page(report([])).said()


def test_warnings_go_with_their_edit() -> None:
    told = ROWS[0]._replace(warnings=("degree 9 is beyond the usable range",))
    data = Page(report([told])).data["data"]
    assert data["warnings"] == ["degree 9 is beyond the usable range"]
    assert data["rows"][0][6] == [0]
