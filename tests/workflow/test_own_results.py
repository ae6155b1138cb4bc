"""A folder of photos has results and a sheet of its own; what was there before stays in use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.tiny import picture, snakemake
from tests.workflow.project import EDIT, everything
from unripple.cli.main import main
from unripple.io.sheet import read_sheet

NOTHING = "Nothing to be done"


def write_own(folder: Path) -> None:
    folder.mkdir(parents=True)
    Image.fromarray(picture(7)).save(folder / "anna.png")


@pytest.mark.slow
def test_a_folder_leaves_the_samples_and_their_sheet_as_they_are(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snakemake(here)
    sheet, before = (here / "data/sheet.tsv").read_bytes(), everything(here)
    write_own(here / "mine")
    said = snakemake(here, "--config", "photos=mine")
    assert said.splitlines()[-1] == "1 edit, 0 failed: open mine_results/report.html"
    assert "jobs; what they say is in mine_results/log" in said
    assert (here / f"mine_results/paste/{EDIT}/anna.picture.png").exists()
    assert [row.path for row in read_sheet(here / "mine_sheet.tsv")] == ["mine/anna.png"]
    assert (here / "data/sheet.tsv").read_bytes() == sheet and everything(here) == before
    again = snakemake(here, "--config", "photos=mine")
    assert NOTHING in again and again.splitlines()[-1] == said.splitlines()[-1]
    assert NOTHING in snakemake(here)

    # Commands find them by the folder of the photos, or by that of the results.
    for words in (["--set", "photos=mine"], ["--results", "mine_results"]):
        assert main(["view", "paste", "anna", EDIT, *words]) == 0
        assert capsys.readouterr().out == f"mine_results/view/paste/{EDIT}/anna.png\n"
        assert main(["verify", *words]) == 0
    assert main(["report", "--set", "photos=mine"]) == 0
    assert capsys.readouterr().out == "mine_results/report.html\n"
    assert main(["view", "align", "zoe"]) == 2


@pytest.mark.slow
def test_what_an_older_version_made_is_found_and_goes_on(here: Path) -> None:
    """All photos were in one sheet, and all results in one folder."""
    shutil.move(here / "data/photos", here / "mine")
    sheet = here / "data/sheet.tsv"
    sheet.write_text(sheet.read_text().replace("data/photos", "mine"))
    snakemake(here, "--config", "photos=mine")
    assert NOTHING in snakemake(here, "--config", "photos=mine")
    Image.fromarray(picture(7)).save(here / "mine/zoe.png")
    snakemake(here, "--config", "photos=mine")
    assert (here / f"results/paste/{EDIT}/zoe.picture.png").exists()
    assert not (here / "mine_results").exists() and not (here / "mine_sheet.tsv").exists()


@pytest.mark.slow
def test_another_folder_for_the_samples_keeps_what_their_sheet_says(here: Path) -> None:
    sheet = here / "data/sheet.tsv"
    rows = sheet.read_text().replace("align\t", "align\tmine\t", 1).splitlines()
    sheet.write_text("\n".join([rows[0], *(f"{row}\tmy note" for row in rows[1:])]) + "\n")
    before = sheet.read_bytes()
    snakemake(here, "--config", "results=out 1")
    kept = (here / "out 1_sheet.tsv").read_text()
    assert "anna" in kept and "mine" in kept.splitlines()[0]
    assert sheet.read_bytes() == before
    assert json.loads((here / "out 1/measure.json").read_text())["failures"] == []
