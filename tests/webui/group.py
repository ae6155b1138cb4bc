"""A photo with two faces, laid together from two rendered ones."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

_SIDE = 320


def write_group(path: Path, photos: Path) -> Path:
    """Two of the samples beside each other, the left one larger."""
    left, right = (Image.open(photos / f"portrait-0{n}.png").convert("RGB") for n in (5, 8))
    group = Image.new("RGB", (_SIDE + _SIDE * 7 // 8, _SIDE), right.getpixel((0, 0)))
    smaller = right.resize((_SIDE * 7 // 8,) * 2, Image.Resampling.LANCZOS)
    group.paste(smaller.crop((0, 0, smaller.width, 1)).resize((smaller.width, _SIDE)), (_SIDE, 0))
    group.paste(left.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), (0, 0))
    group.paste(smaller, (_SIDE, _SIDE - smaller.height))
    group.save(path, quality=95)
    return path
