"""`unripple strip` and `unripple sweep`: files, batches, complaints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unripple
from tests.tiny import picture, walk, write_project
from unripple.cli.main import BAD_INPUT, main
from unripple.io.config import read_config
from unripple.io.provenance import source_type


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = {"anna.png": (64, 64), "bob.png": (90, 120)}
    folder = write_project(tmp_path_factory.mktemp("project"), photos)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        walk(read_config(Path("config.yaml")), ("align",))
        other = Path("other")
        other.mkdir()
        for seed, name in enumerate(("anna.png", "ANNA.png"), 7):  # others of that name
            Image.fromarray(picture(seed)).save(other / name)
        (other / "link.png").symlink_to("../data/photos/anna.png")
        (other / "hard.png").hardlink_to("data/photos/anna.png")
    return folder


@pytest.fixture(autouse=True)
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def test_the_strip_of_a_named_edit_and_of_moves_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "strip.png"
    assert main(["strip", "anna", "look_left"]) == 0
    (printed,) = capsys.readouterr().out.splitlines()
    assert printed == "results/strip/look_left/anna.png"
    assert main(["strip", "data/photos/anna.png", "pose=-3", "-o", str(out)]) == 0
    assert out.read_bytes() == Path(printed).read_bytes()
    assert source_type(out) is not None


@pytest.mark.parametrize("command", ["strip anna glasses_3", "view edit anna glasses_3"])
def test_an_edit_of_another_config_s_run_is_told_apart_from_none(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == BAD_INPUT
    assert "--config" not in capsys.readouterr().err
    Path("results/edit/glasses_3").mkdir(parents=True)
    assert main(command.split()) == BAD_INPUT
    said = capsys.readouterr().err
    Path("results/edit/glasses_3").rmdir()
    assert "results has it from a run with another config" in said and "--config" in said


def test_two_photos_of_one_name_leave_two_strips(capsys: pytest.CaptureFixture[str]) -> None:
    for photo in ("anna", "other/anna.png"):
        assert main(["strip", photo, "look_left", "--set", "align.mode=aligned"]) == 0
    known, other = capsys.readouterr().out.splitlines()
    assert known == "results/strip/look_left/anna.png" and other != known
    assert Path(known).read_bytes() != Path(other).read_bytes()


def test_photos_of_one_name_leave_a_film_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", "anna", "other/anna.png", "other/ANNA.png", "pose", "0", "1", "--frames", "2"]
    assert main([*words, "--set", "align.mode=aligned", "-o", str(tmp_path / "films")]) == 0
    films = capsys.readouterr().out.splitlines()
    assert films[0] == str(tmp_path / "films/anna.pose.webp")
    assert len({film.casefold() for film in films}) == 3
    assert len({Path(film).read_bytes() for film in films}) == 3


def test_a_photo_named_twice_is_swept_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", "anna", "data/photos/anna.png", "pose", "0", "1", "--frames", "2", "--crop"]
    assert main([*words, "-o", str(tmp_path / "films")]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "films/anna.pose.webp")]


def test_a_sweep_has_the_bytes_of_the_edits(tmp_path: Path) -> None:
    out = tmp_path / "anna.webp"
    words = ["sweep", "anna", "pose", "-3", "3", "--frames", "3", "--back", "-o", str(out)]
    assert main(words) == 0
    editor = unripple.Editor(settings=read_config(Path("config.yaml")))
    with Image.open(out) as animation:
        assert animation.n_frames == 4
        for number, degree in enumerate([-3, 0, 3, 0]):
            animation.seek(number)
            wanted = editor.edit("data/photos/anna.png", pose=degree).picture
            assert np.array_equal(np.asarray(animation.convert("RGB")), wanted)


def test_a_photo_that_fails_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    words = ["sweep", str(bad), "anna", "bob", "pose", "0", "1", "--frames", "2", "--height", "48"]
    assert main([*words, "-o", str(tmp_path / "films"), "--format", "gif"]) == BAD_INPUT
    said = capsys.readouterr()
    made = [tmp_path / "films" / f"{name}.pose.gif" for name in ("anna", "bob")]
    assert said.out.split() == [str(path) for path in made]
    assert "bad.png: not a picture" in said.err and "1 of 3 photos failed" in said.err
    assert sorted((tmp_path / "films").iterdir()) == made
    with Image.open(made[1]) as animation:
        assert animation.size == (64, 48)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("strip ana look_left", "did you mean 'anna'"),
        ("strip anna look_leftt", "look_left"),
        ("strip anna pose=x", "direction=degree"),
        ("strip anna look_left -o a.gif", "cannot write .gif"),
        ("strip anna look_left --side 3", "--side must be at least 16, found 3"),
        ("sweep anna bob pose -3 3 -o a.gif", "one file for 2 photos"),
        ("sweep anna pose -3 3 -o a.png", "use one of .gif, .webp, .mp4"),
        ("sweep anna pose -3 3 -o a.gif --format webp", "says it already"),
        ("sweep anna posse -3 3", "no direction 'posse'"),
        ("sweep anna pose -3 3 --frames 1", "--frames must be at least 2, found 1"),
        ("sweep anna pose -3 3 --fps 0", "--fps must be greater than 0, found 0"),
        ("sweep anna pose -3 3 --height 1", "--height must be at least 16, found 1"),
        ("sweep anna pose nan 3", "LOW must be a number, found nan"),
        ("sweep anna pose -3 1e3", "HIGH must be at most 100, found 1000"),
        ("strip anna pose=1 pose=2", "pose is given twice, pose=1 and pose=2"),
        ("strip anna pose=inf", "degree must be a number, found inf"),
        ("strip anna look_left -o data/photos/anna.png", "is the photo itself"),
        ("strip anna look_left -o other/link.png", "is the photo itself, data/photos/anna.png"),
        ("strip anna look_left -o other/hard.png", "is the photo itself, data/photos/anna.png"),
        ("sweep anna pose -3 3 --log data/photos/anna.png", "--log data/photos/anna.png is the"),
        ("sweep nobody pose -3 3", "no photo 'nobody'"),
    ],
)
def test_wrong_words_are_one_line(
    words: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == BAD_INPUT
    said = capsys.readouterr()
    last = said.err.strip().splitlines()[-1]
    assert said.out == "" and last.startswith("unripple: ") and text in last


def test_degrees_out_of_range_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = str(tmp_path / "a.gif")
    assert main(["sweep", "anna", "pose", "-9", "0", "--frames", "2", "-o", out]) == 0
    assert "outside the usable range -4 to 4" in capsys.readouterr().err


def test_a_sweep_goes_to_another_photo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sweep", "anna", "--to", "bob", "--frames", "3", "-o", str(tmp_path / "films")]
    assert main([*words, "--back"]) == 0
    (printed,) = capsys.readouterr().out.splitlines()
    assert printed == str(tmp_path / "films/anna.to.bob.webp")
    editor = unripple.Editor(settings=read_config(Path("config.yaml")))
    with Image.open(printed) as film:
        assert film.n_frames == 4
        for number, name in ((0, "anna"), (2, "bob")):
            film.seek(number)
            wanted = editor.run(f"data/photos/{name}.png", "invert")["invert"]["picture"]
            assert np.array_equal(np.asarray(film.convert("RGB")), wanted)
    assert source_type(Path(printed)) is not None


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("sweep anna bob --to anna", "LOW must be a number"),
        ("sweep anna pose -3 3 --to bob", "--to: goes from one photo, found anna pose -3.0 3.0"),
        ("sweep anna --to bob --text smile", "--to: goes to another photo, and --text"),
        ("sweep anna --to nobody", "no photo 'nobody'"),
        ("sweep anna --to bob -o data/photos/bob.png", "use one of .gif, .webp, .mp4"),
        ("sweep anna --to bob --frames 1", "--frames must be at least 2, found 1"),
    ],
)
def test_wrong_words_about_another_photo_are_one_line(
    words: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == BAD_INPUT
    said = capsys.readouterr()
    last = said.err.strip().splitlines()[-1]
    assert said.out == "" and text in last
