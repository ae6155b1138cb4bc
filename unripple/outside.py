"""Files that others made, read within bounds: the one door through which every reader takes them.

A file may be no file at all (a pipe, a device, a folder), grow while it is read, unfold to a
thousand times its size, nest without end, or be damaged in a way that no library foresees. Here it
is read once, as a whole, up to a size that such files have; `explained` turns whatever goes wrong
with its content into the caller's typed error, which names file, cause and remedy.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import yaml

from unripple.conventions import UnrippleError

Array: TypeAlias = npt.NDArray[Any]

TEXT_BYTES = 64 << 20
"""Tables and texts that people write are shorter: 64 MB are a million lines."""
ARRAY_BYTES = 1 << 30
"""The same for arrays; 1 GiB holds 29,000 w+ of 18 x 512."""

_UNFOLDS, _UNFOLDED_BYTES = 16, 64 << 20  # an archive of numbers hardly shrinks
_MOST_MEMBERS = 200_000
_DEEPEST = 64  # of YAML; JSON has Python's limit of recursion
_MOST_VALUES = 1_000_000  # of YAML, with its aliases unfolded
_LONGEST_CAUSE = 200
_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Opening a pipe must not wait for somebody to write; Windows gives texts unless asked for bytes.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Unfit(ValueError):
    """A content is not what was asked for; the text says how, and `explained` where."""


@contextlib.contextmanager
def explained(
    path: Path, kind: type[UnrippleError], remedy: str, *, setting: str = ""
) -> Iterator[None]:
    """Turn all that goes wrong with a file into one sentence: where, what, and what to do.

    Args:
        path: the file.
        kind: the error to raise.
        remedy: what to do about it, like "save it again".
        setting: what named the file, like "align.landmarks".

    Raises:
        UnrippleError: of that kind; one that says so already goes through.
    """
    try:
        yield
    except UnrippleError:
        raise
    except Exception as error:  # libraries report damage by any type
        where = f"{setting}: {path}" if setting else f"{path}"
        raise kind(f"{where}: {cause_of(error)}; {remedy}") from error


def shown(text: str, most: int = 60) -> str:
    """A text from a file as a sentence may repeat it: short, and nothing that a terminal obeys."""
    plain = "".join(c if c.isprintable() else " " for c in text[: most + 1])
    return plain if len(plain) <= most else f"{plain[:most]}..."


def cause_of(error: Exception) -> str:
    """What went wrong with a file, in words for a sentence about it."""
    text = shown(" ".join(str(error).split()), _LONGEST_CAUSE)
    if isinstance(error, Unfit):
        return text
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read: {error.strerror}"
    if isinstance(error, RecursionError):
        return "cannot be read: it is nested without end"
    if isinstance(error, MemoryError):
        return "cannot be read: it asks for more memory than there is"
    return f"cannot be read, damaged or foreign ({text or type(error).__name__})"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """A file for reading that is one, whatever its name leads to.

    Raises:
        OSError: there is none, or it may not be read.
        Unfit: it is a folder, a pipe, a device.
    """
    descriptor = os.open(path, _READ)
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise Unfit(f"it is {_KINDS.get(kind, 'a device')}, no file")
    with open(descriptor, "rb") as file:  # noqa: PTH123 (a descriptor)
        yield file


def read_bytes(path: Path, most: int = TEXT_BYTES) -> bytes:
    """All bytes of a file.

    Raises:
        OSError: there is none, or it may not be read.
        Unfit: it is no file of bytes, longer than `most`, or changes while it is read.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise Unfit(f"it is {_mb(size)} long, and {_mb(most)} is the most")
        data = file.read(size + 1)
    if len(data) != size:
        raise Unfit("it changed while it was read")
    return data


def _mb(size: float) -> str:
    return f"{size / 1e6:.3g} MB"


def text_of(data: bytes) -> str:
    """A text as editors and Excel save it: UTF-8 with or without a mark, or UTF-16 with one.

    Raises:
        Unfit: it is none of these.
    """
    try:
        text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unfit(
            f"it is no UTF-8 text (byte {error.start} is not), maybe of an old code page; save it "
            "as UTF-8"
        ) from error
    if "\0" in text:
        raise Unfit("it holds NUL characters: no text, or UTF-16 without a mark; save it as UTF-8")
    return text


def read_text(path: Path, most: int = TEXT_BYTES) -> str:
    """The text of a file; see `read_bytes` and `text_of`."""
    return text_of(read_bytes(path, most))


def json_of(text: str) -> Any:
    """The value of a JSON text: what JSON itself allows, and every key once.

    Raises:
        ValueError, RecursionError: it is none.
    """
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in values if keys.count(key) > 1)
        raise Unfit(f"it gives {twice[:60]!r} twice; keep one of them")
    return values


def _no_constant(name: str) -> Any:
    raise Unfit(f"it says {name}, which is no number of JSON")


class _Yaml(yaml.SafeLoader):
    """Plain YAML: every key once, and not without end, neither in depth nor by aliases."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self._depth >= _DEEPEST:
            raise Unfit(f"it is nested more than {_DEEPEST} deep")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if _unfolded(node, {}) > _MOST_VALUES:
            raise Unfit("its aliases (`*name`) unfold without end; write the values out")
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    line = key.start_mark.line + 1
                    raise Unfit(f"line {line} gives {key.value[:60]!r} again; keep one of them")
                keys.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _unfolded(node: Any, sizes: dict[int, float]) -> float:
    """How many values a node stands for, each alias counted as what it repeats."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in sizes:
        sizes[id(node)] = math.inf  # until it is counted: what holds itself never ends
        parts = node.value
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in parts for part in pair]
        sizes[id(node)] = 1 + sum(_unfolded(part, sizes) for part in parts)
    return sizes[id(node)]


