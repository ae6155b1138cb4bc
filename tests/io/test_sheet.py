"""The sheet only ever grows."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unripple.conventions import BadPhoto, StoreError
from unripple.io.sheet import SHARD_SIZE, Row, photo_id, read_sheet, update_sheet


def add(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")


def test_new_photos_never_move_old_ones(tmp_path: Path) -> None:
    folder, sheet = tmp_path / "photos", tmp_path / "sheet.tsv"
    add(folder, *(f"m{number:02}.png" for number in range(SHARD_SIZE - 1)))
    before = update_sheet(folder, sheet)
    add(folder, "a.png", "z.png")  # the first sorts before all others
    after = update_sheet(folder, sheet)
    assert after[: len(before)] == before
    assert [(row.photo, row.shard) for row in after[-2:]] == [("a", "00000"), ("z", "00001")]


def test_a_known_folder_leaves_the_file_alone(tmp_path: Path) -> None:
    folder, sheet = tmp_path / "photos", tmp_path / "sheet.tsv"
    add(folder, "a.png")
    update_sheet(folder, sheet)
    stamp = sheet.stat().st_mtime_ns
    update_sheet(folder, sheet)
    assert sheet.stat().st_mtime_ns == stamp


def test_a_folder_has_one_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    add(Path("photos"), "a.png")
    rows = update_sheet(Path("./photos/"), Path("sheet.tsv"))
    assert update_sheet(tmp_path / "photos", Path("sheet.tsv")) == rows
    assert [row.path for row in read_sheet(Path("sheet.tsv"))] == ["photos/a.png"]


def test_another_folder_shares_the_sheet(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.tsv"
    add(tmp_path / "one", "a.png")
    add(tmp_path / "two", "a.png")
    assert [row.photo for row in update_sheet(tmp_path / "one", sheet)] == ["a"]
    assert [row.photo for row in update_sheet(tmp_path / "two", sheet)] == ["a-2"]


def test_a_photo_that_went_keeps_its_row_and_place(tmp_path: Path) -> None:
    folder, sheet = tmp_path / "photos", tmp_path / "sheet.tsv"
    add(folder, "a.png", "b.png")
    update_sheet(folder, sheet)
    (folder / "a.png").unlink()
    assert [row.photo for row in update_sheet(folder, sheet)] == ["b"]
    add(folder, "a.png")
    assert [row.photo for row in update_sheet(folder, sheet)] == ["a", "b"]


def test_what_people_wrote_into_the_sheet_stays(tmp_path: Path) -> None:
    folder, sheet = tmp_path / "photos", tmp_path / "sheet.tsv"
    add(folder, "a.png")
    (row,) = update_sheet(folder, sheet)
    sheet.write_text(f"photo\tpath\tshard\talign\n{row.photo}\t{row.path}\t{row.shard}\tmtcnn\n")
    add(folder, "b.png")
    assert update_sheet(folder, sheet)[0].align == "mtcnn"
    assert read_sheet(sheet)[0].align == "mtcnn"


def test_ids_are_unique_and_stable(tmp_path: Path) -> None:
    folder, sheet = tmp_path / "photos", tmp_path / "sheet.tsv"
    add(folder, "Anna.png", "anna.jpg", "anna-2.webp", "日本.png", "??.png")
    ids = {Path(row.path).name: row.photo for row in update_sheet(folder, sheet)}
    assert ids == {
        "??.png": "photo",
        "Anna.png": "anna",
        "anna-2.webp": "anna-2",
        "anna.jpg": "anna-3",
        "日本.png": "photo-2",
    }


@given(names=st.lists(st.text(min_size=1), max_size=20))
def test_any_names_give_unique_safe_ids(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        photo = photo_id(name.replace("/", "") + ".png", taken)
        assert set(photo) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
        assert photo and photo not in taken
        taken.append(photo)


def test_other_files_are_told_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "photos"
    add(folder, "a.png", "b.txt", ".hidden.png")
    (folder / "truth").mkdir()
    with caplog.at_level(logging.WARNING):
        rows = update_sheet(folder, tmp_path / "sheet.tsv")
    assert [row.photo for row in rows] == ["a"]
    assert "b.txt" in caplog.text and "hidden" not in caplog.text


def test_an_empty_or_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadPhoto, match="no such folder"):
        update_sheet(tmp_path / "nowhere", tmp_path / "sheet.tsv")
    with pytest.raises(BadPhoto, match="no photos in this folder"):
        update_sheet(tmp_path, tmp_path / "sheet.tsv")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b,c\n", "must name the columns"),
        ("photo\tpath\tshard\na\tx.png\t0\n", "five digits"),
        ("photo\tpath\tshard\n../a\tx.png\t00000\n", "an id has only"),
        ("photo\tpath\tshard\na\tx.png\t00000\na\ty.png\t00000\n", "twice"),
    ],
)
def test_a_spoilt_sheet_is_an_error(tmp_path: Path, text: str, complaint: str) -> None:
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text(text)
    with pytest.raises(StoreError, match=complaint):
        read_sheet(sheet)


HEAD, LINE = "photo\tpath\tshard\talign\tcharacteristics\n", "a\tdata/ä.png\t00000\t\t\n"


@pytest.mark.parametrize(
    "data",
    [
        (HEAD + LINE).encode("utf-8-sig"),
        (HEAD + LINE).encode("utf-16"),
        (HEAD + LINE).replace("\n", "\r\n").encode(),
        (HEAD + LINE).replace("\t", ";").encode(),
        ("\n" + HEAD + "\n" + LINE + "\t\t\t\t\n").encode(),
    ],
    ids=["marked", "utf-16", "crlf", "semicolons", "empty lines"],
)
def test_what_a_spreadsheet_program_saved_is_read(tmp_path: Path, data: bytes) -> None:
    sheet = tmp_path / "sheet.tsv"
    sheet.write_bytes(data)
    assert read_sheet(sheet) == [Row("a", "data/ä.png", "00000")]


def test_capitals_and_spaces_are_forgiven(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text(HEAD + "a \tx .png\t00000\tMTCNN \t\n")
    assert read_sheet(sheet) == [Row("a", "x .png", "00000", "mtcnn")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (HEAD + "a\tx.png\t0\t\t\n", "zeros a spreadsheet program takes away"),
        (HEAD + "a\tx.png\t０００００\t\t\n", "five digits"),
        (HEAD + "a\tx.png\t00000\t\t\nb\tx.png\t00000\t\t\n", "x.png stands there twice, as 'a'"),
        (HEAD.replace("characteristics", "align") + LINE, "names a column twice"),
    ],
)
def test_what_a_sheet_cannot_say(tmp_path: Path, text: str, complaint: str) -> None:
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text(text)
    with pytest.raises(StoreError, match=complaint):
        read_sheet(sheet)


def test_a_sheet_saved_in_one_byte_per_letter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    add(Path("data"), "ä.png")
    sheet = tmp_path / "sheet.tsv"
    sheet.write_bytes((HEAD + LINE).encode("cp1252"))
    with pytest.raises(StoreError, match="save the sheet as"):
        read_sheet(sheet)


def test_own_columns_stay_in_their_place(tmp_path: Path) -> None:
    folder, sheet = tmp_path / "photos", tmp_path / "sheet.tsv"
    add(folder, "a.png")
    (row,) = update_sheet(folder, sheet)
    sheet.write_text(f"note\tphoto\tpath\twho\tshard\nmine\ta\t{row.path}\tme\t00000\tand more\n")
    add(folder, "b.png")
    assert [row.photo for row in update_sheet(folder, sheet)] == ["a", "b"]
    head, first, second = sheet.read_text().splitlines()
    assert head == "note\tphoto\tpath\twho\tshard\talign\tcharacteristics"
    assert first.split("\t")[:4] == ["mine", "a", row.path, "me"] and "and more" in first
    assert second.split("\t") == ["", "b", str(folder / "b.png"), "", "00000", "", ""]
    assert [row.photo for row in read_sheet(sheet)] == ["a", "b"]
