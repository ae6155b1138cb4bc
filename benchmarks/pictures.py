"""Make docs/strip.png, the picture at the head of README: the stages of two samples, one per row.

docs/report.png and docs/editor.png are made by `make test-browser`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import unripple
from unripple.runtime.view import side_by_side

SAMPLES = ("portrait-02", "portrait-04")
DEGREE = -3
TILE_PX, GAP_PX = 184, 6
COLOURS = 256
SHOWN = ("align", "invert", "edit", "parse", "ripple", "depth", "inpaint", "compose")
ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Write the picture, and print its name."""
    editor = unripple.Editor()
    rows = []
    for name in SAMPLES:
        result = editor.edit(ROOT / "data" / "photos" / f"{name}.png", pose=DEGREE)
        tiles = [Image.fromarray(result.stage(stage)) for stage in SHOWN]
        scaled = [tile.resize((TILE_PX, TILE_PX), Image.Resampling.BICUBIC) for tile in tiles]
        row = side_by_side([np.asarray(tile) for tile in scaled], gap_px=GAP_PX)
        rows += [row, np.full((GAP_PX, row.shape[1], 3), 255, np.uint8)]
    out = ROOT / "docs" / "strip.png"
    picture = Image.fromarray(np.concatenate(rows[:-1]))
    picture.quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG).save(out, optimize=True)
    print(out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
