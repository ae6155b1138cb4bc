"""Edits of shape on the photo's own pixels, against the generator's, on people with their truth.

    python -m benchmarks.shapes OUT [--people 256] [--minutes 15] [--compiled]

Every person, never seen before, is changed by the true factors; both ways draw the same change, and
are judged on the person against the true counterfactual. The generator goes along directions found
as the embedded ones are, by the mean effect of the factors on its codes. People go in pieces: what
OUT holds is not done again, and after some minutes a run ends, for another to go on. Rendering the
truth is two thirds of the cost; `--compiled` renders several times faster.
Photographs: see `benchmarks.shapes_real`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.heldout import SEED
from benchmarks.pieces import Pieces
from unripple import atomic, faceworld
from unripple.conventions import Mask, Photo, UnrippleError
from unripple.faceworld.factors import FACTORS, INDEX, sample_factors, with_factors
from unripple.io.config import Edit
from unripple.metrics.fidelity import psnr
from unripple.pipeline.pixels import BRINGS, Brought
from unripple.runtime.cache import MemoryCache
from unripple.runtime.editor import Editor
from unripple.stages.align import Aligned
from unripple.training.shapes import WORDS as SHAPES
from unripple.training.shapes import Word
from unripple.zoo.directions import Direction, write_directions
from unripple.zoo.zoo import Zoo

WORDS: Mapping[str, Word] = {
    **SHAPES,
    "fringe": Word({"fringe": 2 / 3}, "hair over the forehead", (0.0, 3.0)),
    "hair_volume": Word({"hair_volume": 2 / 3}, "fuller hair", (0.0, 2.0)),
}
"""Shapes, and forms of hair, which only grow."""
DEGREE = 1.5
JUDGED = (
    *("smile", "mouth_open", "eyes", "eye_size", "brows", "brow_tilt", "nose_width"),
    *("nose_length", "nose_up", "lips", "mouth_width", "jaw", "face_width", "face_length"),
    "gender",
)
EFFECT_FACES = 512  # faces whose codes tell the generator's directions
MOST, PIECE, BATCH = 256, 16, 4
"""People; how many make a piece, and are rendered at once."""
SIZE = 128
FACE = (slice(20, 100), slice(28, 100))
"""Rows and columns of a portrait in which a face changes, sides that are multiples of 8."""


class Pair(NamedTuple):
    """A person before and after a change of shape.

    Attributes:
        photo, truth: uint8 [S, S, 3].
        person: where it stands before or after, bool [S, S].
        degree: of the change.
    """

    photo: Photo
    truth: Photo
    person: Mask
    degree: float


def base_factors() -> torch.Tensor:
    """People who look about straight ahead and wear nothing before the face, [MOST, K]."""
    drawn = sample_factors(4 * MOST, SEED + 77)
    ahead = (drawn[:, INDEX["yaw"]].abs() < 0.6) & (drawn[:, INDEX["glasses"]] < 0.5)
    return drawn[ahead][:MOST]


def changed(word: Word, factors: torch.Tensor, row: int) -> tuple[torch.Tensor, float]:
    """One person's factors after the change, and by how many degrees: up or down, as there is
    room in the factors' ranges."""
    grows = word.usable[0] >= 0
    sign = 1.0 if row % 2 or grows else -1.0
    for _ in range(2):
        room = []
        for name, by in word.factors.items():
            low = 0.0 if FACTORS[INDEX[name]].kind == "amount" else -1.0
            value, step = float(factors[INDEX[name]]), sign * by
            room.append(((1.0 if step > 0 else low) - value) / step)
        degree = min(DEGREE, *room)
        if degree > 0.4 or grows:
            break
        sign = -sign
    degree = max(degree, 0.0) * sign
    values = {name: float(factors[INDEX[name]]) + degree * by for name, by in word.factors.items()}
    return with_factors(factors[None], **values)[0], degree


