"""Landmarks that people marked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unripple.conventions import BadConfig
from unripple.io.landmarks import landmarks_of, read_landmarks

POINTS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.5]]


def test_json_and_csv_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"anna": POINTS}))
    header = "photo," + ",".join(f"x{n},y{n}" for n in range(1, 6))
    numbers = ",".join(str(value) for point in POINTS for value in point)
    (tmp_path / "a.csv").write_text(f"{header}\nanna,{numbers}\n")
    assert read_landmarks(tmp_path / "a.json") == read_landmarks(tmp_path / "a.csv")


def test_photos_are_found_by_id_file_name_or_stem() -> None:
    path = Path("photos/Anna 1.png")
    for name in ("anna-1", "Anna 1.png", "Anna 1"):
        assert landmarks_of({name: POINTS}, "anna-1", path) == POINTS
    assert landmarks_of({"bob": POINTS}, "anna-1", path) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "[1, 2]"),
        ("a.json", '{"anna": [[1, 2]]}'),
        ("a.json", '{"anna": [[1, 2], [3, 4], [5, 6], [7, 8], [9, NaN]]}'),
        ("a.csv", "photo,x1\nanna,3\n"),
        ("a.csv", "photo,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\nanna,a,b,c,d,e,f,g,h,i,j\n"),
    ],
)
def test_other_content_is_refused_with_the_form_wanted(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadConfig, match=f"{name}.*wanted JSON"):
        read_landmarks(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="No such file"):
        read_landmarks(tmp_path / "a.json")
