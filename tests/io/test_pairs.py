"""Pairs of pictures by name: nothing shifts, and what is alone is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from unripple.conventions import BadPhoto
from unripple.io.pairs import pairs_of, pictures_in, steps_in


def save(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name)
    return folder


def test_pairs_have_one_name_whatever_their_suffix(tmp_path: Path) -> None:
    originals = save(tmp_path / "a", "b.jpg", "a.b.png", "sub/a.webp", "c.JPG")
    results = save(tmp_path / "b", "a.b.jpeg", "b.png", "sub/a.png", "c.png")
    (results / "notes.txt").write_text("")
    (results / ".b.png").write_text("")
    pairs = pairs_of(pictures_in(originals), pictures_in(results))
    assert [pair.name for pair in pairs] == ["a.b", "b", "c", "sub/a"]
    assert all(pair.original.stem == pair.result.stem for pair in pairs)


def test_parts_of_the_results_tree_are_chosen(tmp_path: Path) -> None:
    results = save(tmp_path, "anna.picture.png", "anna.touched.png", "bob.picture.png")
    assert list(pictures_in(results, part="picture")) == ["anna", "bob"]
    with pytest.raises(BadPhoto, match=r"no picture in it \(<name>\.plate"):
        pictures_in(results, part="plate")


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [("a", r"a/z\.png has no result"), ("b", r"b/z\.png has no original")],
)
def test_a_picture_alone_is_named(tmp_path: Path, extra: str, complaint: str) -> None:
    for folder in ("a", "b"):
        save(tmp_path / folder, "x.png", "y.png", *(["z.png"] if folder == extra else []))
    with pytest.raises(BadPhoto, match=complaint):
        pairs_of(pictures_in(tmp_path / "a"), pictures_in(tmp_path / "b"))


def test_many_pictures_alone_are_counted(tmp_path: Path) -> None:
    save(tmp_path / "a", "x.png")
    save(tmp_path / "b", "x.png", *(f"{n}.png" for n in range(5)))
    with pytest.raises(BadPhoto, match=r"0\.png .*1\.png .*2\.png .*, and 2 more; pictures"):
        pairs_of(pictures_in(tmp_path / "a"), pictures_in(tmp_path / "b"))


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPhoto, match=r"x\.\w+ and .*x\.\w+ have one name"):
        pictures_in(save(tmp_path, "x.png", "x.jpg"))


def test_no_folder_and_no_picture_are_said(tmp_path: Path) -> None:
    with pytest.raises(BadPhoto, match=r"gone: no such folder"):
        pictures_in(tmp_path / "gone")
    with pytest.raises(BadPhoto, match="no picture in it"):
        pictures_in(tmp_path)


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a", "x.png", "y.png")
    save(tmp_path / "b", "x.png", "y.png")
    (tmp_path / "b" / "y.png").write_bytes(b"")
    with pytest.raises(BadPhoto, match=r"b/y\.png: the file is empty"):
        pairs_of(pictures_in(tmp_path / "a"), pictures_in(tmp_path / "b"))


def test_steps_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for step in (10, 9, 0):
        save(tmp_path, f"{step}/x.png")
    assert list(steps_in(tmp_path)) == ["0", "9", "10"]
    save(tmp_path, "x.png")
    assert steps_in(tmp_path) == {}
