"""The sheet: photo id, path, shard. Rows are only ever appended: no photo moves to another shard.

Every entry of the folder that is called like a picture gets a row, also where it cannot be read:
what is wrong with it is then told with the results, and not lost in a message.

People fill in two columns by hand: `align` may say how the landmarks of that one photo are found,
`characteristics` are the nine of the face, see `io.translations`. Columns of their own stay as they
are, in their place.

What a spreadsheet program saved is read, too: UTF-8 with a mark, UTF-16, semicolons or commas for
tabs, empty lines. The next photo that is added makes a plain table of it again.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
import itertools
import logging
import os
import re
import unicodedata
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from unripple import atomic
from unripple.conventions import BadPhoto, StoreError
from unripple.io.lock import locked
from unripple.io.photo import PHOTO_SUFFIXES, printable

SHEET = Path("data/sheet.tsv")
SHARD_SIZE = 32
"""Photos in each of the first shards; few, so that a small collection keeps every core busy."""
_SHARDS_OF_A_SIZE = 16
_DOUBLINGS = 3
_LONGEST_ID = 80
_OTHER_SUFFIXES = (".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".tif")
PICTURE_SUFFIXES = (*PHOTO_SUFFIXES, *_OTHER_SUFFIXES, ".tiff")
"""What somebody means as a picture; one that cannot be read is refused by its name."""
_NAMES_AS_THEY_ARE = "surrogateescape"  # file names are bytes, and not all of them are UTF-8
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One photo: its id, where it lies, its shard, and what people say of it, or ''."""

    photo: str
    path: str
    shard: str
    align: str = ""
    characteristics: str = ""


_COLUMNS = tuple(column.name for column in fields(Row))
_SHARD_DIGITS = 5
_SHARD = re.compile(r"[0-9]{5}")
_PHOTO = re.compile(r"[a-z0-9_-]+")


def photo_id(name: str, taken: Container[str]) -> str:
    """A short, safe, unique id from a file name: letters a-z, digits, `_` and `-`.

    Example:
        >>> photo_id("Anna Ä (2).JPG", taken=())
        'anna-a-2'
    """
    plain = unicodedata.normalize("NFKD", Path(name).stem).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9_]+", "-", plain.lower()).strip("-")[:_LONGEST_ID] or "photo"
    number, candidate = 1, slug
    while candidate in taken:
        number += 1
        candidate = f"{slug}-{number}"
    return candidate


@dataclass
class _Table:
    """A sheet as it stands in its file: the names of its columns, and the cells of each line."""

    columns: list[str] = field(default_factory=lambda: list(_COLUMNS))
    lines: list[list[str]] = field(default_factory=list)

    def add(self, rows: Sequence[Row]) -> None:
        """Append photos; what other columns there are stays empty for them."""
        self.columns += [name for name in _COLUMNS if name not in self.columns]
        for row in rows:
            self.lines.append([getattr(row, name, "") for name in self.columns])


def read_sheet(sheet: Path) -> list[Row]:
    """Read the rows, none if there is no sheet yet.

    Raises:
        StoreError: the file is no sheet, or names a photo twice.
    """
    return _rows(_read_table(sheet), sheet)


