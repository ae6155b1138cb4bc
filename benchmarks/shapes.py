"""Edits of shape and colour on the photo's own pixels, against the generator's, and by eye.

    python -m benchmarks.shapes rendered OUT [--people 256]   # people never seen, with their truth
    python -m benchmarks.shapes real OUT [--photos FOLDER]    # photographs: sheets to look at

Rendered: every person is changed by the true factors; both ways draw the same change, and are
judged on the person against the true counterfactual. The generator goes along directions found as
the embedded ones are, by the mean effect of the factors on its codes. Real: see `benchmarks.real`
for the photographs and for the judge of identity; dlib's 68 points, which no edit uses, tell
whether the change is seen and has the right sign.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw

from benchmarks.heldout import SEED
from benchmarks.real import collect, dlib_identity
from unripple import faceworld
from unripple.conventions import Floats, Mask, Photo, UnrippleError
from unripple.faceworld.factors import FACTORS, INDEX, sample_factors, with_factors
from unripple.io.config import Edit
from unripple.metrics.fidelity import psnr
from unripple.runtime.cache import MemoryCache
from unripple.runtime.editor import Editor
from unripple.stages.align import Aligned
from unripple.training.shapes import WORDS, Word
from unripple.zoo.directions import Direction, write_directions
from unripple.zoo.zoo import Zoo

DEGREE = 1.5
JUDGED = (
    *("smile", "mouth_open", "eyes", "eye_size", "brows", "brow_tilt", "nose_width"),
    *("nose_length", "nose_up", "lips", "mouth_width", "jaw", "face_width", "face_length"),
)
EFFECT_FACES = 512  # faces whose codes tell the generator's directions
BATCH = 4
SIZE = 128
FACE = (slice(20, 100), slice(28, 100))
"""Rows and columns of a portrait in which a face changes, sides that are multiples of 8."""
CELL_PX = 260


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


def base_factors(people: int) -> torch.Tensor:
    """People who look about straight ahead and wear nothing before the face."""
    drawn = sample_factors(4 * people + 64, SEED + 77)
    ahead = (drawn[:, INDEX["yaw"]].abs() < 0.6) & (drawn[:, INDEX["glasses"]] < 0.5)
    return drawn[ahead][:people]


def changed(word: Word, factors: torch.Tensor, row: int) -> tuple[torch.Tensor, float]:
    """One person's factors after the change, and by how many degrees: up or down, as there is
    room in the factors' ranges."""
    sign = 1.0 if row % 2 else -1.0
    for _ in range(2):
        room = []
        for name, by in word.factors.items():
            low = 0.0 if FACTORS[INDEX[name]].kind == "amount" else -1.0
            value, step = float(factors[INDEX[name]]), sign * by
            room.append(((1.0 if step > 0 else low) - value) / step)
        degree = min(DEGREE, *room)
        if degree > 0.4:
            break
        sign = -sign
    degree = max(degree, 0.0) * sign
    values = {name: float(factors[INDEX[name]]) + degree * by for name, by in word.factors.items()}
    return with_factors(factors[None], **values)[0], degree


def pairs_of(name: str, people: int, folder: Path) -> list[Pair]:
    """The true pairs of a word, rendered once and kept."""
    path = folder / f"{name}-{people}.npz"
    factors = base_factors(people)
    before = _people(factors, folder / f"people-{people}.npz")
    if not path.exists():
        after, degrees = zip(
            *[changed(WORDS[name], row, n) for n, row in enumerate(factors)], strict=True
        )
        truths, masks = _truths(torch.stack(after), before["plate"])
        np.savez_compressed(path, truth=truths, person=masks, degree=np.array(degrees))
    pairs = []
    with np.load(path) as kept:
        for row in range(people):
            photo = before["photo"][row]
            truth, person = photo.copy(), np.zeros(photo.shape[:2], np.bool_)
            truth[FACE] = kept["truth"][row]
            person[FACE] = kept["person"][row] | before["mask"][row][FACE]
            pairs.append(Pair(photo, truth, person, float(kept["degree"][row])))
    return pairs