def pairs_of(name: str, first: int, folder: Path, *, compiled: bool = False) -> list[Pair]:
    """The true pairs of a word for a piece of the people, rendered once and kept."""
    path = folder / f"{name}-{first}.npz"
    factors = base_factors()[first : first + PIECE]
    seeds = torch.arange(first, first + len(factors)) + SEED
    before = _people(factors, seeds, folder / f"people-{first}.npz", compiled=compiled)
    if not path.exists():
        after, degrees = zip(
            *[changed(WORDS[name], row, n) for n, row in enumerate(factors)], strict=True
        )
        truths, masks = _truths(torch.stack(after), seeds, before["plate"], compiled=compiled)
        _keep(path, truth=truths, person=masks, degree=np.array(degrees))
    pairs = []
    with np.load(path) as kept:
        for row, photo in enumerate(before["photo"]):
            truth, person = photo.copy(), np.zeros(photo.shape[:2], np.bool_)
            truth[FACE] = kept["truth"][row]
            person[FACE] = kept["person"][row] | before["mask"][row][FACE]
            pairs.append(Pair(photo, truth, person, float(kept["degree"][row])))
    return pairs


def _keep(path: Path, **arrays: Any) -> None:
    """Write arrays whole or not at all."""
    whole = BytesIO()
    np.savez_compressed(whole, **arrays)
    atomic.write_bytes(path, whole.getvalue())


def _people(
    factors: torch.Tensor, seeds: torch.Tensor, path: Path, *, compiled: bool
) -> Mapping[str, Any]:
    """Photos, plates and persons before any change."""
    if not path.exists():
        rows: dict[str, list[Any]] = {"photo": [], "plate": [], "mask": []}
        for start in range(0, len(factors), BATCH):
            part = slice(start, start + BATCH)
            made = faceworld.render(factors[part], seeds[part], compiled=compiled)
            rows["photo"].append(made.photo.permute(0, 2, 3, 1).numpy())
            rows["plate"].append(made.plate.numpy())
            rows["mask"].append(made.alpha.numpy() > 127)
        _keep(path, **{name: np.concatenate(parts) for name, parts in rows.items()})
    with np.load(path) as kept:
        return dict(kept)


def _truths(
    factors: torch.Tensor, seeds: torch.Tensor, plates: Any, *, compiled: bool
) -> tuple[Any, Any]:
    """The true pictures of the face's window alone, which is what is judged."""
    rows, columns = FACE
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    per_px = faceworld.portrait(SIZE).units_per_px
    up = SIZE / 2 - (rows.start + rows.stop) / 2
    right = (columns.start + columns.stop) / 2 - SIZE / 2
    view = faceworld.View(wide, high, right * per_px, up * per_px, per_px)
    photos, masks = [], []
    for start in range(0, len(factors), BATCH):
        part = slice(start, start + BATCH)
        behind = torch.from_numpy(np.ascontiguousarray(plates[part][:, :, rows, columns]))
        made = faceworld.render(
            factors[part], seeds[part], view=view, plates=behind, compiled=compiled
        )
        photos.append(made.photo.permute(0, 2, 3, 1).numpy())
        masks.append(made.alpha.numpy() > 127)
    return np.concatenate(photos), np.concatenate(masks)


def generator_directions(path: Path, zoo: Zoo) -> Path:
    """Directions of the generator for every word: the mean effect of its factors on w."""
    if path.exists():
        return path
    net: Any = zoo.load("generator").net
    faces = sample_factors(EFFECT_FACES, 4321)
    directions = []
    with torch.no_grad():
        before = net.map(faceworld.code(faces, net.style_dim)).float()
        for name, word in WORDS.items():
            moved = with_factors(
                faces, **{one: faces[:, INDEX[one]] + by for one, by in word.factors.items()}
            )
            step = (net.map(faceworld.code(moved, net.style_dim)).float() - before).mean(0)
            directions.append(Direction(name, step.numpy(), word.usable, "", word.attribute))
    write_directions(path, directions)
    return path


def change_drawn(result: Photo, pair_photo: Photo, truth: Photo, person: Mask) -> float:
    """Share of the true change that a result shows: the coefficient of the truth's change in it."""
    wanted = truth[person].astype(np.float64) - pair_photo[person]
    made = result[person].astype(np.float64) - pair_photo[person]
    return float((wanted * made).sum() / max((wanted * wanted).sum(), 1e-9))


