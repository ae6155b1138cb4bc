"""Tables of attributes: CelebA's and the face world's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unripple.conventions import BadPhoto, UnknownName
from unripple.io.attributes import look_up, read_table, read_truths

TABLE = "3\nSmiling Young\n0.jpg  -1  1\n1.jpg   1 -1\n000012.jpg  1  1\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "anno.txt"
    path.write_text(TABLE)
    return path


def test_a_table_says_who_has_it(table: Path) -> None:
    assert read_table(table, "Smiling") == {"0": False, "1": True, "12": True}
    assert read_table(table, "Young") == {"0": True, "1": False, "12": True}


def test_numbers_are_found_with_and_without_zeros(table: Path) -> None:
    has = read_table(table, "Smiling")
    assert look_up(has, "00012") is look_up(has, "12") is look_up(has, "sub/000012") is True
    assert look_up(has, "13") is None and look_up(has, "anna") is None


def test_an_unknown_attribute_is_named(table: Path) -> None:
    with pytest.raises(UnknownName, match=r"no attribute 'Smilin'; did you mean 'Smiling'"):
        read_table(table, "Smilin")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Smiling\n0.jpg 1\n", "first line is not the number of rows"),
        ("2\nSmiling\n0.jpg 1\n", "has 1 rows, and says 2"),
        ("1\nSmiling\n0.jpg 0\n", r"row of 0\.jpg is not 1 times 1 or -1"),
        ("1\nSmiling Young\n0.jpg 1\n", r"row of 0\.jpg is not 2 times"),
        ("", "first line"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "anno.txt"
    path.write_text(text)
    with pytest.raises(BadPhoto, match=rf"--table: .*anno\.txt: .*{complaint}"):
        read_table(path, "Smiling")


def test_truths_of_rendered_photos_say_it_too(tmp_path: Path) -> None:
    for name, smile in {"a": 0.9, "b": -0.5}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "meta.json").write_text(json.dumps({"factors": [smile]}))
    assert read_truths(tmp_path, lambda factors: factors[0] > 0.3) == {"a": True, "b": False}
    (tmp_path / "a" / "meta.json").write_text("{}")
    with pytest.raises(BadPhoto, match="does not say what the face is made of"):
        read_truths(tmp_path, lambda factors: True)


def test_a_folder_without_truth_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadPhoto, match="holds no truth of rendered photos"):
        read_truths(tmp_path, lambda factors: True)
