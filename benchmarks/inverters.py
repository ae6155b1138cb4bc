"""One table of the ways to invert, on people that none of them has seen.

    python benchmarks/inverters.py [--photos 256] [--only "e4e; pti"] [--jobs 2]
        [--out runs/inverters] [--docs docs]

Every method inverts every photo and makes four edits of it: a turn by 20 degrees to either side, a
smile (or none any more), and glasses on or off; the true pictures of all four are known. Figures
are medians. A method whose weights are not here is left out and named. What was measured of a photo
is kept as soon as it is there: a run that was ended goes on from it, and one with other settings or
weights does not read it. `--docs` writes the page `inverters.md` there, with its pictures.

LPIPS is asked for: `unripple models fetch lpips_alex_packaged`. The exit status is 1 if a stated
bound is missed, and 2 if nothing could be measured.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import inverter_page
from benchmarks.heldout import Case, people, turns
from benchmarks.heldout_changes import changes, changes_of
from benchmarks.inverter_bench import (
    KINDS,
    METHODS,
    SLOW,
    SLOW_PHOTOS,
    TRUTH,
    Bench,
    Measured,
    Row,
    Settings,
    keep,
    kept_measured,
    missing,
    set_distance,
)
from benchmarks.inverter_page import SHOWN
from unripple import atomic
from unripple.conventions import UnrippleError
from unripple.zoo.zoo import Zoo

PHOTOS = 256
CORE_MINUTES = 180.0  # 90 minutes on two cores, for all methods on `PHOTOS`
MEANS = {
    "turn": KINDS[:2],
    "edit": KINDS,
}
"""What several edits of a photo say together."""


class Bound(NamedTuple):
    """What a figure of a method must reach; `than` compares with that of another method."""

    method: str
    figure: str
    low: float
    than: str | None = None

    def value(self, measured: Mapping[str, Mapping[int, Row]]) -> float | None:
        """The median of the figure, or of its difference photo by photo; None without photos."""
        own = measured.get(self.method, {})
        other = own if self.than is None else measured.get(self.than, {})
        shared = [i for i in own if i in other]
        if not shared:
            return None
        than = 0 if self.than is None else np.array([other[i][self.figure] for i in shared])
        return float(np.median(np.array([own[i][self.figure] for i in shared]) - than))

    def __str__(self) -> str:
        above = f" above {self.than}" if self.than else ""
        return f"{self.method}: {self.figure}{above} >= {self.low:g}"


BOUNDS = (
    Bound("pti, 150 steps", "psnr", 5.0, than="e4e"),
    Bound("pti", "psnr", 2.0, than="e4e"),
    Bound("pti", "turn_psnr", 1.0, than="e4e"),
    Bound("hfgi", "turn_psnr", 2.0, than="hfgi-faithful"),
    Bound("sfe", "psnr", 30.0),
    Bound("sfe", "edit_person", 0.0, than="hfgi-faithful"),
)


def cases_of(count: int, folder: Path) -> list[list[Case]]:
    """The edits of every person, in the order of `KINDS`."""
    stored = people(count, Zoo().load("encoder").size_px, folder)
    made, both = changes(stored, folder), turns(stored)
    return [[both[i], both[count + i], *changes_of(stored, made, i)] for i in range(count)]


def summed(figures: Row) -> Row:
    """A photo's figures, and what several of its edits say together."""
    row = dict(figures)
    for name, kinds in MEANS.items():
        own = {
            figure.removeprefix(f"{kinds[0]}_") for figure in figures if figure.startswith(kinds[0])
        }
        for figure in own:
            values = [
                figures[f"{kind}_{figure}"] for kind in kinds if f"{kind}_{figure}" in figures
            ]
            if len(values) == len(kinds):
                known = [value for value in values if not math.isnan(value)]
                row[f"{name}_{figure}"] = float(np.mean(known)) if known else math.nan
    return row


