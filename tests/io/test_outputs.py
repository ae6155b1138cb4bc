"""No output is an input, by whatever name."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.conventions import UnrippleError
from unripple.io.outputs import check_distinct, check_output


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "x.png"
    path.write_bytes(b"x")
    (tmp_path / "soft.png").symlink_to("x.png")
    (tmp_path / "hard.png").hardlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path)
    return path


@pytest.mark.parametrize("name", ["x.png", "./x.png", "soft.png", "hard.png", "folder/x.png"])
def test_the_photo_is_known_by_every_name(photo: Path, name: str) -> None:
    out = photo.parent / name
    with pytest.raises(UnrippleError, match="--overwrite"):
        check_output(out, {"photo": photo})
    check_output(out, {"photo": photo}, overwrite=True)
    with pytest.raises(UnrippleError, match="config itself"):
        check_output(out, {"config": photo}, overwrite=True)


def test_other_files_may_be_written(photo: Path) -> None:
    (photo.parent / "other.png").write_bytes(b"x")
    for name in ("other.png", "new.png", "X.jpg"):
        check_output(photo.parent / name, {"photo": photo, "config": None})


def test_names_that_differ_in_case_alone_are_one(tmp_path: Path) -> None:
    check_distinct([("a", tmp_path / "a"), ("b", tmp_path / "b"), ("a", tmp_path / "a")])
    with pytest.raises(UnrippleError, match=r"one\.png and two\.png would both be written to"):
        check_distinct([("one.png", tmp_path / "a.gif"), ("two.png", tmp_path / "A.gif")])