def run(options: argparse.Namespace) -> None:
    """Judge what is not judged yet, piece by piece, and write the table."""
    folder, words = options.out, options.words or JUDGED
    pieces = Pieces(options.minutes)
    zoo = Zoo()
    directions = str(generator_directions(folder / "generator.directions.safetensors", zoo))
    common = {"align": {"mode": "embedded", "max_spread": 0.3}, "directions": directions}
    for first in range(0, options.people, PIECE):
        cache = MemoryCache(4096)  # what the words share of every person
        editors = {
            way: Editor(settings={**common, "edit": {"attributes": way}}, zoo=zoo, cache=cache)
            for way in ("pixels", "generator")
        }
        for name in words:
            piece = partial(_piece, editors, name, first, folder, options.compiled)
            if not pieces.kept(folder / f"{name}-{first}.json", piece):
                return
    sys.stdout.write(table(collected(folder, words)))


def collected(folder: Path, words: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """The figures of all pieces that are there."""
    rows: dict[str, dict[str, list[float]]] = {}
    for name in words:
        figures: dict[str, list[float]] = {}
        for path in sorted(folder.glob(f"{name}-*.json")):
            for figure, values in json.loads(path.read_text()).items():
                figures.setdefault(figure, []).extend(values)
        rows[name] = figures
    return rows


def _piece(
    editors: Mapping[str, Editor], name: str, first: int, folder: Path, compiled: bool
) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {}
    for number, pair in enumerate(pairs_of(name, first, folder, compiled=compiled)):
        if not pair.degree:
            continue
        try:
            one = _judged(editors, name, pair)
        except UnrippleError as error:
            sys.stderr.write(f"{name} {number}: {error}\n")
            one = {"refused": 1.0}
        for figure, value in one.items():
            figures.setdefault(figure, []).append(value)
    sys.stderr.write(f"{first} {_line(name, figures)}\n")
    return figures


def _judged(editors: Mapping[str, Editor], name: str, pair: Pair) -> dict[str, float]:
    """Figures of both ways, and of doing nothing, in the crop."""
    found: dict[str, float] = {}
    for way, editor in editors.items():
        # The true pairs differ in shape alone: no stubble or lipstick comes along.
        others = BRINGS[name] if way == "pixels" and name in BRINGS else Brought({}, {})
        moves = {**dict.fromkeys((*others.more, *others.less), 0.0), name: pair.degree}
        made: Any = editor.run(
            editor.open(pair.photo), "edit", Edit("edit", tuple(sorted(moves.items())))
        )
        aligned = Aligned(**made["align"])
        photo, truth, person = (aligned.seen(one) for one in (pair.photo, pair.truth, pair.person))
        result = made["edit"]["picture"]
        found[f"psnr_{way}"] = psnr(result, truth, person)
        found[f"share_{way}"] = change_drawn(result, photo, truth, person)
        found["psnr_none"] = psnr(photo, truth, person)
    return found


def table(rows: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Medians, as Markdown."""
    lines = [
        "| attribute | pairs | PSNR unedited | pixels | generator | change drawn: pixels "
        "| generator | better by |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_line(name, figures) for name, figures in rows.items()),
    ]
    better = sum(_gain(figures) > 0 for figures in rows.values())
    return "\n".join(lines) + f"\n\n{better} of {len(rows)} attributes better on pixels.\n"


def _gain(figures: Mapping[str, Sequence[float]]) -> float:
    both = [np.array(figures[f"psnr_{way}"]) for way in ("pixels", "generator")]
    return float(np.median(both[0] - both[1]))


def _line(name: str, figures: Mapping[str, Sequence[float]]) -> str:
    if not figures:
        return f"| {name} | 0 |"
    middle = {figure: float(np.median(values)) for figure, values in figures.items()}
    return (
        f"| {name} | {len(figures['psnr_none'])} | {middle['psnr_none']:.1f} "
        f"| {middle['psnr_pixels']:.1f} | {middle['psnr_generator']:.1f} "
        f"| {middle['share_pixels']:.2f} | {middle['share_generator']:.2f} "
        f"| {_gain(figures):+.1f} dB |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=MOST, help=f"pairs of a word, up to {MOST}")
    parser.add_argument("--words", nargs="+", default=[], choices=sorted(WORDS))
    parser.add_argument("--minutes", type=float, default=600.0, help="after which a run ends")
    parser.add_argument("--compiled", action="store_true", help="needs a C compiler")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    run(options)


if __name__ == "__main__":
    main()
