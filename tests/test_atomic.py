"""Files are whole or absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from unripple import atomic
from unripple.conventions import StoreError


def test_a_file_appears_with_its_bytes_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    atomic.write_bytes(path, b"one")
    atomic.write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_a_full_disk_keeps_the_old_file_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.txt"
    atomic.write_bytes(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"file\.txt: the disk is full"):
        atomic.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_links_show_one_file_under_two_names(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "tree" / "target"
    source.write_bytes(b"one")
    atomic.link(source, target)
    assert target.samefile(source)


def test_linking_again_leaves_nothing_behind(tmp_path: Path) -> None:
    # os.replace between two links of one inode silently does nothing.
    source, target = tmp_path / "source", tmp_path / "tree" / "target"
    source.write_bytes(b"one")
    atomic.link(source, target)
    atomic.link(source, target)
    assert [entry.name for entry in target.parent.iterdir()] == ["target"]


def test_a_link_replaces_an_older_file(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    atomic.link(source, target)
    assert target.read_bytes() == b"new"


def test_across_file_systems_a_link_is_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"one")

    def elsewhere(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", elsewhere)
    atomic.link(source, target)
    assert target.read_bytes() == b"one"
    assert not target.samefile(source)


@pytest.mark.parametrize("name", ["a" * 251 + ".png", "ä" * 125 + ".png"])
def test_the_longest_name_can_be_written(tmp_path: Path, name: str) -> None:
    atomic.write_bytes(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]
