"""Conversions that a full disk or a kill cut short."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.zoo.conversions import CONTENTS, SHA, refusal
from tests.zoo.slim import ENTRIES, save
from unripple.conventions import StoreError
from unripple.zoo import published, weights
from unripple.zoo.published import convert


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("already", [False, True])
@pytest.mark.parametrize("file", [1, 2])
def test_a_full_disk_leaves_nothing_half_written(
    file: int, already: bool, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two files does not fit any more."""
    save("e4e", CONTENTS["e4e"], source)
    if already:
        convert(source, ENTRIES["e4e"], folder, sha256="cd" * 32)
    before = {path: path.read_bytes() for path in folder.glob("*")}
    written: list[Path] = []
    real = weights.write_state

    def write(path: Path, *rest: Any) -> None:
        written.append(path)
        real(path, *rest)
        if len(written) == file:
            path.write_bytes(path.read_bytes()[:100])
            full()

    monkeypatch.setattr(published, "write_state", write)
    text = refusal("e4e", source, folder)
    assert len(written) == file
    assert "they need" in text and "MB are free" in text and "free some space" in text
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_conversion_asks_for_room_before_it_writes(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("e4e", CONTENTS["e4e"], source)
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(published.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(published, "write_state", pytest.fail)
    assert "0.0 MB are free" in refusal("e4e", source, folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full(
    source: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("e4e", CONTENTS["e4e"], source)
    assert "they need" in refusal("e4e", source, small_disk)
    real = published.shutil.disk_usage(source)
    monkeypatch.setattr(published.shutil, "disk_usage", lambda _: real)
    assert "they need" in refusal("e4e", source, small_disk)
    assert list(small_disk.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(source: Path, tmp_path: Path) -> None:
    save("e4e", CONTENTS["e4e"], source)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write .*file"):
        convert(source, ENTRIES["e4e"], tmp_path / "file" / "published", sha256=SHA)


def test_what_a_killed_conversion_left_is_removed(source: Path, folder: Path) -> None:
    save("e4e", CONTENTS["e4e"], source)
    folder.mkdir()
    dead = subprocess.Popen(["true"])
    dead.wait()
    name = "e4e.encoder.safetensors"
    (folder / f".{name}.{dead.pid}-12345678.tmp").write_bytes(b"half")
    (folder / f".{name}.{os.getpid()}-12345678.tmp").write_bytes(b"another's")
    files = convert(source, ENTRIES["e4e"], folder, sha256=SHA)
    left = set(folder.iterdir()) - set(files.values())
    assert left == {folder / f".{name}.{os.getpid()}-12345678.tmp"}
