"""Tables as spreadsheet programs leave them: nothing is lost, or taken for another number."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.conventions import BadConfig
from unripple.io import plain_yaml
from unripple.io.landmarks import read_landmarks
from unripple.io.latents import read_labels

LABELS = "name,smile,age\na.png,1,30\nb.png,-1,50\n"


def labels(folder: Path, text: str) -> dict[str, dict[str, float]]:
    path = folder / "labels.csv"
    path.write_bytes(text.encode())
    return read_labels(path)


PLAIN = {"smile": {"a.png": 1.0, "b.png": -1.0}, "age": {"a.png": 30.0, "b.png": 50.0}}


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\n" + LABELS.replace(",", ";"),
        '"sep=,"\r\n' + LABELS.replace("\n", "\r\n"),
        "sep=|\n" + LABELS.replace(",", "|"),
        LABELS.replace("\n", ",,\n"),
        LABELS.replace("smile,", "smile,,").replace("1,", "1,,"),
        LABELS.replace("name", ""),  # as pandas writes an index
    ],
)
def test_what_programs_add_is_left_out(tmp_path: Path, text: str) -> None:
    assert labels(tmp_path, text) == PLAIN


def test_a_line_is_counted_as_the_program_shows_it(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="line 3: age: 'x' is no number"):
        labels(tmp_path, "sep=,\n" + LABELS.replace("30", "x"))


@pytest.mark.parametrize("columns", ["smile,,", "smile,"])
def test_values_under_no_name_are_not_lost(tmp_path: Path, columns: str) -> None:
    values = "1,2,3" if columns.endswith(",,") else "1,2"
    with pytest.raises(BadConfig, match=r"line 2 has '[23]' in a column without a name"):
        labels(tmp_path, f"name,{columns}\na,{values}\n")


@pytest.mark.parametrize("number", ["1_0", "٣٠", "３０", "3\u00a0000", "−1", "½"])
def test_numbers_that_people_read_otherwise_are_refused(tmp_path: Path, number: str) -> None:
    with pytest.raises(BadConfig, match="plain digits"):
        labels(tmp_path, LABELS.replace("30", number))
    path = tmp_path / "landmarks.csv"
    head = "photo,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5"
    path.write_text(f"{head}\na,{number},2,3,4,5,6,7,8,9,10\n", encoding="utf-8")
    with pytest.raises(BadConfig, match="plain digits"):
        read_landmarks(path)


def test_a_config_of_an_old_code_page_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes("photos: Bäume".encode("latin-1"))
    with pytest.raises(BadConfig, match=r"not UTF-8 \("):
        plain_yaml.read(path)
