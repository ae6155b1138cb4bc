"""Landmarks from a file: for photos whose faces people marked themselves.

JSON: {"<photo>": [[x, y], [x, y], [x, y], [x, y], [x, y]], ...}
CSV:  photo,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5   (with that first line)

`<photo>` is a photo id or a file name, each given once. The points are picture-left eye,
picture-right eye, nose tip, picture-left and picture-right mouth corner, in pixels of the upright
photo from its top-left corner.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from unripple.conventions import BadConfig
from unripple.outside import Unfit, explained, json_of, number_of, read_text, table_of

Points = list[list[float]]
_COLUMNS = ["photo", *(f"{axis}{point}" for point in range(1, 6) for axis in "xy")]
_REMEDY = "wanted JSON {photo: [[x, y] five times]} or CSV with the first line " + ",".join(
    _COLUMNS
)
_FARTHEST_PX = 1e6
"""Photos are at most 32,766 px long, and a point may lie outside."""


def read_landmarks(path: Path) -> dict[str, Points]:
    """Read a landmarks file: photo id or file name -> five (x, y).

    Raises:
        BadConfig: the file is missing or not as described above.
    """
    with explained(path, BadConfig, _REMEDY, setting="align.landmarks"):
        text = read_text(path)
        listed = _in_json(text) if path.suffix.lower() == ".json" else _in_csv(text)
        return {key: _checked(points, key) for key, points in listed.items()}


def _in_json(text: str) -> dict[str, Any]:
    listed = json_of(text)
    if not isinstance(listed, dict):
        raise Unfit("it holds no photos by name")
    return listed


def _in_csv(text: str) -> dict[str, Any]:
    lines, comma = table_of(text)
    names = lines[0][1] if lines else []
    if missing := [name for name in _COLUMNS if name not in names]:
        raise Unfit(f"the first line lacks {', '.join(missing)}")
    points_of: dict[str, Any] = {}
    for number, cells in lines[1:]:
        row = dict(zip(names, cells, strict=False))
        if len(cells) < len(names):
            raise Unfit(f"line {number} has {len(cells)} cells, not {len(names)}")
        if row["photo"] in points_of:
            raise Unfit(f"line {number} gives {row['photo'][:60]!r} again; keep one of them")
        try:
            values = [number_of(row[name], comma=comma) for name in _COLUMNS[1:]]
        except Unfit as error:
            raise Unfit(f"line {number}: {error}") from error
        points_of[row["photo"]] = [values[at : at + 2] for at in range(0, len(values), 2)]
    return points_of


def _checked(points: Any, photo: str) -> Points:
    where = photo[:60]
    if not isinstance(points, list) or len(points) != 5:
        many = f"{len(points)}" if isinstance(points, list) else "none"
        raise Unfit(f"{where}: five points wanted, found {many}")
    checked = []
    for point in points:
        plain = isinstance(point, list) and len(point) == 2
        if not plain or not all(_is_number(value) for value in point):
            raise Unfit(f"{where}: five finite points wanted, found {str(point)[:60]}")
        if max(abs(value) for value in point) > _FARTHEST_PX:
            raise Unfit(f"{where}: no photo is so large that {str(point)[:60]} px are in or by it")
        checked.append([float(value) for value in point])
    if any(one == other for one, other in itertools.combinations(checked, 2)):
        raise Unfit(f"{where}: two of its five points are the same")
    return checked


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def landmarks_of(listed: dict[str, Points], photo: str, path: Path) -> Points | None:
    """The points of a photo, by its id or file name; None if the file does not name it.

    Raises:
        BadConfig: the file gives it other points under another of its names.
    """
    # Its stem may be another photo's id, so it counts only where nothing else names the photo.
    names = [name for name in (photo, path.name) if name in listed]
    if len(names) == 2 and listed[photo] != listed[path.name]:
        raise BadConfig(
            f"align.landmarks: {photo!r} and {path.name!r} are one photo, with other points each; "
            "keep one of them"
        )
    return listed.get(names[0] if names else path.stem)
