"""Files that others made, read within bounds."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from unripple.conventions import BadConfig
from unripple.outside import (
    Unfit,
    explained,
    json_of,
    number_of,
    read_array,
    read_bytes,
    table_of,
    text_of,
    yaml_of,
)


def test_what_is_no_file_is_named_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, word in ((tmp_path, "a folder"), (tmp_path / "pipe", "a pipe")):
        with pytest.raises(Unfit, match=word):
            read_bytes(path)
    with pytest.raises(Unfit, match="a device"):
        read_bytes(Path("/dev/zero"))


def test_long_and_growing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(bytes(11))
    with pytest.raises(Unfit, match="is the most"):
        read_bytes(path, most=10)
    assert read_bytes(path, most=11) == bytes(11)
    with pytest.raises(Unfit, match="changed while"):
        read_bytes(Path("/proc/self/status"))  # says that it is empty, and is not


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unfit("it is odd"), "it is odd"),
        (PermissionError(13, "Permission denied"), "cannot be read: Permission denied"),
        (RecursionError("deep"), "nested without end"),
        (MemoryError(), "more memory than there is"),
        (KeyError("a\nb\x1b" + "x" * 900), "damaged or foreign"),
    ],
)
def test_whatever_goes_wrong_becomes_one_sentence(error: Exception, words: str) -> None:
    with (
        pytest.raises(BadConfig, match=words) as raised,
        explained(Path("a.csv"), BadConfig, "save it again", setting="align.landmarks"),
    ):
        raise error
    text = str(raised.value)
    assert text.startswith("align.landmarks: a.csv: ") and text.endswith("; save it again")
    assert text.isprintable() and len(text) < 400


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_texts_as_spreadsheets_save_them(coding: str) -> None:
    data = "ä;b\n".encode(coding)
    if coding == "utf-16-le":  # without a mark
        with pytest.raises(Unfit):
            text_of(data)
    else:
        assert text_of(data) == "ä;b\n"


def test_old_code_pages_are_refused_by_that_name() -> None:
    with pytest.raises(Unfit, match="old code page; save it as UTF-8"):
        text_of("ä".encode("latin1"))
    with pytest.raises(Unfit, match="NUL"):
        text_of(b"a\0b")


@pytest.mark.parametrize(
    ("text", "separator", "comma"),
    [("a,b\n1,2\n", ",", False), ("a;b\r\n1;2\r\n", ",", True), ("a\tb\n1\t2\n\t\n", ",", True)],
)
def test_tables_are_read_however_their_cells_are_separated(
    text: str, separator: str, comma: bool
) -> None:
    lines = [(1, ["a", "b"]), (2, ["1", "2"])]
    assert table_of(text, separator) == (lines, comma)


def test_columns_of_one_name_are_refused() -> None:
    with pytest.raises(Unfit, match="two columns 'b'"):
        table_of("a,b,b\n1,2,3\n")


def test_numbers_are_finite() -> None:
    assert number_of("1,5", comma=True) == 1.5
    for cell in ("nan", "inf", "-inf", "1e999", "1,5", "", "9" * 5000 + "x"):
        with pytest.raises(Unfit):
            number_of(cell)


def test_json_gives_a_key_once_and_only_numbers_of_json() -> None:
    assert json_of('{"a": {"b": [1.5]}}') == {"a": {"b": [1.5]}}
    for text, words in (('{"a": {"b": 1, "b": 2}}', "'b' twice"), ('{"a": NaN}', "NaN")):
        with pytest.raises(Unfit, match=words):
            json_of(text)


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3 gives 'a' again"),
        ("a: " + "[" * 100 + "]" * 100, "nested more than 64 deep"),
        ("a: &a [*a]\n", "unfold without end"),
        (LAUGHS, "unfold without end"),
    ],
)
def test_yaml_is_bounded_and_gives_a_key_once(text: str, words: str) -> None:
    with pytest.raises(Unfit, match=words):
        yaml_of(text)
    assert yaml_of("a: &a [1, 2]\nb: *a\n") == {"a": [1, 2], "b": [1, 2]}


def npy(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + body


def packed(name: str, data: bytes, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as archive:
        archive.writestr(name, data)
    return made.getvalue()


def spoilt(data: bytes) -> bytes:
    return data[:60] + b"\xff" * 140 + data[200:]


def encrypted(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + b"\1" + data[at + 1 :]


def good() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.random.default_rng(1).normal(size=(16, 32)))
    return buffer.getvalue()


def header(descr: str, shape: str) -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n"


@pytest.mark.parametrize(
    "data",
    [
        b"words",
        npy(header("'<f4'", "(10000000000000,)")),
        npy(header("'<f4'", "(99999999999999999999999,)")),
        npy(header("'<f4'", "(-5,)"), bytes(64)),
        npy(header("'<f4'", "(" * 20_000)),
        npy(header("'|O'", "(1,)"), bytes(64)),
        npy(header("[('a', '<f4')]", "(1,)"), bytes(64)),
        npy(header("'<M8[s]'", "(1,)"), bytes(64)),
        npy(header("'<f4'", "(16, 512)"), bytes(100)),
        packed("a.npy", bytes(300 << 20)),
        packed("a.txt", b"hello"),
        spoilt(packed("a.npy", good())),
        spoilt(packed("a.npy", good(), zipfile.ZIP_LZMA)),
        spoilt(packed("a.npy", good(), zipfile.ZIP_BZIP2)),
        encrypted(packed("a.npy", good(), 0)),
        good()[:100],
        b"PK\x03\x04 and no more",
    ],
)
def test_hostile_arrays_end_in_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(data)
    with pytest.raises(BadConfig, match=r"a\.npy"), explained(path, BadConfig, "mend it"):
        read_array(path)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i8", "u1", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_plain_arrays_come_as_numpy_reads_them(tmp_path: Path, kind: str, order: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(kind, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", a=array, names=np.array(["b"]))
    content = read_array(tmp_path / "a.npz")
    assert isinstance(content, dict) and list(content) == ["a", "names"]
    for found in (read_array(tmp_path / "a.npy"), content["a"]):
        assert isinstance(found, np.ndarray)
        assert found.dtype == array.dtype and np.array_equal(found, array)
