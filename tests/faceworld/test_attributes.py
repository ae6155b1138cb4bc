"""Named edits set what they are called after, and photos say what they show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from unripple.faceworld import INDEX, sample_factors
from unripple.faceworld.attributes import (
    SETTINGS,
    SHEET_ATTRIBUTES,
    edited,
    edits_of,
    is_categorical,
    sheet_values,
    under_eyes,
)
from unripple.io.sheet import read_sheet
from unripple.io.translations import ATTRIBUTES, VALUES, Names, offered, parsed

FACES = sample_factors(40, seed=5)


def test_every_edit_is_one_that_photos_may_be_offered() -> None:
    """A value that is not one of the nine would be a badly named file for every known photo."""
    for name in SETTINGS:
        assert parsed(name).key == name
        assert name.partition("_")[0] in SHEET_ATTRIBUTES or not is_categorical(name)
    assert offered(Names(unconditional=tuple(SETTINGS)), (0,) * 9).keys() >= {"Gl_max", "bald"}


def test_the_nine_are_those_of_translations_and_have_their_values() -> None:
    assert SHEET_ATTRIBUTES == ATTRIBUTES
    for row in sheet_values(FACES):
        assert all(0 <= value < count for value, count in zip(row, VALUES, strict=True))


@pytest.mark.parametrize("name", SETTINGS)
def test_an_edit_changes_its_factors_alone(name: str) -> None:
    changed = (edited(FACES, name) != FACES).any(0)
    columns = torch.nonzero(changed)[:, 0].tolist()
    assert {INDEX[factor] for factor in SETTINGS[name]} >= set(columns)
    assert changed.any() or name in ("Bd_min", "Gl_min")


@pytest.mark.parametrize("attribute", [attribute for attribute in SHEET_ATTRIBUTES if attribute])
def test_who_was_given_a_value_has_it(attribute: str) -> None:
    column = SHEET_ATTRIBUTES.index(attribute)
    haired = edited(FACES, "Hc_1")
    for value, name in enumerate(edits_of(attribute)):
        assert is_categorical(name)
        rows = sheet_values(edited(haired, name))
        assert {row[column] for row in rows} == {value}


def test_the_bald_have_no_bangs_and_no_style() -> None:
    for row in sheet_values(edited(FACES, "Hc_4")):
        assert (row[5], row[6], row[8]) == (0, 4, 2)


def test_bags_lie_below_the_eyes_and_not_on_them() -> None:
    eyes = np.array([[20.0, 28.0], [44.0, 28.0]])
    skin = under_eyes(eyes, 64)
    rows, columns = np.nonzero(skin)
    assert rows.min() > 28 and rows.max() < 45
    assert np.array_equal(skin, skin[:, ::-1]) and not skin[:, 32].any() and columns.min() > 8


def test_the_sheet_says_what_the_sample_photos_have(repo: Path) -> None:
    rows = read_sheet(repo / "data/sheet.tsv")
    assert len(rows) == 12
    for row in rows:
        meta = json.loads((repo / "data/photos/truth" / row.photo / "meta.json").read_text())
        (nine,) = sheet_values(torch.tensor([meta["factors"]]))
        assert row.characteristics == "_".join(map(str, nine)), row.photo
