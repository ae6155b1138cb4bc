"""Editors side by side: which one keeps photographs best, and where each does worst.

Source: own.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from unripple.metrics.drift import DRIFT_FIGURES
from unripple.metrics.tables import describe

OF_EDIT = "_of_edit"
COMPARED = (
    "drift_zoom",
    "drift_shift",
    "drift_turn",
    "drift_flow",
    "drift_colour",
    "bytes_kept",
    "lpips_outside",
    "ghost_transmission",
    "seam",
    "identity",
    "sharpness",
)
"""What editors are compared by, each of the picture as it came and as it was repaired."""
WORST = 5  # cases of each editor that are named


class Scored(NamedTuple):
    """A photo that an editor edited: its figures by name; nan is undefined."""

    photo: str
    editor: str
    figures: Mapping[str, float]


class Standing(NamedTuple):
    """An editor in the leaderboard.

    Attributes:
        editor: its name.
        photos: how many pictures of it were measured.
        failed: how many came to nothing: refused as another picture, say.
        place: mean place among all editors' pictures, from 0 for the best to 1 for the worst;
            None where nothing was measured.
        came, repaired: medians of `COMPARED`, as it came and after the repair.
        worst: photos and their places, the worst first.
    """

    editor: str
    photos: int
    failed: int
    place: float | None
    came: Mapping[str, float]
    repaired: Mapping[str, float]
    worst: Sequence[tuple[str, float]]


def leaderboard(rows: Sequence[Scored], failed: Mapping[str, int]) -> list[Standing]:
    """Compare editors by what they did beside the edit, the best one first.

    No figure outweighs another: each puts all pictures in an order, and a picture's place is the
    mean of its places. Photos that not all editors edited count as well; with very different
    photos, the places compare photos rather than editors.

    Args:
        rows: what was measured.
        failed: how many pictures of an editor came to nothing.

    Returns:
        A standing per editor; empty where nothing was measured that tells of drift.
    """
    known = [row for row in rows if f"drift_zoom{OF_EDIT}" in row.figures]
    if not known:
        return []
    places = _places(known)
    standings = []
    for editor in dict.fromkeys([*(row.editor for row in known), *failed]):
        own = [
            (row, place) for row, place in zip(known, places, strict=True) if row.editor == editor
        ]
        worst = sorted(own, key=lambda one: -one[1])[:WORST]
        standings.append(
            Standing(
                editor,
                len(own),
                failed.get(editor, 0),
                statistics.fmean(place for _, place in own) if own else None,
                _medians([row for row, _ in own], OF_EDIT),
                _medians([row for row, _ in own], ""),
                [(row.photo, place) for row, place in worst],
            )
        )
    return sorted(standings, key=lambda one: math.inf if one.place is None else one.place)


def badness(name: str, value: float) -> float:
    """How far a figure is from its perfect value; the higher the worse, nan where undefined."""
    if name == "bytes_kept":
        return 1 - value
    if name == "identity":  # a true turn may keep more, too
        return -value
    perfect = describe(name).perfect
    return abs(value - (0.0 if perfect is None else perfect))


def _places(rows: Sequence[Scored]) -> list[float]:
    """The mean place of each row's picture as it came, over all figures that it defines."""
    shares = []
    for name in COMPARED:
        values = np.array([_value(row, name + OF_EDIT) for row in rows])
        worse = np.array([badness(name, value) for value in values])
        defined = np.isfinite(worse)
        share = np.full(len(rows), np.nan)
        if defined.sum() > 1:
            known = worse[defined]
            order = np.sort(known)
            # Equal ones share the middle of their places.
            first, behind = (np.searchsorted(order, known, side) for side in ("left", "right"))
            share[defined] = (first + behind - 1) / 2 / (len(known) - 1)
        shares.append(share)
    table = np.stack(shares)
    counted = np.isfinite(table).sum(0)
    return [float(x) for x in np.where(counted, np.nansum(table, 0) / np.maximum(counted, 1), 0.5)]


def _value(row: Scored, name: str) -> float:
    value = row.figures.get(name)
    return math.nan if value is None else value


def _medians(rows: Sequence[Scored], ending: str) -> dict[str, float]:
    found = {}
    for name in COMPARED:
        values = [value for row in rows if math.isfinite(value := _value(row, name + ending))]
        if values:
            found[name] = statistics.median(values)
    return found


def leader(standings: Sequence[Standing], name: str) -> int:
    """The place in a leaderboard of whose pictures are best as they came, by one figure; or -1."""
    worse = [badness(name, one.came.get(name, math.nan)) for one in standings]
    known = [place for place, value in enumerate(worse) if math.isfinite(value)]
    return min(known, key=lambda place: worse[place], default=-1)


def meaning(name: str) -> str:
    """What a compared figure tells, in a line, with its unit."""
    how = DRIFT_FIGURES.get(name) or describe(name)
    return f"{how.meaning}, {how.unit}" if how.unit else how.meaning
