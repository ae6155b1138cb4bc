"""The photo that a command is asked for."""

from __future__ import annotations

from pathlib import Path

from unripple.io.config import default_config
from unripple.io.sheet import Row, read_sheet, update_sheet
from unripple.runtime.subject import find_source


def test_what_the_sheet_says_of_a_photo_counts_for_it_alone(tmp_path: Path) -> None:
    photos, sheet = tmp_path / "photos", tmp_path / "sheet.tsv"
    photos.mkdir()
    (photos / "anna.png").write_bytes(b"not read here")
    update_sheet(photos, sheet)
    header, *lines = sheet.read_text().splitlines()
    place = header.split("\t").index("characteristics")
    words = [*lines[0].split("\t"), *[""] * 9][: len(header.split("\t"))]
    words[place] = "0_2_1_1_1_1_1_0_0"
    sheet.write_text(header + "\n" + "\t".join(words) + "\n")
    (row,) = read_sheet(sheet)
    assert isinstance(row, Row)
    found = find_source("anna", default_config(), sheet)
    assert found.characteristics == row.characteristics == "0_2_1_1_1_1_1_0_0"
