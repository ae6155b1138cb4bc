"""The page docs/inverters.md: the tables of `inverters`, its plot, and the same people throughout.

Published figures stand beside them in tables of their own: they are of other photographs, other
generators and other code for the same metrics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from benchmarks.inverter_bench import KINDS, TRUTH, Measured, Row
from benchmarks.scatter import scatter
from unripple import atomic
from unripple.conventions import Photo

SHOWN = 12  # people
PER_PICTURE = 6
NAMES_PX, HEAD_PX, GAP_PX = 110, 22, 3
PAPER, INK = (255, 255, 255), (40, 40, 40)
AXES = ("distortion: LPIPS of the inversion to the photo", "LPIPS of four edits to the truth")


class Column(NamedTuple):
    """A figure as it is printed."""

    figure: str
    heading: str
    digits: int


INVERSION = (
    Column("photos", "photos", 0),
    Column("psnr", "PSNR, dB", 1),
    Column("psnr_person", "on the person, dB", 1),
    Column("l2", "L2", 4),
    Column("lpips", "LPIPS", 3),
    Column("ms_ssim", "MS-SSIM", 3),
    Column("identity", "identity", 3),
    Column("seconds", "seconds", 2),
    Column("cpu_s", "CPU-s", 2),
    Column("kilobytes", "artifact, kB", 0),
)
EDITS = (
    Column("turn_person", "turned, dB", 1),
    Column("smile_person", "smile, dB", 1),
    Column("glasses_person", "glasses, dB", 1),
    Column("edit_lpips", "LPIPS", 3),
    Column("turn_inner_ghost", "inner ghost", 3),
    Column("glasses_inner_ghost", "of glasses", 3),
    Column("turn_ghost", "ghost", 3),
    Column("turn_ghost_removed", "after unripple", 3),
    Column("turn_yaw_error", "yaw off, °", 1),
    Column("turn_identity", "identity", 3),
    Column("kid", "KID x 1000", 2),
    Column("edit_cpu_s", "CPU-s", 2),
)
SHEETS = {
    "inversion": "the photo, and what each method makes of it",
    "turned": "turned by 20 degrees, to the picture's left and right by turns",
    "smile": "a smile, or none any more",
    "glasses": "glasses on or off",
}
TEMPLATE = Path(__file__).with_suffix(".md")


def table_of(rows: Mapping[str, Row], columns: Sequence[Column]) -> str:
    """A Markdown table, methods down."""
    lines = [
        "| | " + " | ".join(column.heading for column in columns) + " |",
        "| --- " * (len(columns) + 1) + "|",
    ]
    for method, row in rows.items():
        cells = [_cell(row.get(column.figure, math.nan), column.digits) for column in columns]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: float, digits: int) -> str:
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"


def tables(rows: Mapping[str, Row]) -> str:
    """Both tables, as they are printed."""
    return table_of(rows, INVERSION) + "\n\n" + table_of(rows, EDITS)


def plot(rows: Mapping[str, Row]) -> str:
    """Distortion against editability: every method a point, the truth the corner."""
    points = {
        name: (row["lpips"], row["edit_lpips"]) for name, row in rows.items() if name != TRUTH
    }
    return scatter(points, AXES, {TRUTH: (0.0, 0.0)})


def sheet(columns: Sequence[Mapping[str, Photo]]) -> Image.Image:
    """Methods down, people across.

    Args:
        columns: of each person, row -> picture uint8 [S, S, 3]; the first names all rows.
    """
    names = list(columns[0])
    side = next(iter(columns[0].values())).shape[0] + GAP_PX
    page = Image.new("RGB", (NAMES_PX + side * len(columns), side * len(names)), PAPER)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for down, name in enumerate(names):
        pen.text((4, side * down + side // 2), name, INK, font, anchor="lm")
        for across, column in enumerate(columns):
            if name in column:
                place = (NAMES_PX + side * across, side * down)
                page.paste(Image.fromarray(column[name]), place)
    return page


def columns_of(
    made: Mapping[str, Mapping[int, Measured]], which: str, people: Sequence[int]
) -> list[dict[str, Photo]]:
    """What a sheet shows of each person: photo, truth, and what every method drew."""
    columns = []
    for person in people:
        part = {"inversion": 0, "turned": 1 + person % 2}.get(which)
        if part is None:
            part = 1 + KINDS.index(which)
        true = made[TRUTH][person].pictures
        assert true is not None
        column = {"photo": true[0]}
        if which != "inversion":
            column[TRUTH] = true[part]
        for name, own in made.items():
            drawn = own[person].pictures if person in own and name != TRUTH else None
            if drawn is not None:
                column[name] = drawn[part]
        columns.append(column)
    return columns


def write(
    folder: Path,
    table: Mapping[str, Row],
    made: Mapping[str, Mapping[int, Measured]],
    bounds: Sequence[tuple[bool, str]],
    photos: int,
) -> None:
    """Write the page, its plot and its pictures.

    Args:
        folder: of the docs.
        table: method -> medians.
        made: method -> photo -> what was measured.
        bounds: whether each is met, and in words.
        photos: how many people there are.
    """
    (folder / "inverters").mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(folder / "inverters.svg", plot(table).encode())
    parts = []
    for which, words in SHEETS.items():
        parts.append(f"### {which.capitalize()}\n\n{words[0].upper() + words[1:]}.\n")
        for start in range(0, min(SHOWN, photos), PER_PICTURE):
            stop = min(start + PER_PICTURE, SHOWN, photos)
            name = f"{which}-{start:02d}.webp"
            picture = sheet(columns_of(made, which, range(start, stop)))
            picture.save(folder / "inverters" / name, quality=85, method=6)
            alt = f"People {start} to {stop - 1}, {which}"
            parts.append(f"![{alt}](inverters/{name})\n")
    text = TEMPLATE.read_text().format(
        count=photos,
        inversion=table_of(table, INVERSION),
        edits=table_of(table, EDITS),
        bounds="\n".join(f"- {'met' if met else '**missed**'}: {line}" for met, line in bounds),
        sheets="\n".join(parts),
    )
    atomic.write_bytes(folder / "inverters.md", text.encode())
