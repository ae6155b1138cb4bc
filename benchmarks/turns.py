"""Heads of rendered people turned both ways, against the truth.

    python -m benchmarks.turns OUT [--people 32] [--ways generator geometry]

Everybody turns to one side, as in `benchmarks.quality`, whose figures these are; the faces are
looked for, since geometry needs their landmarks, and the whole photo is judged. Where the packaged
models are at hand, the face mesh judges the yaw, too, also that of the true pictures. A run that
was broken off goes on where it stopped, and measures only the ways that are not measured yet:
`--again geometry` forgets those of one way, whose code has changed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.edits import Bench, Recipe, Row
from benchmarks.heldout import YAW_DEG_PER_DEGREE, Case, people, turns
from unripple.conventions import Floats, Photo, UnrippleError
from unripple.metrics.regions import fine, rms
from unripple.ops.mesh import face_angles, mesh_of
from unripple.zoo.zoo import Zoo

WAYS = ("generator", "geometry")
LISTED = (
    *("counterfactual_psnr", "sharpness", "yaw_error", "mesh_yaw_error", "ghost_transmission"),
    *("texture_energy", "seam", "identity"),
)


def bench_of(ways: Sequence[str]) -> Bench:
    """A row for every way; faces are looked for, and the whole photo is judged."""
    found = {"align": {"mode": "embedded"}}
    return Bench({way: Recipe({**found, "edit": {"turn": way}}, "paste") for way in ways})


def figures(bench: Bench, case: Case, judges: Zoo, *, with_truth: bool = True) -> dict[str, Row]:
    """What is told of every way, and of the truth."""
    pictures = bench.pictures(case) | ({"truth": case.counterfactual} if with_truth else {})
    aligned: Any = bench.walk(case, next(iter(bench.recipes)))["align"]
    found = {name: bench.figures(case, picture) for name, picture in pictures.items()}
    for name, picture in pictures.items():
        found[name]["sharpness"] = sharpness(picture, case)
    if judges.has("mesh_judge"):
        asked = case.degree * YAW_DEG_PER_DEGREE
        landmarks = aligned["landmarks"].astype(np.float64)
        before = yaw_deg(case.photo, landmarks, judges)
        for name, picture in pictures.items():
            turned = yaw_deg(picture, landmarks, judges) - before
            found[name]["mesh_yaw_error"] = turned - asked
    return found


def yaw_deg(picture: Photo, landmarks: Floats, judges: Zoo) -> float:
    """Where a head looks, degrees, as the face mesh reads it."""
    mesh = judges.load("mesh_judge")
    points = mesh_of(picture, mesh.net, landmarks, size_px=mesh.size_px)
    return face_angles(points).yaw_deg


def sharpness(picture: Photo, case: Case) -> float:
    """Fine structure of the person against that of the true picture."""
    person = case.after
    return rms(fine(picture)[person]) / max(rms(fine(case.counterfactual)[person]), 1e-6)


def table(rows: Sequence[Mapping[str, Row]]) -> str:
    """Medians of every way as Markdown, of sizes where a sign says only left or right."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| median | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for figure in LISTED:
        cells = []
        for name in names:
            values = [row[name].get(figure, math.nan) for row in rows if name in row]
            known = [abs(v) if "error" in figure else v for v in values if math.isfinite(v)]
            cells.append(f"{np.median(known):.3f}" if known else "")
        lines.append(f"| {figure} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, f"\n{len(rows)} people."])


def without(place: Path, ways: Sequence[str]) -> None:
    """Forget what a person's file says of some ways."""
    row = json.loads(place.read_text())
    left = {name: found for name, found in row.items() if name not in ways}
    if left != row:
        place.write_text(json.dumps(left, indent=1))


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=32)
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--again", nargs="+", default=[], help="ways to measure anew")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    cases = turns(people(options.people, 128, options.out / "people"), both=False)
    for place in options.out.glob("*.json"):
        without(place, options.again)
    judges, rows = Zoo(), []
    bench_for = cache(bench_of)
    for number, case in enumerate(cases):
        place = options.out / f"{number:03d}.json"
        row = json.loads(place.read_text()) if place.exists() else {}
        missing = tuple(way for way in options.ways if way not in row)
        if missing:
            try:
                known = "truth" in row
                row |= figures(bench_for(missing), case, judges, with_truth=not known)
            except UnrippleError as error:
                sys.stderr.write(f"{number}: {error}\n")
                row |= dict.fromkeys(missing)
            place.write_text(json.dumps(row, indent=1))
        rows.append({name: found for name, found in row.items() if found})
    told = [row for row in rows if all(way in row for way in options.ways)]
    if not told:
        raise UnrippleError(f"{options.out}: nobody could be turned, see above")
    sys.stdout.write(table(told) + "\n")


if __name__ == "__main__":
    main()
