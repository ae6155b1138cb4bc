"""Files that are cut short, damaged, no weights at all, or far more than they seem."""

from __future__ import annotations

import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.zoo.files import (
    ALL,
    STATE,
    TORCH,
    Save,
    refusal,
    repacked,
    save_bare,
    save_in_archive,
    save_network_script,
    save_zip,
)
from unripple.conventions import BadCheckpoint
from unripple.zoo import containers
from unripple.zoo.containers import read_container


@pytest.mark.parametrize("save", [*ALL, save_file, lambda _, path: save_network_script(path)])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999])
def test_a_truncated_file_is_refused(save: Save, share: float, path: Path) -> None:
    save(STATE, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    text = refusal(path)
    assert "an empty file" in text if not int(share * len(data)) else "get the file again" in text


@pytest.mark.parametrize("save", [*TORCH, save_bare, save_in_archive])
def test_a_file_without_its_last_byte_is_refused(save: Save, path: Path) -> None:
    save(STATE, path)
    path.write_bytes(path.read_bytes()[:-1])
    assert "get the file again" in refusal(path)


def test_a_flipped_bit_in_an_archive_is_found(path: Path) -> None:
    save_zip(STATE, path)
    data = bytearray(path.read_bytes())
    at = data.find(struct.pack("<f", 77.0))
    data[at] ^= 1
    path.write_bytes(data)
    assert "does not fit its checksum" in refusal(path)


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title>",
        b"\n  <html lang=en>",
        b"\xef\xbb\xbf<?xml version='1.0'?>",
    ],
)
def test_a_page_is_no_file(page: bytes, path: Path) -> None:
    path.write_bytes(page)
    assert "a web page, not weights" in refusal(path)
    assert "unripple models add" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [b"x", b"\x89PNG\r\n\x1a\n" + bytes(99), bytes(99), b"some text\n" * 20, b"\x1f\x8b\x08" * 9],
)
def test_a_foreign_file_is_refused(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert "neither torch's containers nor safetensors" in refusal(path)


def test_a_pointer_to_a_file_is_no_file(path: Path) -> None:
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    assert "git lfs pull" in refusal(path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nothing.pt")
    assert "is a folder" in refusal(tmp_path)


# Bombs


def bomb(path: Path, name: str, size: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big/config.yaml", "a: 1\n")
        with archive.open(name, "w", force_zip64=True) as file:
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))


@pytest.mark.parametrize("name", ["big/best.ckpt", "big/data.pkl", "big/other"])
def test_an_archive_that_unfolds_to_far_more_is_refused(
    name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "SUSPICIOUS_BYTES", 4 << 20)
    bomb(path, name, 8 << 20)
    assert "unfolds to 8.39 MB, which no weights do" in refusal(path)


def test_no_archive_unfolds_without_limit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "LARGEST_BYTES", 1 << 20)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.pt", np.random.default_rng(0).bytes(2 << 20))
    assert "which no weights do" in refusal(path)


def test_a_member_that_says_less_than_it_is_stops_there(path: Path) -> None:
    bomb(path, "big/best.ckpt", 1 << 20)
    data = path.read_bytes().replace(struct.pack("<I", 1 << 20), struct.pack("<I", 1 << 10))
    path.write_bytes(data)
    assert "no whole zip archive" in refusal(path)


def test_two_members_of_one_name_are_refused(path: Path) -> None:
    """Two readers might take different ones."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for content in (b"a", b"b"):
            archive.writestr("big/data.pkl", content)
    assert "two files of one name" in refusal(path)


def test_a_network_of_endless_parts_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_MOST_PARTS", 2)
    save_network_script(path)
    assert "endlessly many parts" in refusal(path)


def test_a_tensor_is_no_larger_than_its_memory(path: Path) -> None:
    content = {"a": torch.zeros(4)}
    save_zip(content, path)

    def enlarged(name: str, data: bytes) -> bytes:
        return data.replace(b"K\x04\x85", b"K\xff\x85") if name.endswith("data.pkl") else data

    path.write_bytes(repacked(path.read_bytes(), enlarged))
    read: Tensor | None = None
    with pytest.raises(BadCheckpoint, match="cut short, damaged or foreign"):
        read = read_container(path)["a"]
    assert read is None
