"""Weights files are checked before anything is built from them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.tiny import save_model
from unripple.conventions import BadCheckpoint
from unripple.zoo import weights
from unripple.zoo.directions import read_directions
from unripple.zoo.weights import read_header, read_state, size_px, write_state, written_bytes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    save_model(path, {"a": torch.ones(3), "n": torch.tensor(2)}, arch="net", size=64, crop={"s": 1})
    return path


def test_metadata_is_decoded_without_reading_weights(path: Path) -> None:
    metadata, table = read_header(path)
    assert metadata == {"arch": "net", "size": 64, "crop": {"s": 1}}
    assert table["a"]["shape"] == [3]
    assert size_px(metadata, path) == 64


def test_a_header_is_read_once_until_its_file_changes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[Path] = []
    read = weights._read_header

    def counted(one: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        files.append(one)
        return read(one)

    monkeypatch.setattr(weights, "_read_header", counted)
    for _ in range(3):
        metadata, table = read_header(path)
        metadata.clear()  # what a caller does to its own stays its own
        table.clear()
    assert len(files) == 1
    write_state(path, {"other": torch.zeros(3)}, {"size": 7})
    assert read_header(path)[0]["size"] == 7
    assert len(files) == 2


def test_floats_become_float32_and_integers_stay(path: Path) -> None:
    state = read_state(path)
    assert state["a"].dtype == torch.float32 and torch.equal(state["a"], torch.ones(3))
    assert state["n"].dtype == torch.int64


@pytest.mark.parametrize("cut", [4, 60, -1])
def test_a_truncated_file_is_refused(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BadCheckpoint, match=r"net\.safetensors: (no safetensors|cut short)"):
        read_state(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 a zip file, as torch writes", struct.pack("<Q", 2) + b"[]"]
)
def test_a_foreign_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BadCheckpoint, match="no safetensors file"):
        read_header(path)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="no such weights file; get the file again, or name"):
        read_header(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("metadata", [{}, {"size": "large"}, {"size": 0}, json.loads("[]")])
def test_a_size_must_be_given(metadata: dict[str, object]) -> None:
    with pytest.raises(BadCheckpoint, match="must give `size`"):
        size_px(dict(metadata), Path("net.safetensors"))


def test_what_is_written_is_read_to_the_bit(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = {
        "count": torch.tensor(7),
        "bytes": torch.arange(5, dtype=torch.uint8),
        "flags": torch.tensor([True, False]),
        "wide": torch.randn(3, 5).double(),
        "turned": torch.randn(8, 16).T,
        "half": torch.randn(3, 3).half(),
        "brain": torch.randn(7).bfloat16(),
        "nothing": torch.zeros(0, 4),
        "aligned": torch.randn(16, 4),
    }
    path = tmp_path / "net.safetensors"
    metadata = {"size": 64, "source": {"file": "ü.pt"}}
    write_state(path, state, metadata)
    assert path.stat().st_size == written_bytes(state, metadata)
    read = load_file(path)
    assert read.keys() == state.keys()
    for name, value in state.items():
        assert read[name].dtype == value.dtype and torch.equal(read[name], value)
    known, table = read_header(path)
    assert known == {"format": "pt", **metadata}
    (start,) = struct.unpack("<Q", path.read_bytes()[:8])
    for name in ("aligned", "turned"):
        assert (8 + start + table[name]["data_offsets"][0]) % 64 == 0


def test_float32_is_not_read_before_it_is_used(tmp_path: Path) -> None:
    """Views of the file: changing them changes neither the file nor what is read next."""
    path = tmp_path / "net.safetensors"
    write_state(path, {"a": torch.ones(64)}, {})
    read_state(path)["a"].zero_()
    assert torch.equal(read_state(path)["a"], torch.ones(64))


def test_a_type_that_the_format_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write_state(tmp_path / "net.safetensors", {"a": torch.zeros(1).to(torch.complex64)}, {})
    assert not list(tmp_path.iterdir())


def saved(path: Path, table: str, body: bytes = b"") -> None:
    path.write_bytes(struct.pack("<Q", len(table)) + table.encode() + body)


def tensor(name: str, start: object, stop: object, shape: object = "[2]", kind: str = "F32") -> str:
    return f'"{name}": {{"dtype": "{kind}", "shape": {shape}, "data_offsets": [{start}, {stop}]}}'


@pytest.mark.parametrize(
    ("table", "length"),
    [
        (f"{{{tensor('a', 0, 8)}, {tensor('b', 4, 12)}}}", 12),
        (f"{{{tensor('a', 0, 8)}, {tensor('b', 12, 20)}}}", 20),
        (f"{{{tensor('a', 0, 8)}, {tensor('a', 0, 8)}}}", 8),
        (f"{{{tensor('a', -8, 8)}}}", 8),
        (f"{{{tensor('a', 0, 8.0)}}}", 8),
        (f"{{{tensor('a', 0, '9' * 5000)}}}", 8),
        (f"{{{tensor('a', 0, 'Infinity')}}}", 8),
        (f"{{{tensor('a', 0, 8, '[4000000000, 4000000000]')}}}", 8),
        (f"{{{tensor('a', 0, 8, '3')}}}", 8),
        (f"{{{tensor('a', 0, 8, kind='F31')}}}", 8),
        ('{"a": [1]}', 0),
        ('{"__metadata__": null}', 0),
        ('{"__metadata__": {"a": 5}}', 0),
        ("[1]", 0),
        ('{"a":' * 40_000, 0),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, table: str, length: int) -> None:
    path = tmp_path / "a.safetensors"
    saved(path, table, bytes(length))
    for reader in (read_header, read_state, read_directions):
        with pytest.raises(BadCheckpoint, match="no safetensors file"):
            reader(path)


def test_metadata_that_nest_without_end_stay_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    saved(path, json.dumps({"__metadata__": {"a": "[" * 60_000}}))
    assert read_header(path)[0] == {"a": "[" * 60_000}


@pytest.mark.parametrize(
    "about",
    ['{"usable": 3}', '{"gain": "much"}', '{"yaw_per_degree": NaN}', "[1]", '{"codes": "x"}'],
)
def test_odd_words_about_a_direction_are_refused(tmp_path: Path, about: str) -> None:
    path = tmp_path / "a.safetensors"
    table = f'{{"__metadata__": {{"a": {json.dumps(about)}}}, {tensor("a", 0, 8)}}}'
    saved(path, table, bytes(8))
    with pytest.raises(BadCheckpoint, match=r"a\.safetensors"):
        read_directions(path)