def _read_table(sheet: Path) -> _Table:
    """The lines of a sheet that hold anything.

    Raises:
        StoreError: the file is no sheet.
    """
    if not sheet.exists():
        return _Table()
    try:
        text = _decoded(sheet.read_bytes())
        first = text.lstrip().split("\n", 1)[0]
        parted = next((mark for mark in "\t;," if mark in first), "\t")
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=parted))
    except OSError as error:
        raise StoreError(f"{sheet}: cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise StoreError(f"{sheet}: no table ({error}); put it back as it was") from error
    columns, *lines = [line for line in lines if "".join(line).strip()] or [[]]
    columns = [name.strip() for name in columns]
    ours = [name for name in columns if name in _COLUMNS]
    if not {"photo", "path", "shard"} <= set(ours):
        raise StoreError(f"{sheet}: the first line must name the columns {_COLUMNS}")
    if len(set(ours)) < len(ours):
        raise StoreError(f"{sheet}: the first line names a column twice: {', '.join(columns)}")
    width = len(columns)
    return _Table(columns, [line + [""] * (width - len(line)) for line in lines])


def _decoded(data: bytes) -> str:
    """The text of a file; a mark at its beginning tells how it is written.

    Raises:
        UnicodeDecodeError: it is not written in the way that it tells.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.removeprefix(codecs.BOM_UTF8).decode("utf-8", _NAMES_AS_THEY_ARE)


def _rows(table: _Table, sheet: Path) -> list[Row]:
    """What the lines say of photos.

    Raises:
        StoreError: a line cannot be one of ours, or a photo or a file stands there twice.
    """
    find = [table.columns.index(name) if name in table.columns else None for name in _COLUMNS]
    rows = [_row(*("" if place is None else line[place] for place in find)) for line in table.lines]
    photos: set[str] = set()
    paths: dict[str, str] = {}
    for row in rows:
        _check(row, sheet)
        if not row.path.isascii() and _was_saved_as_ansi(row.path):
            raise StoreError(
                f"{sheet}: photo {row.photo!r}: its file's name is not written in UTF-8, as a "
                "spreadsheet program saves it; save the sheet as `Unicode text` or `UTF-8`"
            )
        if row.photo in photos:
            raise StoreError(f"{sheet}: photo {row.photo!r} stands there twice; keep the first")
        if row.path in paths:
            raise StoreError(
                f"{sheet}: {printable(row.path)} stands there twice, as {paths[row.path]!r} and as "
                f"{row.photo!r}; keep the first"
            )
        photos.add(row.photo)
        paths[row.path] = row.photo
    return rows


def _row(photo: str, path: str, shard: str, align: str, characteristics: str) -> Row:
    """A row without the spaces and capitals that people leave behind; a file's name keeps them."""
    return Row(photo.strip(), path, shard.strip(), align.strip().lower(), characteristics.strip())


def _check(row: Row, sheet: Path) -> None:
    if _PHOTO.fullmatch(row.photo) and _SHARD.fullmatch(row.shard) and row.path:
        return
    cut = row.shard.isascii() and row.shard.isdigit() and len(row.shard) < _SHARD_DIGITS
    raise StoreError(
        f"{sheet}: photo {row.photo!r} in shard {row.shard!r}: an id has only a-z, 0-9, _ and -, a "
        "shard five digits"
        + (", whose zeros a spreadsheet program takes away" if cut else "")
        + "; put the line back as it was"
    )


def _was_saved_as_ansi(path: str) -> bool:
    """Whether a name is another file's, in the one byte per letter that Windows used to write."""
    if os.path.lexists(path):
        return False
    try:
        meant = os.fsencode(path).decode("cp1252")
    except UnicodeDecodeError:
        return False
    return meant != path and os.path.lexists(meant)


def write_sheet(sheet: Path, rows: Sequence[Row]) -> None:
    """Write all rows in one step."""
    table = _Table()
    table.add(rows)
    _write_table(sheet, table)


def _write_table(sheet: Path, content: _Table) -> None:
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow(content.columns)
    quoted = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_ALL)
    for line in content.lines:  # a carriage return ends a line, but the writer does not quote it
        (quoted if any("\r" in cell for cell in line) else table).writerow(line)
    atomic.write_bytes(sheet, text.getvalue().encode("utf-8", _NAMES_AS_THEY_ARE))


def photo_files(folder: Path) -> list[Path]:
    """What is called like a picture in a folder, sorted by name, photos before other formats.

    Folders inside it are not searched.

    Raises:
        BadPhoto: there is no such folder, or it holds no photo.
    """
    if not folder.is_dir():
        raise BadPhoto(f"{folder}: no such folder; set `photos` in config.yaml")
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise BadPhoto(f"{folder}: cannot be read: {error.strerror}") from error
    # Of names, not of paths: with tens of thousands it counts.
    endings = {name: os.path.splitext(name)[1].lower() for name in names if name[0] != "."}
    photos = [name for name, ending in endings.items() if ending in PICTURE_SUFFIXES]
    if not photos:
        raise BadPhoto(
            f"{folder}: no photos in this folder; put {', '.join(PHOTO_SUFFIXES)} files there "
            "or set `photos` in config.yaml"
        )
    others = [name for name in endings if endings[name] not in PICTURE_SUFFIXES]
    if left_out := [printable(name) for name in others if (folder / name).is_file()]:
        listed = ", ".join(left_out)
        log.warning("%s: left out, not called like a picture: %s", folder, listed)
    photos.sort(key=lambda name: endings[name] not in PHOTO_SUFFIXES)
    return [folder / name for name in photos]


