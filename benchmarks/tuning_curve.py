"""How long to tune a generator to a photo: inversion and edits, step by step.

    python benchmarks/tuning_curve.py [--photos 8] [--steps 150] [--out runs/tuning]
        [--plot docs/tuning.svg]

Held-out people whose true edits are known, see `inverters`. Every tenth step draws the inversion
and the edits by the weights so far. `auto` is where `invert.pti.tune: auto` stops, which does not
see the truth; beside it stand the best step of each person, and the best one for all of them. A
person's figures are kept as soon as they are there; a run that was ended goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.heldout import Case
from benchmarks.inverter_bench import KINDS
from benchmarks.inverters import cases_of
from benchmarks.scatter import curves
from unripple import atomic
from unripple.conventions import WPlus
from unripple.metrics.fidelity import psnr
from unripple.models.perceptual import FeatureDistance
from unripple.models.tuning import Holdout, Objective, Tuning, drawn
from unripple.ops.tensors import to_photo, to_tensor
from unripple.stages.encoders import ENCODERS
from unripple.stages.inverters.pti import PtiSettings
from unripple.zoo.directions import find_direction
from unripple.zoo.zoo import Zoo, directions_path

Row = dict[str, float]

EVERY = Holdout.every  # steps between two looks
FIRST = Holdout.first
LINES = {
    "inversion": ("inversion",),
    "turned": KINDS[:2],
    "smile": KINDS[2:3],
    "glasses": KINDS[3:],
}


class Curves:
    """The networks, and what tuning makes of people."""

    def __init__(self, steps: int) -> None:
        self.steps, self.settings = steps, PtiSettings()
        zoo = Zoo()
        parser: Any = zoo.load("parser").net
        generator: Any = zoo.load("generator").net
        self.encoder, self.generator = zoo.load("encoder"), generator
        self.distance = FeatureDistance(parser)
        self.directions = {
            name: torch.from_numpy(np.array(find_direction(directions_path(), name).vector)).float()
            for name in ("pose", "smile", "glasses")
        }

    def of(self, cases: Sequence[Case]) -> list[Row]:
        """One person: a row per look."""
        photo, settings = cases[0].photo, self.settings
        codes, mirrored = (
            torch.from_numpy(self.codes(picture))[None]
            for picture in (photo, np.ascontiguousarray(photo[:, ::-1]))
        )
        target = to_tensor(photo)
        objective = Objective(self.distance, settings.mse_weight, settings.perceptual_weight)
        tuning = Tuning(self.generator, codes, target, objective, rate=settings.learning_rate)
        rows = []
        for seen in tuning.run(self.steps):
            if seen.step % EVERY:
                continue
            with torch.inference_mode():
                again = drawn(tuning.net, mirrored, target)
                row = {
                    "step": float(seen.step),
                    "distance": seen.distance,
                    "mirrored": float(self.distance(again, target.flip(3))),
                    "inversion": psnr(to_photo(drawn(tuning.net, codes, target)), photo),
                }
                for kind, case in zip(KINDS, cases, strict=True):
                    moved = codes + case.degree * self.directions[case.direction]
                    picture = to_photo(drawn(tuning.net, moved, target))
                    row[kind] = psnr(picture, case.counterfactual)
            rows.append(row)
        return rows

    def codes(self, photo: Any) -> WPlus:
        """The encoder's."""
        return ENCODERS[self.encoder.network].codes(photo, self.encoder)


def edited(row: Row) -> float:
    """All four edits together, dB."""
    return float(np.mean([row[kind] for kind in KINDS]))


def stopped(rows: Sequence[Row]) -> int:
    """The look at which `auto` stops: before the mirrored photo is drawn worse."""
    last = len(rows) - 1
    first = min(last, next((n for n, row in enumerate(rows) if row["step"] >= FIRST), last))
    for number in range(first, last):
        if rows[number + 1]["mirrored"] > rows[number]["mirrored"]:
            return number
    return last


def table_of(people: Sequence[Sequence[Row]]) -> str:
    """Means by step, in Markdown."""
    names = ("inversion", "turned", "smile", "glasses", "distance", "mirrored")
    lines = [f"| steps | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    for number in range(len(people[0])):
        row = {name: mean(people, number, (name,)) for name in ("distance", "mirrored")}
        row |= {name: mean(people, number, kinds) for name, kinds in LINES.items()}
        cells = [f"{row[name]:.{3 if name in ('distance', 'mirrored') else 2}f}" for name in names]
        lines.append(f"| {people[0][number]['step']:.0f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def mean(people: Sequence[Sequence[Row]], number: int, names: Sequence[str]) -> float:
    """Mean of some figures over all people at a look."""
    return float(np.mean([rows[number][name] for rows in people for name in names]))


def verdict(people: Sequence[Sequence[Row]]) -> str:
    """What each rule to stop gives, mean dB of the edits."""
    stops = [stopped(rows) for rows in people]
    auto = float(np.mean([edited(rows[n]) for rows, n in zip(people, stops, strict=True)]))
    best = float(np.mean([max(edited(row) for row in rows) for rows in people]))
    fixed = [float(np.mean([edited(rows[n]) for rows in people])) for n in range(len(people[0]))]
    for_all = int(np.argmax(fixed))
    took = np.mean([people[0][n]["step"] for n in stops])
    gained, in_the_end = (
        np.median(
            [
                rows[n]["inversion"] - rows[0]["inversion"]
                for rows, n in zip(people, ends, strict=True)
            ]
        )
        for ends in (stops, [-1] * len(people))
    )
    return "\n".join(
        [
            f"untuned: edits {fixed[0]:.2f} dB",
            f"auto: {auto:.2f} dB after {took:.0f} steps on average",
            f"best for all, {people[0][for_all]['step']:.0f} steps: {fixed[for_all]:.2f} dB",
            f"best step of each person: {best:.2f} dB",
            f"the inversion rises by {gained:.2f} dB (median) until auto stops, and by "
            f"{in_the_end:.2f} dB until the end",
        ]
    )


def plot(people: Sequence[Sequence[Row]]) -> str:
    """Mean figures over steps."""
    lines: Mapping[str, list[tuple[float, float]]] = {
        name: [(row["step"], mean(people, n, kinds)) for n, row in enumerate(people[0])]
        for name, kinds in LINES.items()
    }
    return curves(lines, ("steps of tuning", "dB against the photo, and against the true edits"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--photos", type=int, default=8)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--out", type=Path, default=Path("runs/tuning"))
    parser.add_argument("--people", type=Path, default=Path("runs/benchmark"), help="rendered ones")
    parser.add_argument("--kept", action="store_true", help="measure nothing, tell what is there")
    parser.add_argument("--plot", type=Path, help="an SVG of the curves")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    made = Curves(chosen.steps)
    people = []
    for number, cases in enumerate(cases_of(chosen.photos, chosen.people)):
        path = chosen.out / f"{number:04d}-{chosen.steps}.json"
        if path.exists():
            people.append(json.loads(path.read_text()))
        if path.exists() or chosen.kept:
            continue
        people.append(made.of(cases))
        chosen.out.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, json.dumps(people[-1]).encode())
        print(f"{number}: {people[-1][-1]['inversion']:.2f} dB", flush=True)
    print(f"\n{len(people)} people\n\n{table_of(people)}\n\n{verdict(people)}")
    if chosen.plot is not None:
        atomic.write_bytes(chosen.plot, plot(people).encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
