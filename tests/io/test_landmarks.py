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


ROW = ",".join(str(value) for point in POINTS for value in point)
HEADER = "photo," + ",".join(f"x{n},y{n}" for n in range(1, 6))


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_landmarks_as_spreadsheets_save_them(tmp_path: Path, coding: str) -> None:
    table = f"{HEADER}\r\nänna,{ROW}\r\n".replace(",", ";").replace(".", ",")
    (tmp_path / "a.csv").write_bytes(table.encode(coding))
    (tmp_path / "a.json").write_bytes(json.dumps({"änna": POINTS}).encode(coding))
    for name in ("a.csv", "a.json"):
        assert read_landmarks(tmp_path / name) == {"änna": POINTS}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.csv", f"{HEADER}\nanna,{ROW}\nanna,{ROW}\n", "line 3 gives 'anna' again"),
        ("a.csv", f"{HEADER}\nanna,1\n", "line 2 has 2 cells, not 11"),
        ("a.csv", f"{HEADER}\n{'a' * 200_000},{ROW}\n", "field larger"),
        ("a.csv", f"{HEADER}\nanna,{ROW}\n".replace("10.5", "inf"), "line 2: 'inf' is no finite"),
        ("a.json", f'{{"anna": {POINTS}, "anna": {POINTS}}}', "'anna' twice"),
        ("a.json", f'{{"anna": {[*POINTS, [1, 2]]}}}', "five points wanted, found 6"),
        ("a.json", f'{{"anna": {[*POINTS[:4], [1e300, 2]]}}}', "no photo is so large"),
        (
            "a.json",
            f'{{"anna": {[*POINTS[:4], POINTS[0]]}}}',
            "two of its five points",
        ),
        ("a.json", '{"anna": "aabbccddee"}', "five points wanted"),
        ("a.json", "[" * 100_000, "nested without end"),
        ("a.json", '{"anna": [[' + "9" * 6000 + ", 1]]}", "digits"),
    ],
)
def test_landmarks_that_say_two_things_or_none_are_refused(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadConfig, match=rf"align\.landmarks.*{complaint}"):
        read_landmarks(tmp_path / name)


def test_one_photo_under_two_names_must_have_the_same_points() -> None:
    path = Path("photos/Anna 1.png")
    other = [[x + 1, y] for x, y in POINTS]
    assert landmarks_of({"anna-1": POINTS, "Anna 1.png": POINTS}, "anna-1", path) == POINTS
    assert landmarks_of({"anna-1": POINTS, "Anna 1": other}, "anna-1", path) == POINTS
    with pytest.raises(BadConfig, match=r"'anna-1' and 'Anna 1\.png' are one photo"):
        landmarks_of({"anna-1": POINTS, "Anna 1.png": other}, "anna-1", path)