def _people(factors: torch.Tensor, path: Path) -> Mapping[str, Any]:
    """Photos, plates and persons before any change."""
    if not path.exists():
        rows: dict[str, list[Any]] = {"photo": [], "plate": [], "mask": []}
        seeds = torch.arange(len(factors)) + SEED
        for start in range(0, len(factors), BATCH):
            part = slice(start, start + BATCH)
            made = faceworld.render(factors[part], seeds[part])
            rows["photo"].append(made.photo.permute(0, 2, 3, 1).numpy())
            rows["plate"].append(made.plate.numpy())
            rows["mask"].append(made.alpha.numpy() > 127)
        np.savez_compressed(path, **{n: np.concatenate(parts) for n, parts in rows.items()})
    with np.load(path) as kept:
        return dict(kept)


def _truths(factors: torch.Tensor, plates: Any) -> tuple[Any, Any]:
    """The true pictures of the face's window alone, which is what is judged."""
    rows, columns = FACE
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    per_px = faceworld.portrait(SIZE).units_per_px
    up = SIZE / 2 - (rows.start + rows.stop) / 2
    right = (columns.start + columns.stop) / 2 - SIZE / 2
    view = faceworld.View(wide, high, right * per_px, up * per_px, per_px)
    photos, masks = [], []
    seeds = torch.arange(len(factors)) + SEED
    for start in range(0, len(factors), BATCH):
        part = slice(start, start + BATCH)
        behind = torch.from_numpy(np.ascontiguousarray(plates[part][:, :, rows, columns]))
        made = faceworld.render(factors[part], seeds[part], view=view, plates=behind)
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


def rendered(options: argparse.Namespace) -> None:
    """The table of ways on people never seen."""
    zoo = Zoo()
    folder: Path = options.out
    directions = str(generator_directions(folder / "generator.directions.safetensors", zoo))
    common = {"align": {"mode": "embedded", "max_spread": 0.3}, "directions": directions}
    cache = MemoryCache(4096)  # what the words share of every person
    editors = {
        way: Editor(settings={**common, "edit": {"attributes": way}}, zoo=zoo, cache=cache)
        for way in ("pixels", "generator")
    }
    rows: dict[str, dict[str, list[float]]] = {}
    for name in options.words or JUDGED:
        figures: dict[str, list[float]] = {}
        for number, pair in enumerate(pairs_of(name, options.people, folder)):
            if not pair.degree:
                continue
            try:
                one = _judged(editors, name, pair)
            except UnrippleError as error:
                sys.stderr.write(f"{name} {number}: {error}\n")
                continue
            for figure, value in one.items():
                figures.setdefault(figure, []).append(value)
        rows[name] = figures
        (folder / "rendered.json").write_text(json.dumps(rows))
        sys.stderr.write(f"{name}: {_line(name, figures)}\n")
    sys.stdout.write(table(rows))


