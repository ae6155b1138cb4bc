"""Snakemake's own reader takes the last of what is given twice, and 010 for 8: ours says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import warm
from tests.tiny import snakemake, write_project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"), {"anna.png": (64, 64)})


def refused(folder: Path, *arguments: str) -> str:
    done = warm.run(folder, "-n", *arguments)
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("inpaint: {grow_px: 1}\ninpaint: {grow_px: 2}\n", "line 2: 'inpaint' is given already"),
        ("project: {iterations: 010}", "a number that begins with 0 for octal"),
        ("translate: {first_code: 40}", "translate.first_code must be at most 9, found 40"),
    ],
)
def test_a_config_file_is_read_strictly(project: Path, text: str, words: str) -> None:
    (project / "own.yaml").write_text(text)
    assert words in refused(project, "--configfile", "own.yaml")


def test_entries_given_twice_are_refused(project: Path) -> None:
    assert "says photos twice" in refused(project, "--config", "photos=a", "photos=b")


def test_an_edit_may_be_called_no(project: Path) -> None:
    (project / "own.yaml").write_text("edits: [{name: no, direction: pose, degree: 1}]")
    own = ["--configfile", "own.yaml", "--config", "edit={strength: 0.5}"]
    assert "translate" in snakemake(project, "results/edit/no/00000.json", "-n", *own)