def yaml_of(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        yaml.YAMLError, ValueError, TypeError: it is none.
    """
    return yaml.load(text, _Yaml)  # a SafeLoader


def table_of(text: str, separator: str = ",") -> tuple[list[tuple[int, list[str]]], bool]:
    """The lines of a table, however a spreadsheet separates its cells.

    Args:
        text: see `text_of`.
        separator: what separates them, unless the first line has none and a semicolon or tab.

    Returns:
        Number and cells of every line that is not blank; and whether numbers may have a decimal
        comma.

    Raises:
        csv.Error: a cell is endlessly long.
        Unfit: the first line names two columns alike, or a column with values has no name.
    """
    first = text.lstrip().partition("\n")[0]
    chosen = next((one for one in (separator, ",", ";", "\t") if one in first), separator)
    stated = re.match(r'\s*"?sep=(.)"?\s*[\r\n]', text)  # Excel's own line, which says it
    if stated:
        chosen, text = stated[1], text[stated.end() :]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=chosen)
    lines = [
        (reader.line_num + bool(stated), [cell.strip() for cell in cells])
        for cells in reader
        if any(cell.strip() for cell in cells)
    ]
    names = lines[0][1] if lines else []
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise Unfit(f"it has two columns {twice[0][:60]!r}; keep one of them")
    return _with_named_columns(lines), chosen != ","


def _with_named_columns(lines: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Without the empty columns that spreadsheets leave; the first may go without a name."""
    names = lines[0][1] if lines else []
    nameless = {place for place, name in enumerate(names) if place and not name}
    for number, cells in lines:
        for place in nameless:
            if place < len(cells) and cells[place]:
                raise Unfit(
                    f"line {number} has {cells[place][:60]!r} in a column without a name; name it"
                )
    return [
        (number, [cell for place, cell in enumerate(cells) if place not in nameless])
        for number, cells in lines
    ]


def number_of(cell: str, *, comma: bool = False) -> float:
    """The finite number in a cell.

    Args:
        cell: its text.
        comma: a comma is a decimal point.

    Raises:
        Unfit: there is none.
    """
    shown = cell if len(cell) <= 40 else f"{cell[:40]}..."
    if not cell.isascii() or "_" in cell:  # Python takes 1_0 for 10, and digits of all scripts
        raise Unfit(f"{shown!r} is no number; write it in plain digits, without marks between")
    try:
        value = float(cell.replace(",", ".") if comma else cell)
    except ValueError as error:
        raise Unfit(f"{shown!r} is no number") from error
    if not math.isfinite(value):
        raise Unfit(f"{shown!r} is no finite number")
    return value


def read_array(path: Path, most: int = ARRAY_BYTES) -> Array | dict[str, Array]:
    """The array of an .npy file, or the arrays of an .npz by name; what it is, its content says.

    Only numbers, truth values and texts are taken: nothing that would have to be unpickled.

    Raises:
        OSError: there is no file, or it may not be read.
        Unfit: it holds something else, or claims more than it holds.
        Exception: whatever a damaged archive leads to.
    """
    data = read_bytes(path, most)
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return array_of(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            info.filename.removesuffix(".npy"): array_of(archive.read(info))
            for info in _members(archive, len(data), most)
        }


def _members(archive: zipfile.ZipFile, size: int, most: int) -> list[zipfile.ZipInfo]:
    infos = archive.infolist()
    unfolded = sum(info.file_size for info in infos)
    if unfolded > most or unfolded > max(_UNFOLDED_BYTES, _UNFOLDS * size):
        raise Unfit(
            f"an archive of {_mb(size)} that unfolds to {_mb(unfolded)}, which no arrays do"
        )
    names = {info.filename for info in infos}
    if len(names) < len(infos) or len(infos) > _MOST_MEMBERS:
        raise Unfit("an archive with two arrays of one name, or with endlessly many")
    for info in infos:
        if info.flag_bits & 0x1:
            raise Unfit(f"{info.filename[:60]} in it is encrypted")
        if not info.filename.endswith(".npy"):
            raise Unfit(f"an archive with {info.filename[:60]!r} in it, which is no array")
    return infos


def array_of(data: bytes) -> Array:
    """The array of an .npy file's bytes; a header that claims more than follows is refused.

    Raises:
        Unfit, ValueError: see `read_array`.
    """
    stream = io.BytesIO(data)
    if not data.startswith(np.lib.format.MAGIC_PREFIX):
        raise Unfit("it cannot be read as .npy or .npz")
    version = np.lib.format.read_magic(stream)
    readers: Mapping[Any, Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:  # 3.0 is for tables with names
        raise Unfit(f"it is an .npy file of version {version[0]}.{version[1]}, no plain numbers")
    shape, _, dtype = readers[version](stream)
    if dtype.kind not in "biufcU" or dtype.hasobject or dtype.names or dtype.shape:
        raise Unfit(f"it holds {str(dtype)[:60]}, no plain numbers")
    if any(length < 0 for length in shape):
        raise Unfit("it claims a negative size")
    claimed, there = math.prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if claimed > there:
        raise Unfit(
            f"its header speaks of {list(shape)} {dtype}, {claimed} bytes, and {there} follow: cut "
            "short or damaged"
        )
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
