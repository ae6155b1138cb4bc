"""Digests of files, and the note beside a large one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from unripple.io import digest
from unripple.io.digest import noted_sha256


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(digest, "LARGE_BYTES", 4)
    path = tmp_path / "weights"
    path.write_bytes(b"weights")
    return path


def reading_fails(path: Path, *rest: object) -> str:
    raise AssertionError(f"{path} was read again")


def test_a_large_file_is_hashed_once(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = hashlib.sha256(b"weights").hexdigest()
    assert noted_sha256(large) == expected
    monkeypatch.setattr(digest, "file_sha256", reading_fails)
    assert noted_sha256(large) == expected


def test_a_changed_file_is_hashed_again(large: Path) -> None:
    noted_sha256(large)
    large.write_bytes(b"changed")
    os.utime(large, ns=(0, 0))
    assert noted_sha256(large) == hashlib.sha256(b"changed").hexdigest()


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"size": 7}'])
def test_a_damaged_note_is_no_note(large: Path, note: str) -> None:
    noted_sha256(large)
    large.with_name("weights.sha256.json").write_text(note)
    assert noted_sha256(large) == hashlib.sha256(b"weights").hexdigest()


def test_small_files_leave_no_note(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(b"small")
    assert noted_sha256(small) == hashlib.sha256(b"small").hexdigest()
    assert list(tmp_path.iterdir()) == [small]
