"""Edits of shape and colour on photographs: sheets to look at, and what judges say.

    python -m benchmarks.shapes_real OUT [--photos FOLDER] [--minutes 15]

See `benchmarks.real` for the photographs and the judge of identity, `benchmarks.shape_judges` for
those who tell whether an edit is seen, and with the right sign. Photos go one by one: what OUT
holds is not done again.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.pieces import Pieces
from benchmarks.real import collect, dlib_identity
from benchmarks.shape_judges import SIGNS, DlibPoints, changed_far, dlib_points, face_of, see
from unripple.conventions import Floats, Landmarks, Photo, UnrippleError
from unripple.io.config import Edit
from unripple.runtime.editor import Editor

CELL_PX = 260

EDITS: Mapping[str, Mapping[str, float]] = {
    "smile": {"smile": 1.2},
    "no smile": {"smile": -1.0},
    "eyes": {"eyes": 1.0},
    "brows": {"brows": 1.2},
    "mouth open": {"mouth_open": 1.6},
    "nose wide": {"nose_width": 1.3},
    "nose pointed": {"nose_point": 1.5},
    "lips": {"lips": 1.8},
    "jaw": {"jaw": 1.3},
    "face wide": {"face_width": 2.0},
    "face long": {"face_length": 1.2},
    "double chin": {"double_chin": 1.5},
    "blond": {"hair_light": 2.5},
    "black": {"hair_light": -2.5},
    "grey": {"grey": 2.0},
    "lipstick": {"lipstick": 2.0},
    "blue eyes": {"iris": 2.0},
    "darker skin": {"skin": 1.2},
    "beard": {"beard": 1.5},
    "glasses": {"glasses": 1.0},
    "hat": {"hat": 1.0},
    "masculine": {"gender": 1.8},
    "feminine": {"gender": -1.8},
    "bags": {"bags": 3.0},
    "no bags": {"bags": -3.0},
    "smooth skin": {"wrinkles": -3.0},
    "light fringe": {"fringe": 1.0},
    "fringe": {"fringe": 2.5},
    "fuller hair": {"hair_volume": 1.5},
}
"""The columns of the sheet of photographs."""


class Judges(NamedTuple):
    """Who says what an edit did; None where dlib's packages cannot be had.

    Attributes:
        identity: a face's 128 numbers.
        points: dlib's.
    """

    identity: Callable[[Photo, Landmarks], Floats] | None
    points: DlibPoints | None


def run(options: argparse.Namespace) -> None:
    """Edit what is not edited yet, and write table and sheet."""
    if options.photos:
        files = sorted(options.photos.iterdir())
        photos = {file.stem: np.array(Image.open(file).convert("RGB")) for file in files}
    else:
        photos = collect(options.out)
    photos = {n: one for n, one in photos.items() if not options.only or n in options.only}
    place = options.dlib or options.out
    judges = Judges(dlib_identity(place), dlib_points(place))
    editor = Editor(settings={"align": {"faces": "largest"}, "edit": {"attributes": "pixels"}})
    pieces, rows = Pieces(options.minutes), []
    for name, photo in photos.items():
        path = options.out / f"{name}.json"

        def edited(name: str = name, photo: Photo = photo) -> list[dict[str, Any]]:
            return _edited(editor, name, photo, options.out, judges, options.edits)

        if not pieces.kept(path, edited):
            return
        rows += json.loads(path.read_text())
    _sheet(options.out, list(photos))
    sys.stdout.write(real_table(rows))


def _edited(
    editor: Editor,
    name: str,
    photo: Photo,
    folder: Path,
    judges: Judges,
    edits: Sequence[str],
) -> list[dict[str, Any]]:
    """Edits of a photo: pictures of the face, and what judges say."""
    source, rows, seen = editor.open(photo), [], _Before(judges, photo)
    chosen = [(edit, EDITS[edit]) for edit in edits]
    for edit, words in [("photo", {}), *chosen]:
        started = time.process_time()
        told: dict[str, Any] = {"photo": name, "edit": edit}
        try:
            made: Any = editor.run(source, "paste", Edit("edit", tuple(sorted(words.items()))))
            told["seconds"] = round(time.process_time() - started, 2)
            picture = made["paste"]["picture"] if words else photo
            told |= seen.told(editor, made, edit, picture)
            Image.fromarray(face_of(made, picture)).save(folder / f"{name}.{edit}.png")
        except UnrippleError as error:
            told |= {"failed": type(error).__name__, "why": str(error)}
        rows.append(told)
    return rows


class _Before:
    """A photo as judges see it, looked at once."""

    def __init__(self, judges: Judges, photo: Photo) -> None:
        self._judges, self._photo = judges, photo
        self._box: Any = None
        self._seen: Any = None
        self._person: Any = None

    def told(self, editor: Editor, made: Any, edit: str, picture: Photo) -> dict[str, Any]:
        """What an edit did."""
        photo, (identity, points) = self._photo, self._judges
        told: dict[str, Any] = {"reduced": (made["edit"].get("notes") or {}).get("reduced", [])}
        told["changed"] = float((picture != photo).any(-1).mean())
        told["changed_far"] = changed_far(made, photo, picture)
        if edit not in SIGNS:
            return told
        if identity is not None:
            landmarks = made["align"]["landmarks"]
            if self._person is None:
                self._person = identity(photo, landmarks)
            told["identity"] = float(np.linalg.norm(self._person - identity(picture, landmarks)))
        if points is not None:
            if self._seen is None:
                self._box = points.box(face_of(made, photo))
                self._seen = see(made, photo, points, self._box, editor.zoo)
            after = see(made, picture, points, self._box, editor.zoo)
            grown = SIGNS[edit](after) - SIGNS[edit](self._seen)
            if math.isfinite(grown):
                told["sign"] = grown
        return told


def _sheet(folder: Path, names: Sequence[str]) -> None:
    page = Image.new("RGB", ((len(EDITS) + 1) * CELL_PX, len(names) * CELL_PX), "white")
    for row, name in enumerate(names):
        for column, edit in enumerate(("photo", *EDITS)):
            at = (column * CELL_PX, row * CELL_PX)
            if (path := folder / f"{name}.{edit}.png").exists():
                page.paste(Image.open(path).resize((CELL_PX, CELL_PX)), at)
            ImageDraw.Draw(page).text((at[0] + 3, at[1] + 2), f"{name} {edit}", fill="red")
    page.save(folder / "sheet.png")


def real_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Per edit: how many were made, reduced, refused; identity; the sign."""
    lines = [
        "| edit | made | reduced | refused | identity median (max) | right sign | changed far away "
        "| CPU-s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for edit in EDITS:
        of_edit = [row for row in rows if row["edit"] == edit]
        made = [row for row in of_edit if "failed" not in row]
        away = [row["identity"] for row in made if math.isfinite(row.get("identity", math.nan))]
        signs = [row["sign"] > 0 for row in made if "sign" in row]
        seconds = [row["seconds"] for row in made]
        lines.append(
            f"| {edit} | {len(made)} | {sum(bool(row['reduced']) for row in made)} "
            f"| {len(of_edit) - len(made)} "
            f"| {f'{np.median(away):.2f} ({max(away):.2f})' if away else ''} "
            f"| {f'{sum(signs)} of {len(signs)}' if signs else ''} "
            f"| {max((row['changed_far'] for row in made), default=math.nan):.5f} "
            f"| {np.median(seconds) if seconds else math.nan:.1f} |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, help="photographs of yours instead, one face each")
    parser.add_argument("--only", nargs="+", default=[], help="names of photos")
    parser.add_argument("--edits", nargs="+", default=list(EDITS), choices=list(EDITS))
    parser.add_argument("--dlib", type=Path, help="where `benchmarks.real` put dlib")
    parser.add_argument("--minutes", type=float, default=600.0, help="after which a run ends")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    run(options)


if __name__ == "__main__":
    main()