def update_sheet(
    folder: Path, sheet: Path = SHEET, *, write: bool = True, shard_size: int | None = None
) -> list[Row]:
    """Append the folder's new photos to the sheet; the rows of all photos now in the folder.

    A sheet that is begun takes over what that of the samples says of these photos.

    Args:
        folder: the folder of photos.
        sheet: the sheet's file; only one process at a time changes it.
        write: False leaves the file alone and tells what would stand in it.
        shard_size: how many photos a shard may hold, or None for `shard_capacity`; results do not
            depend on it.

    Raises:
        BadPhoto: the folder is missing or empty.
        StoreError: the sheet is damaged or cannot be written.
    """
    present = [path.as_posix() for path in photo_files(spelled(folder))]
    rows = _rows(_begun(sheet, folder), sheet)
    if sheet.exists() and set(present) <= {row.path for row in rows}:
        return rows_in(rows, folder)
    if not write:
        return rows_in([*rows, *_new_rows(rows, present, shard_size)], folder)
    with locked(sheet.with_name(f".{sheet.name}.lock")):
        table = _begun(sheet, folder)  # now that nobody else writes
        rows = _rows(table, sheet)
        new = _new_rows(rows, present, shard_size)
        table.add(new)
        for leftover in sheet.parent.glob(f".{glob.escape(sheet.name)}.*.tmp"):  # of a killed one
            leftover.unlink(missing_ok=True)
        _write_table(sheet, table)
    return rows_in([*rows, *new], folder)


def _begun(sheet: Path, folder: Path) -> _Table:
    """A sheet's lines; of one that is not there yet, the samples' lines of the folder's photos."""
    if sheet.exists() or not SHEET.exists():
        return _read_table(sheet)
    table = _read_table(SHEET)
    here = {row.photo for row in rows_in(_rows(table, SHEET), folder)}
    photo = table.columns.index("photo")
    return _Table(table.columns, [line for line in table.lines if line[photo].strip() in here])


def _new_rows(rows: Sequence[Row], present: Sequence[str], shard_size: int | None) -> list[Row]:
    """A row for each path that the sheet lacks."""
    paths = {row.path for row in rows}
    taken = {row.photo for row in rows}
    shards = _next_shards(rows, shard_size)
    new = []
    for path in present:
        if path not in paths:
            photo = photo_id(path, taken)
            taken.add(photo)
            new.append(Row(photo, path, next(shards)))
    return new


def rows_in(rows: Sequence[Row], folder: Path) -> list[Row]:
    """The rows whose photos are in a folder now."""
    place = spelled(folder)
    names = set(os.listdir(place)) if place.is_dir() else set()
    split = [os.path.split(row.path) for row in rows]
    is_here = {head: Path(head) == place for head, _ in split}
    return [
        row
        for row, (head, name) in zip(rows, split, strict=True)
        if is_here[head] and name in names
    ]


def stamp(path: str) -> str:
    """Size and time of change of a file, if there is one: another file has another stamp."""
    try:
        entry = os.stat(path)
    except OSError as error:
        return error.strerror or "unreadable"
    return f"{entry.st_size} bytes, {entry.st_mtime_ns} ns"


def spelled(folder: Path) -> Path:
    """One spelling per folder: relative where it lies in the current one."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def shard_capacity(number: int) -> int:
    """How many photos the shard of that number may hold: 32, 64, 128, and from number 48 on 256.

    Every job of a shard costs planning and start-up, so many photos go into larger shards: 30,000
    photos are 152 shards instead of 938.

    Example:
        >>> shard_capacity(0), shard_capacity(16), shard_capacity(1000)
        (32, 64, 256)
    """
    return SHARD_SIZE << min(number // _SHARDS_OF_A_SIZE, _DOUBLINGS)


def _next_shards(rows: Sequence[Row], shard_size: int | None) -> Iterator[str]:
    """The shards of the photos to come: the last one until it is full, then new ones."""
    last = max((row.shard for row in rows), default=f"{0:05d}")
    there = sum(row.shard == last for row in rows)
    for number in itertools.count(int(last)):
        capacity = shard_size or shard_capacity(number)
        yield from itertools.repeat(f"{number:05d}", max(0, capacity - there))
        there = 0
