"""Editors side by side: the order is right, and nothing that is undefined counts."""

from __future__ import annotations

import json
import math

import pytest

from unripple.metrics.leaderboard import Scored, badness, leader, leaderboard
from unripple.stages.report import Failure, Row, report, summary


def scored(photo: str, editor: str, shift: float, kept: float = 0.1) -> Scored:
    figures = {
        "drift_zoom_of_edit": 0.0,
        "drift_shift_of_edit": shift,
        "drift_shift": 0.0,
        "bytes_kept_of_edit": kept,
        "seam_of_edit": math.nan,
    }
    return Scored(photo, editor, figures)


ROWS = [
    scored("anna", "far", 8),
    scored("bob", "far", 4),
    scored("anna", "near", 1),
    scored("bob", "near", 2, kept=0.9),
]


def test_the_best_editor_is_first_and_its_worst_case_too() -> None:
    near, far = leaderboard(ROWS, {"far": 2})
    assert (near.editor, far.editor) == ("near", "far")
    assert near.place is not None and far.place is not None and 0 <= near.place < far.place <= 1
    assert far.worst[0][0] == "anna" and near.worst[0][1] >= near.worst[-1][1]
    assert (near.photos, near.failed, far.failed) == (2, 0, 2)
    assert far.came["drift_shift"] == 6 and far.repaired["drift_shift"] == 0
    assert "seam" not in far.came
    assert leader([near, far], "drift_shift") == 0 and leader([near, far], "seam") == -1


def test_order_of_the_rows_does_not_matter() -> None:
    assert leaderboard(ROWS[::-1], {})[0]._replace(worst=()) == leaderboard(ROWS, {})[0]._replace(
        worst=()
    )


def test_an_editor_of_whom_all_failed_is_last() -> None:
    *_, last = leaderboard(ROWS, {"refused": 3})
    assert last.editor == "refused" and last.place is None and last.failed == 3


def test_edits_of_ones_own_have_no_leaderboard() -> None:
    own = Row("anna", "left", figures={"seam": 1.0})
    assert "editors" not in summary([own]) and "side by side" not in report([own])


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("bytes_kept", 1.0, 0.2),
        ("seam", 1.0, 3.0),
        ("identity", 0.1, -0.4),
        ("sharpness", 1.0, 0.3),
    ],
)
def test_bad_is_far_from_perfect(name: str, good: float, bad: float) -> None:
    assert badness(name, good) < badness(name, bad)


def test_the_report_shows_editors_and_their_worst_cases() -> None:
    rows = [Row(one.photo, one.editor, figures=one.figures) for one in ROWS]
    failure = Failure("carl", "register", "another picture", "far")
    rows.append(Row("carl", "far", failure=failure))
    page = report(rows, [failure])
    assert "Editors side by side" in page and "Worst cases first" in page
    assert page.index('1. <a href="#edit=near"') < page.index('2. <a href="#edit=far"')
    assert "#photo=anna&amp;edit=far" in page and "2, 1 failed" in page
    told = json.loads(json.dumps(summary(rows), allow_nan=False))
    assert [one["editor"] for one in told["editors"]] == ["near", "far"]
