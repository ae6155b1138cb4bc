"""Names, places and clocks decide nothing; what is deleted is made again; errors are a sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.tiny import REPO, picture, snakemake
from tests.workflow.project import EDIT, go_to_a_copy

pytestmark = pytest.mark.slow
ODD = (
    "a<b>",
    "I <3 you",
    "a<results>",
    "-rf",
    "x{y}",
    "it's",
    'a "b"',
    "$HOME `id` #",
    "new\nline",
)
NOTHING = "Nothing to be done"


@pytest.fixture(scope="module")
def run_through(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that Snakemake has gone through once."""
    folder = tmp_path_factory.mktemp("run-through") / "project"
    shutil.copytree(finished, folder)
    snakemake(folder)
    return folder


@pytest.fixture
def there(run_through: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed; dates go along, and so nothing is to be done."""
    return go_to_a_copy(run_through, tmp_path, monkeypatch)


def planned(folder: Path, *words: str) -> str:
    return snakemake(folder, "--dry-run", *words)


def test_odd_names_and_dates_are_like_others(here: Path) -> None:
    """In an odd folder, too; a second run has nothing to do, and a changed photo is seen."""
    place = here.with_name("it's: <here> {x} (1)")
    here.rename(place)
    photos = place / "in <x> {y}"
    photos.mkdir()
    hours = 3600
    dates = (315532800, time.time() + 3 * hours, 2208988800)
    for number, name in enumerate(ODD):
        file = photos / f"{name}.png"
        Image.fromarray(picture(1)).save(file)
        os.utime(file, (dates[number % 3], dates[number % 3]))
    config = json.loads((place / "config.yaml").read_text()) | {"photos": photos.name}
    (place / "config.yaml").write_text(json.dumps(config))
    snakemake(place)
    (results,) = place.glob("in-x-y-*_results")
    assert len(json.loads((results / "measure.json").read_text())["edits"]) == len(ODD)
    assert NOTHING in planned(place)
    Image.fromarray(picture(2)).save(photos / "-rf.png")
    os.utime(photos / "-rf.png", (dates[2], dates[2]))
    assert NOTHING not in planned(place)


def test_a_clone_in_an_odd_place_plans_and_calls_its_own_program(
    here: Path, tmp_path: Path
) -> None:
    """Snakemake formats the path of the environment's file, and the shell reads that of Python."""
    clone = tmp_path / "sp ä (1)" / "it's <here> {y} $HOME"
    shutil.copytree(REPO / "rules", clone / "rules")
    for name in ("envs", "workflow", "profiles"):
        shutil.copytree(REPO / name, clone / name)
    shutil.copy(REPO / "Snakefile", clone)
    python = clone / "bin: it's {y}" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (here / "results/paste" / EDIT / "bob.picture.png").unlink()
    driver = f"import sys; sys.executable = {str(python)!r}; from snakemake.cli import main; main()"
    words = ["--snakefile", str(clone / "Snakefile"), "--cores", "1"]
    done = subprocess.run(
        [sys.executable, "-c", driver, *words],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (here / "results/paste" / EDIT / "bob.picture.png").exists()


@pytest.mark.parametrize("what", ["picture", "store"])
def test_what_was_deleted_is_made_again(there: Path, what: str) -> None:
    shown = there / "results/paste" / EDIT / "bob.picture.png"
    before = shown.read_bytes()
    if what == "picture":
        shown.unlink()
    else:
        shutil.rmtree(there / "results/store")
    assert NOTHING not in planned(there)
    assert shown.exists() is (what == "store")  # a dry run writes nothing
    snakemake(there)
    assert shown.read_bytes() == before
    assert NOTHING in planned(there)


def test_results_dated_by_a_clock_that_is_ahead_are_worked_with(there: Path) -> None:
    soon = time.time() + 10_000
    for manifest in (there / "results").rglob("0*.json"):
        os.utime(manifest, (soon, soon))
    snakemake(there, "--config", "compose={'feather_px': 2}")


@pytest.mark.parametrize(
    ("spoil", "words", "sentence"),
    [
        (lambda: shutil.rmtree("data/models"), (), "no such weights file"),
        (lambda: None, ("--config", "photos=nowhere"), "nowhere: no such folder"),
        (lambda: None, (f"results/view/paste/{EDIT}/zoe.png",), "no photo 'zoe'"),
        (lambda: Path("data/sheet.tsv").write_text("x"), (), "must name the columns"),
        (
            lambda: (shutil.rmtree("results"), Path("results").touch()),
            (),
            "cannot write results/.run.lock",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(here, spoil, words, sentence) -> None:
    spoil()
    with pytest.raises(AssertionError) as told:
        snakemake(here, *words)
    said = str(told.value)
    assert "Traceback" not in said and "InputFunctionException" not in said
    (line,) = [line for line in said.splitlines() if sentence in line]
    assert line.startswith("unripple: ") or line.startswith("E   AssertionError")
    assert 'File "' not in said
