"""The photo that a command is asked for: by its id in the sheet, or as a file."""

from __future__ import annotations

import difflib
from pathlib import Path

from unripple.conventions import UnknownName
from unripple.io.config import Config
from unripple.io.digest import value_sha256
from unripple.io.landmarks import read_landmarks
from unripple.io.sheet import SHEET, Row, read_sheet
from unripple.runtime.compute import Source, source_of

OTHER_FOLDERS = "; photos of another folder are found by --set photos=FOLDER"


def find_source(word: str, config: Config, sheet: Path = SHEET) -> Source:
    """The photo of that id, or the file of that name, with what sheet and config say of it.

    Raises:
        UnknownName: there is neither; the text names the nearest id.
        UnrippleError: the sheet or the landmarks cannot be read.
    """
    rows = {row.photo: row for row in read_sheet(sheet)}
    by_path = {row.path: row for row in rows.values()}
    row = rows.get(word) or by_path.get(word)
    if row is None and not Path(word).exists():
        close = difflib.get_close_matches(word, rows, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UnknownName(f"no photo {word!r} in {sheet}, and no such file{hint or OTHER_FOLDERS}")
    if row is None:
        row = Row(Path(word).stem, word, "")
    listed = config["align"]["landmarks"]
    return source_of(row, read_landmarks(Path(listed)) if listed else {})


def file_stem(source: Source, sheet: Path = SHEET) -> str:
    """How files of a photo are called: by its id, which a photo that no sheet knows may share.

    Its folder's digest tells such a one from others of its name.
    """
    listed = {row.photo: Path(row.path) for row in read_sheet(sheet)}
    if listed.get(source.photo) == source.path:
        return source.photo
    return f"{source.photo}-{value_sha256(str(source.path.resolve()))[:8]}"
