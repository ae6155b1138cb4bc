"""What smaller and fewer looks save, and what they lose, against the face world's truth.

    python benchmarks/sizes.py [--photos 128] [--cache FOLDER] [--only parsers|painters|drawings]

The embedded networks stand for the published ones: the parser is asked at the sizes at which
Graphonomy is asked, relative to its own, the painter paints at a half of its size, and the
generator stops drawing early (the consultant of published sizes looks at a quarter of the side).
People whom no training has seen; medians over them; CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from benchmarks.heldout import Stored, people, picture
from benchmarks.networks_alone import perceptual_distance
from benchmarks.painting import holes, judge, lama
from unripple.conventions import Face, Labels, Mask, Photo
from unripple.models.bisenet import normalised
from unripple.ops.multiscale import fused_logits
from unripple.stages.encoders import e4e
from unripple.stages.inpaint import Fill, inpaint
from unripple.stages.invert import codes_of, down, draw
from unripple.stages.parse import SCALES_OF
from unripple.zoo.zoo import Zoo

SIZE_PX = 128
SWAPS = ((Face.LEFT_BROW, Face.RIGHT_BROW), (Face.LEFT_EYE, Face.RIGHT_EYE),
         (Face.LEFT_EAR, Face.RIGHT_EAR))  # fmt: skip
LOOKS = {
    **SCALES_OF,
    "two (1, 0.75)": (1, 0.75),
    "three (1, 0.5, 0.75)": (1, 0.5, 0.75),
    "four (to 1.25)": (1, 0.5, 0.75, 1.25),
    "six of half the size": tuple(scale / 2 for scale in SCALES_OF["six"]),
}


def mean_iou(found: Labels, true: Labels) -> float:
    """Mean over the parts that are there, of intersection over union."""
    parts = [part for part in Face if (true == part).any()]
    each = [((found == p) & (true == p)).sum() / ((found == p) | (true == p)).sum() for p in parts]
    return float(np.mean(each))


def person_iou(found: Labels, true: Labels) -> float:
    """Of all that is no background."""
    one, other = found != Face.BACKGROUND, true != Face.BACKGROUND
    return float((one & other).sum() / (one | other).sum())


def border_iou(found: Labels, true: Labels) -> float:
    """The same within 3 px of the true outline."""
    person = (true != Face.BACKGROUND).astype(np.uint8)
    kernel = np.ones((7, 7), np.uint8)
    near = cv2.dilate(person, kernel) != cv2.erode(person, kernel)
    one, other = (found != Face.BACKGROUND) & near, (true != Face.BACKGROUND) & near
    return float((one & other).sum() / max(1, (one | other).sum()))


def parsers(stored: Stored) -> None:
    """One row for each way to look."""
    model = Zoo().load("parser")

    def net(bgr: Tensor) -> Tensor:
        sides = [round(side / 32) * 32 for side in bgr.shape[2:]]
        looked = torch.nn.functional.interpolate(bgr.flip(1), sides, mode="bilinear")
        scores = model.net(normalised(looked))[0].float()
        return torch.nn.functional.interpolate(scores, bgr.shape[2:], mode="bilinear")

    print("| parser looks | CPU-s, of six | mean IoU | person IoU | person IoU at its outline |")
    print("| --- | ---: | ---: | ---: | ---: |")
    rows: dict[str, tuple[float, list[tuple[float, float, float]]]] = {}
    for name, scales in LOOKS.items():
        started, figures = time.process_time(), []
        for photo, labels in zip(stored["photo"], stored["labels"], strict=True):
            logits = fused_logits(picture(photo), net, flip_swaps=SWAPS, scales=scales)
            found = logits[0].argmax(0).to(torch.uint8).numpy()
            true = labels.numpy()
            figures.append(
                (mean_iou(found, true), person_iou(found, true), border_iou(found, true))
            )
        rows[name] = time.process_time() - started, figures
    for name, (spent, figures) in rows.items():
        medians = np.median(np.array(figures), 0)
        cells = " | ".join(f"{value:.4f}" for value in medians)
        print(f"| {name} | {spent / rows['six'][0]:.2f} | {cells} |", flush=True)


def at_half(photo: Photo, hole: Mask, paint: Fill) -> Photo:
    """Painted at half the size and enlarged; outside the hole the photo's own bytes."""
    small = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    mark = cv2.resize(hole.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_AREA) > 0
    painted = paint(small, mark)
    size = photo.shape[1], photo.shape[0]
    large: Photo = cv2.resize(painted, size, interpolation=cv2.INTER_CUBIC)
    return large


def painters(stored: Stored) -> None:
    """The painter at its own size and at half of it, on the three kinds of hole."""
    perceptual, own = perceptual_distance(), lama()
    fills: dict[str, Fill] = {"at its size": own, "at half": partial(at_half, paint=own)}
    print("\n| painter | hole | CPU-s | PSNR, dB | perceptual | texture |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    rows: dict[tuple[str, str], list[list[float]]] = {}
    for i, plate in enumerate(stored["plate"]):
        true = picture(plate)
        for kind, hole in holes(stored, i).items():
            if not 60 <= hole.sum() < hole.size:
                continue
            for name, fill in fills.items():
                started = time.process_time()
                painted = inpaint(true, hole, fill)
                spent = time.process_time() - started
                told = judge(painted, true, hole, perceptual)
                row = [spent, told["psnr_db"], told["perceptual"], told["texture_energy"]]
                rows.setdefault((kind, name), []).append(row)
    for (kind, name), figures in rows.items():
        cells = " | ".join(f"{value:.3f}" for value in np.nanmedian(np.array(figures), 0))
        print(f"| {name} | {kind} | {cells} |", flush=True)


def drawings(stored: Stored) -> None:
    """Drawing to the end and shrinking, against stopping where it is looked at."""
    zoo = Zoo()
    generator, encoder = zoo.load("generator").net, zoo.load("encoder")
    whole = generator.size
    print("\n| drawn to | looked at | CPU-s | PSNR of what is seen, dB |")
    print("| --- | --- | ---: | ---: |")
    for seen in (whole, whole // 2, whole // 4):
        for drawn in sorted({whole, seen}, reverse=True):
            spent, figures = [], []
            for photo in stored["photo"]:
                codes = codes_of(e4e.codes(picture(photo), encoder), generator)
                with torch.inference_mode():
                    full = draw(codes, generator, size_px=seen)
                    started = time.process_time()
                    made = generator.synthesize(codes, noise="stored", resolution=drawn)
                    spent.append(time.process_time() - started)
                    shown = down(made.float().clamp(-1, 1), seen)
                wrong = float((shown - full).square().mean()) / 4
                figures.append(-10 * np.log10(wrong) if wrong else np.inf)
            print(f"| {drawn} | {seen} | {np.median(spent):.3f} | {np.median(figures):.1f} |")


TABLES = {"parsers": parsers, "painters": painters, "drawings": drawings}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=128)
    parser.add_argument("--cache", type=Path, default=Path("results/benchmark-cache"))
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    stored = people(asked.photos, SIZE_PX, asked.cache)
    for name in asked.only:
        TABLES[name](stored)


if __name__ == "__main__":
    main()
