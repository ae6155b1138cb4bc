"""Edits of shape and colour on photographs: sheets to look at, and what judges say.

    python -m benchmarks.shapes_real OUT [--photos FOLDER] [--minutes 15]

See `benchmarks.real` for the photographs and the judge of identity. Whether an edit is seen, and
with the right sign, is told by what no edit asks: dlib's 68 points for shapes, lips and irises, and
the parser's hair for colours of hair. One reading of dlib's points is as coarse as some of the
edits are: the mean of `VIEWS` readings, from boxes around the face that dlib finds in the photo, is
what counts. Photos go one by one: what OUT holds is not done again.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from benchmarks.real import collect, dlib_identity
from unripple import atomic
from unripple.conventions import Face, Floats, Photo, UnrippleError
from unripple.io.config import Edit
from unripple.runtime.editor import Editor
from unripple.stages.align import Aligned

CELL_PX = 260
SHIFTS, ZOOMS = (-0.06, -0.03, 0.0, 0.03, 0.06), (0.92, 1.0, 1.08)
VIEWS = tuple(product(SHIFTS, SHIFTS, ZOOMS))
"""Boxes that are read, beside the one that was found: right and down, sides of it, and its size."""
LEAST_HAIR_PX = 60

EDITS: Mapping[str, Mapping[str, float]] = {
    "smile": {"smile": 1.2},
    "no smile": {"smile": -1.0},
    "eyes": {"eyes": 1.0},
    "brows": {"brows": 1.2},
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
}
"""The columns of the sheet of photographs."""


def _across(points: Floats, one: int, other: int) -> float:
    return float(np.hypot(*(points[one] - points[other])))


class Seen(NamedTuple):
    """What judges see of a face.

    Attributes:
        points: dlib's, px of the upright piece, [68, 2].
        lab: the piece's colours, CIELAB, [S, S, 3].
        hair: mean colour of the parser's hair, [3]; nan where it sees none.
    """

    points: Floats
    lab: Floats
    hair: Floats

    def mean(self, *outlines: Sequence[int]) -> Floats:
        """The mean colour within outlines of points, [3]."""
        mask = np.zeros(self.lab.shape[:2], np.uint8)
        for outline in outlines:
            cv2.fillPoly(mask, [np.rint(self.points[list(outline)]).astype(np.int32)], 1)
        inside: Floats = self.lab[mask > 0].mean(0)
        return inside


_LIPS, _EYES = range(48, 60), (range(36, 42), range(42, 48))

SIGNS: Mapping[str, Callable[[Seen], float]] = {
    "smile": lambda s: s.points[[62, 66], 1].mean() - s.points[[48, 54], 1].mean(),
    "no smile": lambda s: -(s.points[[62, 66], 1].mean() - s.points[[48, 54], 1].mean()),
    "eyes": lambda s: (
        _across(s.points, 37, 41) + _across(s.points, 38, 40) + _across(s.points, 43, 47)
    ),
    "brows": lambda s: s.points[36:48, 1].mean() - s.points[17:27, 1].mean(),
    "nose wide": lambda s: _across(s.points, 31, 35),
    "nose pointed": lambda s: s.points[33, 1] - s.points[36:48, 1].mean(),
    "lips": lambda s: _across(s.points, 51, 62) + _across(s.points, 57, 66),
    "jaw": lambda s: _across(s.points, 5, 11),
    "face wide": lambda s: _across(s.points, 2, 14),
    "face long": lambda s: s.points[8, 1] - s.points[36:48, 1].mean(),
    "double chin": lambda s: _across(s.points, 5, 11),
    "blond": lambda s: float(s.hair[0]),
    "black": lambda s: -float(s.hair[0]),
    "grey": lambda s: -float(np.hypot(*s.hair[1:])),
    "lipstick": lambda s: float(s.mean(_LIPS)[1]),
    "blue eyes": lambda s: -float(s.mean(*_EYES)[2]),
}
"""What grows with an edit."""


def run(options: argparse.Namespace) -> None:
    """Edit what is not edited yet, and write table and sheet."""
    if options.photos:
        files = sorted(options.photos.iterdir())
        photos = {file.stem: np.array(Image.open(file).convert("RGB")) for file in files}
    else:
        photos = collect(options.out)
    photos = {n: one for n, one in photos.items() if not options.only or n in options.only}
    identity = dlib_identity(options.dlib or options.out)
    points = dlib_points(options.dlib or options.out)
    editor = Editor(settings={"align": {"faces": "largest"}, "edit": {"attributes": "pixels"}})
    until = time.monotonic() + 60 * options.minutes
    for name, photo in photos.items():
        path = options.out / f"{name}.json"
        if not path.exists():
            if time.monotonic() > until:
                sys.stderr.write("time is up; run it again to go on\n")
                return
            rows = _edited(editor, name, photo, options.out, identity, points)
            atomic.write_text(path, json.dumps(rows, indent=1))
    rows = [row for n in photos for row in json.loads((options.out / f"{n}.json").read_text())]
    _sheet(options.out, list(photos))
    sys.stdout.write(real_table(rows))


def _edited(
    editor: Editor, name: str, photo: Photo, folder: Path, identity: Any, points: Any
) -> list[dict[str, Any]]:
    """Every edit of a photo: pictures of the face, and what judges say."""
    source, rows = editor.open(photo), []
    for edit, words in [("photo", {}), *EDITS.items()]:
        started = time.process_time()
        told: dict[str, Any] = {"photo": name, "edit": edit}
        try:
            made: Any = editor.run(source, "paste", Edit("edit", tuple(sorted(words.items()))))
            picture = made["paste"]["picture"] if words else photo
            told |= _told(made, photo, picture, edit, identity, points)
            Image.fromarray(face_of(made, picture)).save(folder / f"{name}.{edit}.png")
        except UnrippleError as error:
            told |= {"failed": type(error).__name__, "why": str(error)}
        told["seconds"] = round(time.process_time() - started, 2)
        rows.append(told)
    return rows


def _sheet(folder: Path, names: Sequence[str]) -> None:
    page = Image.new("RGB", ((len(EDITS) + 1) * CELL_PX, len(names) * CELL_PX), "white")
    for row, name in enumerate(names):
        for column, edit in enumerate(("photo", *EDITS)):
            at = (column * CELL_PX, row * CELL_PX)
            if (path := folder / f"{name}.{edit}.png").exists():
                page.paste(Image.open(path).resize((CELL_PX, CELL_PX)), at)
            ImageDraw.Draw(page).text((at[0] + 3, at[1] + 2), f"{name} {edit}", fill="red")
    page.save(folder / "sheet.png")


def _told(
    made: Any, photo: Photo, picture: Photo, edit: str, identity: Any, points: Any
) -> dict[str, Any]:
    landmarks = made["align"]["landmarks"]
    told: dict[str, Any] = {"reduced": (made["edit"].get("notes") or {}).get("reduced", [])}
    told["changed"] = float((picture != photo).any(-1).mean())
    if identity is not None and edit != "photo":
        told["identity"] = float(
            np.linalg.norm(identity(photo, landmarks) - identity(picture, landmarks))
        )
    if points is not None and edit in SIGNS:
        box = points.box(face_of(made, photo))
        before, after = (_seen(made, one, points, box) for one in (photo, picture))
        grown = SIGNS[edit](after) - SIGNS[edit](before)
        if math.isfinite(grown):
            told["sign"] = grown
    return told


def _seen(made: Any, picture: Photo, points: Any, box: Floats) -> Seen:
    piece = face_of(made, picture)
    lab = cv2.cvtColor(piece.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    aligned = Aligned(**made["align"])
    hair = made["parse@photo"]["labels"] == Face.HAIR
    hair[int(aligned.landmarks_in_crop[:, 1].max()) :] = False  # clothes look like hair to it
    colour = np.full(3, np.nan)
    if hair.sum() >= LEAST_HAIR_PX:
        crop = aligned.seen(picture).astype(np.float32) / 255
        colour = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)[hair].mean(0)
    return Seen(points(piece, box), lab, colour)


def face_of(made: Any, picture: Photo) -> Photo:
    """The face's surroundings, upright, from the whole picture."""
    aligned = Aligned(**made["align"])
    large = 4 * aligned.picture.shape[0]
    from unripple.ops.geometry import compose, resample

    smaller = np.array([[0.25, 0.0, 0.0], [0.0, 0.25, 0.0]])
    shown: Photo = resample(picture, compose(aligned.transform, smaller), width=large, height=large)
    margin = large // 6
    return np.ascontiguousarray(shown[margin // 2 : -2 * margin + margin // 2, margin:-margin])


class DlibPoints:
    """dlib's 68 points in an upright piece of a picture."""

    def __init__(self, dlib: Any, file: Path) -> None:
        self._dlib = dlib
        self._finder, self._points = (
            dlib.get_frontal_face_detector(),
            dlib.shape_predictor(str(file)),
        )

    def box(self, piece: Photo) -> Floats:
        """Left, top, right and bottom of the face in it."""
        found = self._finder(piece, 0)
        if not found:
            return np.array([0.22, 0.30, 0.78, 0.86]) * piece.shape[0]
        one = max(found, key=lambda box: box.width())
        return np.array([one.left(), one.top(), one.right(), one.bottom()], float)

    def __call__(self, piece: Photo, box: Floats) -> Floats:
        """The mean of many readings, [68, 2]."""
        middle, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).mean())
        readings = []
        for right, down, zoom in VIEWS:
            at, half = middle + side * np.array((right, down)), side * zoom / 2
            edges = (*(at - half).astype(int), *(at + half).astype(int))
            shape = self._points(piece, self._dlib.rectangle(*(int(edge) for edge in edges)))
            readings.append([(one.x, one.y) for one in shape.parts()])
        mean: Floats = np.mean(readings, axis=0)
        return mean


def dlib_points(folder: Path) -> DlibPoints | None:
    """The points, or None where dlib's packages cannot be had."""
    try:
        import dlib  # type: ignore[import-not-found]
    except ImportError:
        return None
    models = next((folder / "dlib").rglob("face_recognition_models/models"), None)
    if models is None:
        return None
    return DlibPoints(dlib, models / "shape_predictor_68_face_landmarks.dat")


def real_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Per edit: how many were made, reduced, refused; identity; the sign."""
    lines = ["| edit | made | reduced | refused | identity median (max) | right sign | CPU-s |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
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
            f"| {np.median(seconds) if seconds else math.nan:.1f} |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, help="photographs of yours instead, one face each")
    parser.add_argument("--only", nargs="+", default=[], help="names of photos")
    parser.add_argument("--dlib", type=Path, help="where `benchmarks.real` put dlib")
    parser.add_argument("--minutes", type=float, default=600.0, help="after which a run ends")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    run(options)


if __name__ == "__main__":
    main()
