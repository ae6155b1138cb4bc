"""`unripple domains`: draw the domains of the embedded characteristics, and show them on a face.

A domain says where an edit of a characteristic may stay. `draw` renders people who look straight
ahead, each with the least and the most of a characteristic, and keeps what changed in enough of
them, smoothed into a drawing. What changes all of a person (skin, age, sex) gets none.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unripple.cli import options as shared
from unripple.conventions import Floats, Mask, Photo

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

ATTRIBUTES = ("B", "Bd", "Be", "Bn", "Bp", "Ch", "D", "Gl", "Hc", "Hs", "N", "Pn", "Sm", "bald")
ENDS = {"Hc": ("Hc_0", "Hc_2"), "bald": ("Hc_1", "Hc_4")}
"""The two edits between which a characteristic changes most, where they are not its first two."""
SEED = 600_000_000  # of faces that no training, sample or benchmark has
SIDE_PX = 512
SEEN, FAINT = 8, 2  # levels that a pixel must change by; bags are faint
OFTEN = 0.25  # share of the faces in which it must
SMOOTH_PX = 7.0  # at 512
TINT = np.array([255, 64, 32], np.float32)


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "domains", help="draw the domains of mix, and show them on a face", description=__doc__
    )
    actions = parser.add_subparsers(required=True, metavar="draw|show")
    draw = actions.add_parser("draw", help="draw those of the embedded characteristics")
    draw.add_argument("--out", type=Path, default=Path("data/domains/embedded"))
    shared.add_knob(draw, "--faces", "domains.faces", "people to look at")
    shared.add_knob(draw, "--size", "domains.size_px", "side of their pictures, px")
    draw.add_argument("--only", nargs="+", choices=ATTRIBUTES, default=ATTRIBUTES, metavar="CARAC")
    draw.set_defaults(run=_draw)
    show = actions.add_parser("show", help="draw them over a face, side by side")
    show.add_argument("photo", type=Path, help="an aligned face")
    show.add_argument("-o", "--out", type=Path, required=True)
    show.add_argument("--folder", type=Path, help="of the drawings (default: the embedded ones)")
    shared.add_overwrite(show)
    show.set_defaults(run=_show)


def _draw(options: argparse.Namespace) -> None:
    from unripple.atomic import write_bytes
    from unripple.io.photo import encode_png

    people = _people(options.faces)
    for attribute in options.only:
        often = _how_often(people, attribute, options.size)
        path = options.out / f"{attribute}.png"
        write_bytes(path, encode_png(np.where(drawn(often), np.uint8(0), np.uint8(255))))
        log.info("%s", path)


def drawn(often: Floats) -> Mask:
    """A smooth shape around what changes often enough, as symmetric as faces are.

    Args:
        often: share of faces in which each pixel changes, float [h, w] in [0, 1].

    Returns:
        bool [SIDE_PX, SIDE_PX].
    """
    import cv2

    both = np.maximum(often, often[:, ::-1]).astype(np.float32)
    large = cv2.resize(both, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
    return cv2.GaussianBlur(large, (0, 0), SMOOTH_PX) >= OFTEN


def _people(count: int) -> Tensor:
    """People of all kinds who look straight ahead and wear nothing on head or nose."""
    from unripple.faceworld import sample_factors, with_factors

    still = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, "hat": 0.0, "glasses": 0.0, "bald": 0.0}
    return with_factors(sample_factors(count, seed=SEED), **still)


def _how_often(people: Tensor, attribute: str, size: int) -> Floats:
    """The share of people in which each pixel changes, float64 [size, size]."""
    import torch

    from unripple.faceworld import attributes, render

    low, high = ENDS.get(attribute) or attributes.edits_of(attribute)[:2]
    seeds = SEED + torch.arange(len(people))
    before = render(attributes.edited(people, low), seeds, size=size)
    after = render(attributes.edited(people, high), seeds, size=size, plates=before.plate)
    change = (before.photo.int() - after.photo.int()).abs().amax(1).numpy()
    changed = change > (FAINT if attribute == attributes.UNDER_EYES else SEEN)
    if attribute == attributes.UNDER_EYES:
        eyes = before.landmarks[:, :2].numpy()
        changed &= np.stack([attributes.under_eyes(pair, size) for pair in eyes])
    return changed.mean(axis=0)


def _show(options: argparse.Namespace) -> None:
    from unripple.conventions import BadConfig
    from unripple.io.domains import EMBEDDED, read_domain
    from unripple.io.metadata import NOTHING
    from unripple.io.photo import check_writable_name, read_photo, write_photo
    from unripple.ops.mixing import domain_of
    from unripple.paths import data_folder

    folder = options.folder or data_folder() / "domains" / EMBEDDED
    files = sorted(folder.glob("*.png"), key=lambda path: path.stem.casefold())
    if not files:
        raise BadConfig(f"{folder}: no domains here; `unripple domains draw` makes some")
    check_writable_name(options.out)
    shared.check_outputs(options, {"-o": options.out}, [options.photo])
    for path in files:
        shared.check_outputs(options, {"-o": options.out}, (), others={"domain": path})
    face = read_photo(options.photo).srgb
    tiles = [overlay(face, domain_of(read_domain(path)), path.stem) for path in files]
    write_photo(options.out, contact_sheet(tiles), NOTHING)
    log.info("%s", options.out)


def overlay(face: Photo, domain: Mask, name: str, *, side_px: int = 192) -> Photo:
    """A face with a domain tinted over it and its name in the corner, uint8 [side, side, 3]."""
    import cv2

    size = (side_px, side_px)
    shown = cv2.resize(face, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    inside = cv2.resize(domain.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    shown[inside] = 0.55 * shown[inside] + 0.45 * TINT
    tile: Photo = shown.astype(np.uint8)
    for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(tile, name, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, thick, cv2.LINE_AA)
    return tile


def contact_sheet(tiles: list[Photo], columns: int = 5) -> Photo:
    """Tiles of one size in rows on white."""
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet: Photo = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * height, number % columns * width
        sheet[top : top + height, left : left + width] = tile
    return sheet
