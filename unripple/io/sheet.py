"""The sheet: photo id, path, shard. Rows are only ever appended: no photo moves to another shard.

A column `align` may say how the landmarks of that one photo are found; people fill it in by hand.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from unripple.conventions import BadPhoto, StoreError
from unripple.io import atomic
from unripple.io.photo import PHOTO_SUFFIXES

SHEET = Path("data/sheet.tsv")
SHARD_SIZE = 32
_LONGEST_ID = 80
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One photo: its id, where it lies, its shard, and its own way to find landmarks or ''."""

    photo: str
    path: str
    shard: str
    align: str = ""


_COLUMNS = tuple(field.name for field in fields(Row))


def photo_id(name: str, taken: Iterable[str]) -> str:
    """A short, safe, unique id from a file name: letters a-z, digits, `_` and `-`.

    Example:
        >>> photo_id("Anna Ä (2).JPG", taken=())
        'anna-a-2'
    """
    plain = unicodedata.normalize("NFKD", Path(name).stem).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9_]+", "-", plain.lower()).strip("-")[:_LONGEST_ID] or "photo"
    others = set(taken)
    number, candidate = 1, slug
    while candidate in others:
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
    with sheet.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file, delimiter="\t")
        if not {"photo", "path", "shard"} <= set(table.fieldnames or ()):
            raise StoreError(f"{sheet}: the first line must name the columns {_COLUMNS}")
        rows = [Row(**{name: entry.get(name) or "" for name in _COLUMNS}) for entry in table]
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
    table.writerows(astuple(row) for row in rows)
    atomic.write_text(sheet, text.getvalue())


def photo_files(folder: Path) -> list[Path]:
    """The photos of a folder, sorted by name; folders inside it are not searched.

    Raises:
        BadPhoto: there is no such folder, or it holds no photo.
    """
    if not folder.is_dir():
        raise BadPhoto(f"{folder}: no such folder; set `photos` in config.yaml")
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    photos = [path for path in files if path.suffix.lower() in PHOTO_SUFFIXES]
    if not photos:
        raise BadPhoto(
            f"{folder}: no photos in this folder; put {', '.join(PHOTO_SUFFIXES)} files there "
            "or set `photos` in config.yaml"
        )
    others = [path.name for path in files if path.suffix.lower() not in PHOTO_SUFFIXES]
    if others:
        log.warning("%s: left out, neither png, jpg nor webp: %s", folder, ", ".join(others))
    return photos


def update_sheet(folder: Path, sheet: Path = SHEET) -> list[Row]:
    """Append the folder's new photos to the sheet; the rows of all photos now in the folder.

    Raises:
        BadPhoto: the folder is missing or empty.
        StoreError: the sheet is damaged or cannot be written.
    """
    rows = read_sheet(sheet)
    known = {row.path for row in rows}
    taken = {row.photo for row in rows}
    present = [path.as_posix() for path in photo_files(_spelled(folder))]
    new = [path for path in present if path not in known]
    for path in new:
        photo = photo_id(path, taken)
        taken.add(photo)
        rows.append(Row(photo, path, _next_shard(rows)))
    if new:
        write_sheet(sheet, rows)
    return rows_in(rows, folder)


def rows_in(rows: Sequence[Row], folder: Path) -> list[Row]:
    """The rows whose photos are in a folder now."""
    place = _spelled(folder)
    return [row for row in rows if Path(row.path).parent == place and Path(row.path).is_file()]


def _spelled(folder: Path) -> Path:
    """One spelling per folder: relative where it lies in the current one."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _next_shard(rows: Sequence[Row]) -> str:
    if not rows:
        return f"{0:05d}"
    last = max(row.shard for row in rows)
    full = sum(row.shard == last for row in rows) >= SHARD_SIZE
    return f"{int(last) + full:05d}"
