"""A later sweep takes no earlier one's films away."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.tiny import picture, write_project
from unripple.cli.main import BAD_INPUT, main

WORDS = ["pose", "0", "1", "--frames", "2", "--crop", "--set", "align.mode=aligned"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_project(tmp_path, {"anna.png": (64, 64)})
    monkeypatch.chdir(folder)
    for seed, name in enumerate(("a", "b"), 7):
        Path(name).mkdir()
        Image.fromarray(picture(seed)).save(Path(name, "x.png"))
    return folder


def test_two_sweeps_of_one_stem_lose_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = Path("out/x.pose.webp")
    assert main(["sweep", "a/x.png", *WORDS, "-o", "out"]) == 0
    first = film.read_bytes()
    capsys.readouterr()
    assert main(["sweep", "b/x.png", *WORDS, "-o", "out"]) == BAD_INPUT
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and str(film) in said[0] and "--overwrite" in said[0]
    assert film.read_bytes() == first
    assert main(["sweep", "b/x.png", *WORDS, "-o", "out", "--overwrite"]) == 0
    assert film.read_bytes() != first
    # A file that was named, and the results' own folder, are made again as ever.
    for _ in range(2):
        assert main(["sweep", "a/x.png", *WORDS, "-o", "film.webp"]) == 0
        assert main(["sweep", "a/x.png", *WORDS]) == 0
    assert Path("film.webp").read_bytes() == first
