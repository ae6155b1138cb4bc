"""The sheet: photo id, path, shard. Rows are only ever appended: no photo moves to another shard.

Every entry of the folder that is called like a picture gets a row, also where it cannot be read:
what is wrong with it is then told with the results, and not lost in a message.

People fill in two columns by hand: `align` may say how the landmarks of that one photo are found,
`characteristics` are the nine of the face, see `io.translations`.
"""

from __future__ import annotations

import csv
import io
import itertools
import logging
import os
import re
import unicodedata
from collections.abc import Container, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from unripple.conventions import BadPhoto, StoreError
from unripple.io import atomic
from unripple.io.lock import locked
from unripple.io.photo import PHOTO_SUFFIXES, printable

SHEET = Path("data/sheet.tsv")
SHARD_SIZE = 32
"""Photos in each of the first shards; few, so that a small collection keeps every core busy."""
_SHARDS_OF_A_SIZE = 16
_DOUBLINGS = 3
_LONGEST_ID = 80
_OTHER_SUFFIXES = (".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".tif")
_PICTURES = (*PHOTO_SUFFIXES, *_OTHER_SUFFIXES, ".tiff")
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


_COLUMNS = tuple(field.name for field in fields(Row))


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


def read_sheet(sheet: Path) -> list[Row]:
    """Read the rows, none if there is no sheet yet.

    Raises:
        StoreError: the file is no sheet, or names a photo twice.
    """
    if not sheet.exists():
        return []
    with sheet.open(newline="", encoding="utf-8", errors=_NAMES_AS_THEY_ARE) as file:
        table = csv.DictReader(file, delimiter="\t")
        try:
            if not {"photo", "path", "shard"} <= set(table.fieldnames or ()):
                raise StoreError(f"{sheet}: the first line must name the columns {_COLUMNS}")
            rows = [Row(**{name: entry.get(name) or "" for name in _COLUMNS}) for entry in table]
        except csv.Error as error:
            raise StoreError(f"{sheet}: no table ({error}); put it back as it was") from error
    seen: set[str] = set()
    for row in rows:
        if not re.fullmatch(r"[a-z0-9_-]+", row.photo) or not re.fullmatch(r"\d{5}", row.shard):
            raise StoreError(
                f"{sheet}: photo {row.photo!r} in shard {row.shard!r}: an id has only a-z, 0-9, "
                "_ and -, a shard five digits; put the line back as it was"
            )
        if row.photo in seen:
            raise StoreError(f"{sheet}: photo {row.photo!r} stands there twice; keep the first")
        seen.add(row.photo)
    return rows


def write_sheet(sheet: Path, rows: Sequence[Row]) -> None:
    """Write all rows in one step."""
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow(_COLUMNS)
    quoted = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:  # a carriage return ends a line, but the writer does not quote it
        (quoted if "\r" in row.path else table).writerow(astuple(row))
    atomic.write_bytes(sheet, text.getvalue().encode("utf-8", _NAMES_AS_THEY_ARE))


def photo_files(folder: Path) -> list[Path]:
    """What is called like a picture in a folder, sorted by name, photos before other formats.

    Folders inside it are not searched.

    Raises:
        BadPhoto: there is no such folder, or it holds no photo.
    """
    if not folder.is_dir():
        raise BadPhoto(f"{folder}: no such folder; set `photos` in config.yaml")
    # Of names, not of paths: with tens of thousands it counts.
    endings = {
        name: os.path.splitext(name)[1].lower()
        for name in sorted(os.listdir(folder))
        if name[0] != "."
    }
    photos = [name for name, ending in endings.items() if ending in _PICTURES]
    if not photos:
        raise BadPhoto(
            f"{folder}: no photos in this folder; put {', '.join(PHOTO_SUFFIXES)} files there "
            "or set `photos` in config.yaml"
        )
    others = [name for name in endings if endings[name] not in _PICTURES]
    if left_out := [printable(name) for name in others if (folder / name).is_file()]:
        listed = ", ".join(left_out)
        log.warning("%s: left out, not called like a picture: %s", folder, listed)
    photos.sort(key=lambda name: endings[name] not in PHOTO_SUFFIXES)
    return [folder / name for name in photos]


def update_sheet(
    folder: Path, sheet: Path = SHEET, *, write: bool = True, shard_size: int | None = None
) -> list[Row]:
    """Append the folder's new photos to the sheet; the rows of all photos now in the folder.

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
    present = [path.as_posix() for path in photo_files(_spelled(folder))]
    rows = read_sheet(sheet)
    if set(present) <= {row.path for row in rows}:
        return rows_in(rows, folder)
    if not write:
        return rows_in(_with_new(rows, present, shard_size), folder)
    with locked(sheet.with_name(f".{sheet.name}.lock")):
        rows = _with_new(read_sheet(sheet), present, shard_size)  # now that nobody else writes
        for leftover in sheet.parent.glob(f".{sheet.name}.*.tmp"):  # of a killed process
            leftover.unlink(missing_ok=True)
        write_sheet(sheet, rows)
    return rows_in(rows, folder)


def _with_new(rows: Sequence[Row], present: Sequence[str], shard_size: int | None) -> list[Row]:
    """The sheet with a row for each path that it lacks."""
    known = {row.path for row in rows}
    taken = {row.photo for row in rows}
    shards = _next_shards(rows, shard_size)
    longer = list(rows)
    for path in present:
        if path not in known:
            photo = photo_id(path, taken)
            taken.add(photo)
            longer.append(Row(photo, path, next(shards)))
    return longer


def rows_in(rows: Sequence[Row], folder: Path) -> list[Row]:
    """The rows whose photos are in a folder now."""
    place = _spelled(folder)
    names = set(os.listdir(place)) if place.is_dir() else set()
    split = [os.path.split(row.path) for row in rows]
    is_here = {head: Path(head) == place for head, _ in split}
    return [
        row
        for row, (head, name) in zip(rows, split, strict=True)
        if is_here[head] and name in names
    ]


def is_plain(row: Row) -> bool:
    """Whether a workflow tool may be given this path as the name of an input file.

    Not one with line breaks or with braces, which would be wildcards, and none that is no file.
    """
    path = row.path
    odd = not path.isprintable() or "{" in path or "}" in path or path != path.strip()
    return not odd and os.path.isfile(path) and os.access(path, os.R_OK)


def stamp(path: str) -> str:
    """Size and time of change of a file, if there is one: another file has another stamp."""
    try:
        entry = os.stat(path)
    except OSError as error:
        return error.strerror or "unreadable"
    return f"{entry.st_size} bytes, {entry.st_mtime_ns} ns"


def _spelled(folder: Path) -> Path:
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
