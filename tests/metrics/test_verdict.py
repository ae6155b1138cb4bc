"""The verdict: one table of limits, read the same way by everyone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from unripple.metrics.figures import FIGURES
from unripple.metrics.tables import Change, compare, step_from
from unripple.metrics.verdict import LIMITS, VISIBLE_SHARE, Level, changed_share, verdict

SIDES = [
    (name, side, sign)
    for name, limit in LIMITS.items()
    for side, sign in ((limit.low, -1), (limit.high, 1))
    if side
]


@pytest.mark.parametrize("name", LIMITS)
def test_the_truth_is_good_and_every_limit_is_explained(name: str) -> None:
    limit, how = LIMITS[name], FIGURES[name]
    assert limit.level(50.0 if how.perfect is None else how.perfect) is Level.GOOD
    assert limit.title and limit.sentence.endswith(".") and limit.why.endswith(".")
    assert "better" in limit.better and "bad" in limit.describe(how.unit)


@pytest.mark.parametrize(("name", "side", "sign"), SIDES)
def test_limits_part_good_doubtful_and_bad(name: str, side: tuple[float, float], sign: int) -> None:
    limit, (doubtful, bad) = LIMITS[name], side
    assert sign * bad > sign * doubtful
    little = 1e-6 * sign * abs(bad - doubtful)
    assert limit.level(doubtful - little) is Level.GOOD
    assert limit.level(doubtful + little) is Level.DOUBTFUL
    assert limit.level(bad - little) is Level.DOUBTFUL
    assert limit.level(bad + little) is Level.BAD


def test_an_edit_is_as_good_as_its_worst_figure() -> None:
    given = verdict({"seam": 2.0, "ghost_transmission": -0.5, "yaw_error": math.nan, "mine": 99.0})
    assert given.level is Level.BAD
    assert given.reasons == ("ghost_transmission", "seam")
    assert verdict({}).level is Level.GOOD


def test_an_edit_that_nobody_sees_is_doubtful() -> None:
    given = verdict({"seam": 1.0}, changed=VISIBLE_SHARE / 2)
    assert (given.level, given.unchanged, given.reasons) == (Level.DOUBTFUL, True, ())
    assert not verdict({"seam": 1.0}, changed=0.2).unchanged
    assert not verdict({"seam": 1.0}).unchanged


def test_only_what_is_seen_counts_as_changed() -> None:
    photo = np.full((20, 20, 3), 100, np.uint8)
    result = photo.copy()
    result[:5] += 9
    assert changed_share(photo, result) == 0
    result[:5, :, 1] -= 60
    assert changed_share(photo, result) == 0.25


def test_two_runs_are_compared_by_the_edits_of_both() -> None:
    good, bad = {"seam": 1.0, "mine": 3.0}, {"seam": 4.0}
    assert (step_from(bad, good), step_from(good, bad), step_from(bad, bad)) == (1, -1, 0)
    found = compare([(good, bad), (good, bad), (bad, bad)])
    assert (found.better, found.worse, found.alike) == (2, 0, 1)
    assert found.changes == (("seam", 4.0, 1.0),)


@pytest.mark.parametrize(
    ("name", "there", "here", "word"),
    [
        ("ghost_transmission", 0.2, -0.1, "better"),
        ("ghost_transmission", 0.02, -0.1, "worse"),
        ("fill_psnr", 20.0, 22.0, "better"),
        ("fill_psnr", 22.01, 22.02, ""),
    ],
)
def test_a_change_says_whether_it_is_for_the_better(
    name: str, there: float, here: float, word: str
) -> None:
    assert Change(name, there, here).word == word
