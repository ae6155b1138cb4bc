"""Which results folder and which sheet belong to a folder of photos."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.conventions import BadConfig
from unripple.io.config import complete
from unripple.io.places import results_folder, sheet_of, sheet_to_read
from unripple.io.sheet import Row, read_sheet, update_sheet, write_sheet


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("photos", "results", "sheet"),
    [
        ("data/photos", "results", "data/sheet.tsv"),
        ("./data/photos/", "results", "data/sheet.tsv"),
        ("anna", "anna_results", "anna_sheet.tsv"),
        ("../anna", "../anna_results", "../anna_sheet.tsv"),
        ("/media/card/anna's 2", "/media/card/anna's 2_results", "/media/card/anna's 2_sheet.tsv"),
    ],
)
def test_by_default_they_lie_beside_the_photos(photos: str, results: str, sheet: str) -> None:
    found = results_folder(complete({"photos": photos}))
    assert (found, sheet_of(found)) == (Path(results), Path(sheet))


def test_one_folder_has_one_spelling(here: Path) -> None:
    assert results_folder(complete({"photos": str(here / "anna")})) == Path("anna_results")
    assert results_folder(complete({"photos": str(here / "data/photos")})) == Path("results")


def test_the_config_names_another(here: Path) -> None:
    config = complete({"photos": "anna", "results": "runs/first"})
    assert results_folder(config) == Path("runs/first")
    assert sheet_of(Path("runs/first")) == Path("runs/first_sheet.tsv")
    assert sheet_of(Path("../before/results")) == Path("../before/results_sheet.tsv")
    (here.parent / "before/data").mkdir(parents=True, exist_ok=True)
    (here.parent / "before/data/sheet.tsv").touch()
    assert sheet_of(Path("../before/results")) == Path("../before/data/sheet.tsv")


@pytest.mark.parametrize("photos", ["{a}", "x<results>/in", "new\nline", " a"])
def test_names_that_snakemake_misreads_lie_here_under_a_plain_one(photos: str) -> None:
    found = results_folder(complete({"photos": photos}))
    assert found.parent == Path() and found.name.isascii() and not set(found.name) & set("{}<>\n ")
    assert found == results_folder(complete({"photos": photos}))
    assert found != results_folder(complete({"photos": f"other/{photos}"}))


@pytest.mark.parametrize("photos", [".", ".."])
def test_the_current_folder_has_no_beside(photos: str, here: Path) -> None:
    assert results_folder(complete({"photos": photos})).parent == Path()


@pytest.mark.parametrize("results", ["{photo}", "a<b>", ".", "..", "anna"])
def test_what_cannot_be_a_results_folder(results: str) -> None:
    with pytest.raises(BadConfig, match="config: results: "):
        results_folder(complete({"photos": "anna", "results": results}))


def test_a_folder_that_the_samples_sheet_lists_stays_there() -> None:
    write_sheet(Path("data/sheet.tsv"), [Row("anna", "mine/anna.png", "00000")])
    assert results_folder(complete({"photos": "mine"})) == Path("results")
    assert results_folder(complete({"photos": "other"})) == Path("other_results")


def test_a_sheet_takes_over_what_that_of_the_samples_says(here: Path) -> None:
    photos, samples, own = Path("data/photos"), Path("data/sheet.tsv"), Path("out_sheet.tsv")
    photos.mkdir(parents=True)
    for name in ("anna.png", "bob.png"):
        (photos / name).touch()
    listed = [
        Row("anna", "data/photos/anna.png", "00003", align="aligned"),
        Row("gone", "data/photos/gone.png", "00003"),
    ]
    write_sheet(samples, listed)
    before = samples.read_bytes()
    assert sheet_to_read(Path("out")) == samples
    planned = update_sheet(photos, own, write=False)
    assert not own.exists()
    assert update_sheet(photos, own) == planned == read_sheet(own)
    assert planned == [listed[0], Row("bob", "data/photos/bob.png", "00003")]
    assert samples.read_bytes() == before and sheet_to_read(Path("out")) == own