def medians(rows: Sequence[Row]) -> Row:
    """Figure -> median over photos, undefined ones left out; and how many photos."""
    values = {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
    found = {
        name: float(np.nanmedian(one)) if (~np.isnan(one)).any() else math.nan
        for name, one in values.items()
    }
    return found | {"photos": float(len(rows))}


def core_minutes(rows: Mapping[str, Mapping[int, Row]]) -> float:
    """What all measured methods take for `PHOTOS`, by what they took here."""
    total = 0.0
    for name, own in rows.items():
        count = SLOW_PHOTOS if name in SLOW else PHOTOS
        total += count * float(np.mean([row["took_cpu_s"] for row in own.values()]))
    return total / 60


def chosen_methods(words: str | None) -> dict[str, Settings]:
    """Methods by their names.

    Raises:
        UnrippleError: one is unknown.
    """
    if not words:
        return dict(METHODS)
    names = [word.strip() for word in words.split(";")]
    if unknown := [name for name in names if name not in METHODS]:
        raise UnrippleError(f"--only: no method {unknown[0]!r}; methods: {'; '.join(METHODS)}")
    return {name: METHODS[name] for name in names}


def forked(*tasks: Sequence[Any]) -> None:
    """Call functions, each (function, *arguments), in processes that have all that is here."""
    context = multiprocessing.get_context("fork")
    working = [context.Process(target=call, args=rest) for call, *rest in tasks]
    for process in working:
        process.start()
    for process in working:
        process.join()


class Run:
    """Measures photos, or reads what was measured of them before.

    Args:
        bench: measures.
        cases: of every photo.
        out: where it is kept.
        only_kept: measure no method.
    """

    def __init__(
        self, bench: Bench, cases: Sequence[list[Case]], out: Path, *, only_kept: bool = False
    ) -> None:
        self.bench, self.cases, self.out, self.only_kept = bench, cases, out, only_kept

    def one(self, number: int, *, method: str, digest: str) -> Measured | None:
        """What a method makes of a photo; None if it is not here and nothing is measured."""
        path = self.out / method.replace(", ", "-").replace(" ", "-") / f"{number:04d}.npz"
        shown = number < SHOWN
        found = kept_measured(path, digest, shown=shown)
        if found is None and (method == TRUTH or not self.only_kept):
            found = self.bench.measure(method, self.cases[number], shown=shown)
            keep(path, digest, found)
        return found

    def all(self, method: str, jobs: int) -> dict[int, Measured]:
        """What a method makes of all photos, or of the first ones, if it is slow."""
        numbers = range(len(self.cases))[: SLOW_PHOTOS if method in SLOW else None]
        one = partial(self.one, method=method, digest=self.bench.digest(method))
        if jobs > 1 and not self.only_kept:
            shares = [map(one, numbers[start::jobs]) for start in range(jobs)]
            forked(*((list, share) for share in shares))
        every = {number: one(number) for number in numbers}  # what failed there says why here
        return {number: found for number, found in every.items() if found is not None}


def available(methods: Mapping[str, Settings]) -> Iterator[str]:
    """Those whose weights are here; the others are told."""
    for name, settings in methods.items():
        if why := missing(name, settings):
            print(f"left out: {name} ({why})")
        else:
            yield name


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--only", help="methods, with semicolons between: " + "; ".join(METHODS))
    parser.add_argument("--jobs", type=int, default=1, help="processes, a core each")
    parser.add_argument("--out", type=Path, default=Path("runs/inverters"))
    parser.add_argument("--people", type=Path, default=Path("runs/benchmark"), help="rendered ones")
    parser.add_argument("--kept", action="store_true", help="measure nothing, tell what is there")
    parser.add_argument("--docs", type=Path, help="where the page is written")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        methods = chosen_methods(chosen.only)
        names = list(available(methods))
        if not names:
            print("no method left to measure: fetch weights, or name others with --only")
            return 2
        bench = Bench({name: methods[name] for name in names})
        if chosen.jobs > 1:
            # What renders is compiled, which starts threads, and forks must not have any.
            forked((cases_of, chosen.photos, chosen.people))
        cases = cases_of(chosen.photos, chosen.people)
        run = Run(bench, cases, chosen.out, only_kept=chosen.kept)
    except UnrippleError as error:
        print(error, file=sys.stderr)
        return 2
    made: dict[str, dict[int, Measured]] = {}
    for name in (*names, TRUTH):
        of_method = run.all(name, chosen.jobs)
        if not of_method:
            print(f"left out: {name} (nothing measured so far)")
            continue
        made[name] = of_method
        found = medians([one.figures for one in made[name].values()])
        print(f"{name}: {found['psnr']:.2f} dB, LPIPS {found['lpips']:.3f}", flush=True)
    return told(made, chosen)


def told(made: Mapping[str, Mapping[int, Measured]], chosen: argparse.Namespace) -> int:
    """Print the table and what was promised, and write both; the exit status."""
    rows = {name: {i: summed(one.figures) for i, one in own.items()} for name, own in made.items()}
    true = {i: one.features for i, one in made.get(TRUTH, {}).items()}
    table = {}
    for name, own in made.items():
        features = {i: one.features for i, one in own.items()}
        table[name] = medians(list(rows[name].values())) | {"kid": set_distance(features, true)}
    print(f"\n{chosen.photos} photos, medians\n\n{inverter_page.tables(table)}\n")
    values = {bound: bound.value(rows) for bound in BOUNDS}
    lines = [
        (value >= bound.low, f"{bound}: {value:.2f}")
        for bound, value in values.items()
        if value is not None
    ]
    minutes = core_minutes({name: own for name, own in rows.items() if name != TRUTH})
    takes = f"core minutes for {PHOTOS} photos <= {CORE_MINUTES:g}: {minutes:.0f}"
    lines.append((minutes <= CORE_MINUTES, takes))
    for met, line in lines:
        print(f"{'met   ' if met else 'MISSED'} {line}")
    report = {"photos": chosen.photos, "core_minutes": minutes, "table": table}
    text = json.dumps(report, indent=1).replace("NaN", "null").replace("Infinity", "null") + "\n"
    atomic.write_bytes(chosen.out / "inverters.json", text.encode())
    if chosen.docs is not None:
        inverter_page.write(chosen.docs, table, made, lines, chosen.photos)
    return 0 if all(met for met, _ in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())