def _judged(editors: Mapping[str, Editor], name: str, pair: Pair) -> dict[str, float]:
    """Figures of both ways, and of doing nothing, in the crop."""
    found: dict[str, float] = {}
    for way, editor in editors.items():
        made: Any = editor.run(
            editor.open(pair.photo), "edit", Edit("edit", ((name, pair.degree),))
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


_SIGNS: Mapping[str, Callable[[Floats], float]] = {
    "smile": lambda p: p[[62, 66], 1].mean() - p[[48, 54], 1].mean(),
    "no smile": lambda p: -(p[[62, 66], 1].mean() - p[[48, 54], 1].mean()),
    "eyes": lambda p: _across(p, 37, 41) + _across(p, 38, 40) + _across(p, 43, 47),
    "brows": lambda p: p[36:48, 1].mean() - p[17:27, 1].mean(),
    "nose wide": lambda p: _across(p, 31, 35),
    "nose pointed": lambda p: p[33, 1] - p[36:48, 1].mean(),
    "lips": lambda p: _across(p, 51, 62) + _across(p, 57, 66),
    "jaw": lambda p: _across(p, 5, 11),
    "face wide": lambda p: _across(p, 2, 14),
    "face long": lambda p: p[8, 1] - p[36:48, 1].mean(),
    "double chin": lambda p: _across(p, 5, 11),
}
"""What grows with an edit, of dlib's 68 points of an upright crop."""


def real(options: argparse.Namespace) -> None:
    """Sheets of photographs, and what judges say that no edit asks."""
    if options.photos:
        files = sorted(options.photos.iterdir())
        photos = {file.stem: np.array(Image.open(file).convert("RGB")) for file in files}
    else:
        photos = collect(options.out)
    photos = {n: one for n, one in photos.items() if not options.only or n in options.only}
    identity = dlib_identity(options.dlib or options.out)
    points = _dlib_points(options.dlib or options.out)
    settings = {"align": {"faces": "largest"}, "edit": {"attributes": "pixels"}}
    editor = Editor(settings=settings)
    rows: list[dict[str, Any]] = []
    page = Image.new("RGB", ((len(EDITS) + 1) * CELL_PX, len(photos) * CELL_PX), "white")
    for row, (name, photo) in enumerate(photos.items()):
        source = editor.open(photo)
        for column, (edit, words) in enumerate([("photo", {}), *EDITS.items()]):
            started = time.process_time()
            told: dict[str, Any] = {"photo": name, "edit": edit}
            picture = photo
            try:
                made: Any = editor.run(source, "paste", Edit("edit", tuple(sorted(words.items()))))
                picture = made["paste"]["picture"] if words else photo
                told |= _told(made, photo, picture, edit, identity, points)
                Image.fromarray(_face(made, picture)).save(options.out / f"{name}.{edit}.png")
                cell = Image.fromarray(_face(made, picture)).resize((CELL_PX, CELL_PX))
                page.paste(cell, (column * CELL_PX, row * CELL_PX))
            except UnrippleError as error:
                told |= {"failed": type(error).__name__, "why": str(error)}
            told["seconds"] = round(time.process_time() - started, 2)
            rows.append(told)
            ImageDraw.Draw(page).text(
                (column * CELL_PX + 3, row * CELL_PX + 2), f"{name} {edit}", fill="red"
            )
        page.save(options.out / "sheet.png")
        (options.out / "real.json").write_text(json.dumps(rows, indent=1))
    sys.stdout.write(real_table(rows))


def _told(
    made: Any, photo: Photo, picture: Photo, edit: str, identity: Any, points: Any
) -> dict[str, Any]:
    landmarks = made["align"]["landmarks"]
    told: dict[str, Any] = {"reduced": made["edit"].get("notes", {}).get("reduced", [])}
    told["changed"] = float((picture != photo).any(-1).mean())
    if identity is not None and edit != "photo":
        told["identity"] = float(
            np.linalg.norm(identity(photo, landmarks) - identity(picture, landmarks))
        )
    if points is not None and edit in _SIGNS:
        before, after = (points(_face(made, one)) for one in (photo, picture))
        told["sign"] = _SIGNS[edit](after) - _SIGNS[edit](before)
    return told


def _face(made: Any, picture: Photo) -> Photo:
    """The face's surroundings, upright, from the whole picture."""
    aligned = Aligned(**made["align"])
    large = 4 * aligned.picture.shape[0]
    from unripple.ops.geometry import compose, resample

    smaller = np.array([[0.25, 0.0, 0.0], [0.0, 0.25, 0.0]])
    shown: Photo = resample(picture, compose(aligned.transform, smaller), width=large, height=large)
    margin = large // 6
    return np.ascontiguousarray(shown[margin // 2 : -2 * margin + margin // 2, margin:-margin])


def _dlib_points(folder: Path) -> Callable[[Photo], Floats] | None:
    """dlib's 68 points in a crop of a face, or None where its packages cannot be had."""
    try:
        import dlib  # type: ignore[import-not-found]
    except ImportError:
        return None
    models = next((folder / "dlib").rglob("face_recognition_models/models"), None)
    if models is None:
        return None
    predictor = dlib.shape_predictor(str(models / "shape_predictor_68_face_landmarks.dat"))

    def points(crop: Photo) -> Floats:
        side = crop.shape[0]
        box = dlib.rectangle(*(int(share * side) for share in (0.22, 0.30, 0.78, 0.86)))
        shape = predictor(crop, box)
        return np.array([(one.x, one.y) for one in shape.parts()], float)

    return points


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
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("rendered")
    one.add_argument("out", type=Path)
    one.add_argument("--people", type=int, default=256)
    one.add_argument("--words", nargs="+", default=[])
    one.set_defaults(run=rendered)
    other = commands.add_parser("real")
    other.add_argument("out", type=Path)
    other.add_argument("--photos", type=Path, help="photographs of yours instead, one face each")
    other.add_argument("--only", nargs="+", default=[], help="names of photos")
    other.add_argument("--dlib", type=Path, help="where `benchmarks.real` put dlib")
    other.set_defaults(run=real)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    options.run(options)


if __name__ == "__main__":
    main()
