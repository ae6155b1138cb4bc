"""Landmarks from a file: for photos whose faces people marked themselves.

JSON: {"<photo>": [[x, y], [x, y], [x, y], [x, y], [x, y]], ...}
CSV:  photo,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5   (with that first line)

`<photo>` is a photo id or a file name. The points are picture-left eye, picture-right eye, nose
tip, picture-left and picture-right mouth corner, in pixels of the upright photo from its top-left
corner.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

from unripple.conventions import BadConfig

Points = list[list[float]]
_COLUMNS = ["photo", *(f"{axis}{point}" for point in range(1, 6) for axis in "xy")]


def read_landmarks(path: Path) -> dict[str, Points]:
    """Read a landmarks file: photo id or file name -> five (x, y).

    Raises:
        BadConfig: the file is missing or not as described above.
    """
    try:
        if path.suffix.lower() == ".json":
            listed = {str(key): points for key, points in json.loads(path.read_text()).items()}
        else:
            listed = _read_csv(path)
        return {key: _checked(points, f"{path}: {key}") for key, points in listed.items()}
    except OSError as error:
        raise BadConfig(f"align.landmarks: {path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadConfig(
            f"align.landmarks: {path}: {error}; wanted JSON {{photo: [[x, y] five times]}} or CSV "
            f"with the first line {','.join(_COLUMNS)}"
        ) from error


def _read_csv(path: Path) -> dict[str, Points]:
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        missing = [name for name in _COLUMNS if name not in (table.fieldnames or ())]
        if missing:
            raise ValueError(f"the first line lacks {', '.join(missing)}")
        return {
            row["photo"]: [[float(row[f"x{n}"]), float(row[f"y{n}"])] for n in range(1, 6)]
            for row in table
        }


def _checked(points: Points, where: str) -> Points:
    pairs = [[float(x), float(y)] for x, y in points]
    if len(pairs) != 5 or not all(math.isfinite(value) for pair in pairs for value in pair):
        raise ValueError(f"{where}: five finite points wanted, found {points}")
    return pairs


def landmarks_of(listed: dict[str, Points], photo: str, path: Path) -> Points | None:
    """The points of a photo, by its id or file name; None if the file does not name it."""
    for name in (photo, path.name, path.stem):
        if name in listed:
            return listed[name]
    return None
