"""One table of how good the embedded models are, on people that none of them has seen.

    python benchmarks/quality.py [--photos 256] [--only parser,depth] [--out runs/benchmark]

Figures are medians over the photos; errors of pose, parts of the parser and identity's areas are
over all photos together. What the project promises is printed beside the figure, with `met` or
`MISSED`; the exit status is 1 if something is missed. Everything goes to `quality.json`, too.
Pictures are rendered once and kept. Sections: see `SECTIONS`; what figures of edits mean:
`unripple.metrics.figures`. The median of `ghost_transmission` and `inner_ghost` keeps the sign: by
chance a texture correlates with the old person either way, a ghost one way only.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import networks_alone, painting
from benchmarks.edits import E4E, FAITHFUL, Artifacts, Bench, Recipe, Row, by_depth_alone, medians
from benchmarks.heldout import Case, Stored, people, turns
from benchmarks.networks_alone import Table
from unripple.conventions import UnrippleError
from unripple.faceworld import YAW_MAX_DEG
from unripple.stages.inpaint import borrow_fill
from unripple.training import directions as training
from unripple.training.direction_files import ATTRIBUTES
from unripple.training.direction_measures import FACTOR_PER_DEGREE
from unripple.training.latents import load_generator
from unripple.zoo.directions import read_directions
from unripple.zoo.zoo import Zoo, directions_path, embedded_folder

FEWER = 4  # ablations look at every fourth photo: their differences are large
ACROSS = 5  # rows printed side by side


class Bound(NamedTuple):
    """What a figure must reach: `low <= figure <= high`."""

    section: str
    row: str
    figure: str
    low: float = -math.inf
    high: float = math.inf

    def holds(self, value: float) -> bool:
        """Whether a value is within; nan is not."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if self.high == math.inf:
            return f">= {self.low:g}"
        if self.low == -math.inf:
            return f"<= {self.high:g}"
        return f"{self.low:g} to {self.high:g}"


RECIPES = {
    "e4e edit": Recipe(E4E, "edit"),
    "hfgi edit": Recipe(stage="edit"),
    "hfgi-faithful edit": Recipe(FAITHFUL, "edit"),
    "e4e, plate": Recipe(E4E),
    "hfgi, plate": Recipe(),
    "hfgi-faithful, plate": Recipe(FAITHFUL),
    "hfgi, plate, telea": Recipe({"inpaint": {"painter": "telea"}}),
    "hfgi, plate, borrow": Recipe({"inpaint": {"painter": "borrow"}}),
    "hfgi, direct": Recipe({"compose": {"method": "direct"}}),
    "hfgi-faithful, direct": Recipe(FAITHFUL | {"compose": {"method": "direct"}}),
    "hfgi, or": Recipe({"compose": {"method": "or"}}),
}
RESULT = "hfgi, plate"

BOTH = "ripple from both (as shipped)"
ABLATIONS = {
    "no ripple removal": Recipe(stage="edit"),
    "ripple removal": Recipe(),
    "painted on the plate": Recipe(),
    "painted on the edit": Recipe({"compose": {"method": "direct"}}),
    "plate, tight (inpaint.grow_px 0)": Recipe({"inpaint": {"grow_px": 0}}),
    "plate, as shipped": Recipe(),
    "plate, dilated (inpaint.grow_px 8)": Recipe({"inpaint": {"grow_px": 8}}),
    "direct, tight (ripple.grow_px, smear_px 0)": Recipe(
        {"compose": {"method": "direct"}, "ripple": {"grow_px": 0, "smear_px": 0}}
    ),
    "direct, as shipped": Recipe({"compose": {"method": "direct"}}),
    "direct, dilated (ripple.grow_px 8)": Recipe(
        {"compose": {"method": "direct"}, "ripple": {"grow_px": 8}}
    ),
    "ripple from parsing": Recipe({"inpaint": {"use_depth": False}}),
    BOTH: Recipe(),
}

BOUNDS = (
    Bound("reconstruction", "hfgi", "psnr_db", low=26),
    Bound("reconstruction", "hfgi", "psnr_above_e4e_db", low=5),
    Bound("reconstruction", "hfgi", "identity_cosine", low=0.9),
    Bound("edits", RESULT, "ghost_transmission", -0.03, 0.03),
    Bound("edits", RESULT, "texture_return_above_telea", low=0),
    Bound("edits", RESULT, "texture_energy", 0.7, 1.3),
    Bound("edits", RESULT, "seam", 0.8, 1.25),
    Bound("edits", RESULT, "background_identical", low=1),
    Bound("edits", RESULT, "yaw_error_abs", high=4),
    Bound("edits", RESULT, "psnr_above_faithful_db", low=3),
    Bound("edits", RESULT, "inner_ghost_over_faithful", high=0.5),
    Bound("parser", "parser", "mean_iou", low=0.8),
    Bound("parser", "parser", "person_iou", low=0.98),
    Bound("depth", "depth", "delta1", low=0.97),
    Bound("depth", "depth", "foreground_iou", low=0.95),
    *(
        Bound("painting", f"lama, {kind}", f"lead_{figure}", low=0)
        for kind in ("person", "head", "band")
        for figure in ("psnr_db", "perceptual", "texture_energy")
    ),
    Bound("identity", "identity", "auc_30_deg", low=0.97),
    Bound("directions", "number of them", "count", low=16),
    Bound("weights", "all", "megabytes", high=40),
)


def edits(stored: Stored) -> Table:
    """Every inverter and way to compose, each person turned to one side."""
    bench = Bench(RECIPES)
    table = medians([bench.measure(case) for case in turns(stored, both=False)])
    result, telea = table[RESULT], table["hfgi, plate, telea"]
    faithful = table["hfgi-faithful, plate"]
    result |= {
        "texture_return_above_telea": result["texture_return"] - telea["texture_return"],
        "psnr_above_edit_db": result["counterfactual_psnr"]
        - table["hfgi edit"]["counterfactual_psnr"],
        "psnr_above_faithful_db": result["counterfactual_psnr"]
        - table["hfgi-faithful edit"]["counterfactual_psnr"],
        "inner_ghost_over_faithful": result["inner_ghost"] / faithful["inner_ghost"],
    }
    table["hfgi edit"]["inner_ghost_over_faithful"] = (
        table["hfgi edit"]["inner_ghost"] / table["hfgi-faithful edit"]["inner_ghost"]
    )
    return table


def ablations(stored: Stored) -> Table:
    """What each part of the ripple recipe is good for, on every fourth photo."""
    bench, fill = Bench(ABLATIONS), borrow_fill()
    config = bench.editors[BOTH].config

    def measured(case: Case) -> dict[str, Row]:
        walked: Artifacts = bench.walk(case, BOTH)
        alone = bench.figures(case, by_depth_alone(walked, fill, config))
        return bench.measure(case) | {"ripple from depth foreground": alone}

    return medians([measured(case) for case in turns(stored, both=False)[::FEWER]])


def directions(stored: Stored) -> Table:  # noqa: ARG001 (they are measured on codes)
    """Own effect (1 is as promised) and largest leak of one degree, as read from w."""
    zoo = Zoo()
    generator = load_generator(zoo.path("generator"))
    sample = training.draw(generator, training.FACES, seed=heldout_seed())
    known = {name: one for name, one in read_directions(directions_path()).items()
             if name in ATTRIBUTES}  # fmt: skip
    readers = {name: training.reader(sample.w, sample.values(name)) for name in known}
    table: Table = {"number of them": {"count": float(len(known))}}
    for name, direction in known.items():
        vector = direction.vector.astype(float)
        moved = {other: float(read @ vector) / FACTOR_PER_DEGREE
                 for other, read in readers.items()}  # fmt: skip
        own = moved.pop(name)
        if direction.yaw_per_degree:
            own *= FACTOR_PER_DEGREE * YAW_MAX_DEG
            own /= direction.yaw_per_degree
        worst = max(moved, key=lambda other: abs(moved[other]))
        row = f"{name} (leaks to {worst})"
        table[row] = {"own_effect": own, "leak": moved[worst]}
        if direction.gain is not None:
            table[row]["gain"] = direction.gain
        if direction.usable is not None:
            table[row] |= dict(zip(("usable_from", "usable_to"), direction.usable, strict=True))
    return table


def heldout_seed() -> int:
    """Of the faces on which directions are read: none that they were found on."""
    return 900_000_001


def weights(stored: Stored) -> Table:  # noqa: ARG001 (sections share a signature)
    """What the repository carries."""
    files = sorted(embedded_folder().glob("*/*.safetensors"))
    table: Table = {path.stem: {"megabytes": path.stat().st_size / 1e6} for path in files
                    if path.parent.name in ("models", "directions")}  # fmt: skip
    return {"all": {"megabytes": sum(row["megabytes"] for row in table.values())}, **table}


SECTIONS: dict[str, Callable[[Stored], Table]] = {
    "reconstruction": networks_alone.reconstruction,
    "edits": edits,
    "ablations": ablations,
    "parser": networks_alone.parser,
    "depth": networks_alone.depth,
    "painting": painting.painting,
    "landmarks": networks_alone.landmarks,
    "pose": networks_alone.pose,
    "identity": networks_alone.identity,
    "directions": directions,
    "weights": weights,
}


def show(section: str, table: Table) -> None:
    """Print a section: figures down, rows across, a few at a time; bounds beside what they bind."""
    rows = list(table)
    for start in range(0, len(rows), ACROSS):
        names = rows[start : start + ACROSS]
        figures = list(dict.fromkeys(figure for name in names for figure in table[name]))
        columns = [
            [name, *(cell(section, name, figure, table[name].get(figure)) for figure in figures)]
            for name in names
        ]
        print()
        heads = [f"{section:34}", *(f"  {figure:32}" for figure in figures)]
        for head, *cells in zip(heads, *columns, strict=True):
            padded = (
                text.rjust(max(map(len, column)) + 2)
                for text, column in zip(cells, columns, strict=True)
            )
            print(head + "".join(padded))


def cell(section: str, row: str, figure: str, value: float | None) -> str:
    """A figure, its bound if there is one, and whether it is met."""
    if value is None:
        return ""
    for bound in BOUNDS:
        if bound[:3] == (section, row, figure):
            return f"{value:.4g} ({bound} {'met' if bound.holds(value) else 'MISSED'})"
    return f"{value:.4g}"


def judged(tables: dict[str, Table]) -> list[dict[str, Any]]:
    """Every bound of the sections that were measured, with its value; one not found is missed."""
    return [
        {
            "figure": f"{bound.section} / {bound.row} / {bound.figure}",
            "bound": str(bound),
            "value": (value := tables[bound.section].get(bound.row, {}).get(bound.figure)),
            "met": value is not None and bound.holds(value),
        }
        for bound in BOUNDS
        if bound.section in tables
    ]


def chosen_sections(words: str | None) -> list[str]:
    """Sections by their names.

    Raises:
        UnrippleError: one is unknown.
    """
    names = [word.strip() for word in words.split(",")] if words else list(SECTIONS)
    if unknown := [name for name in names if name not in SECTIONS]:
        raise UnrippleError(f"no section {unknown[0]!r}; sections: {', '.join(SECTIONS)}")
    return names


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--only", help="sections, with commas between: " + ", ".join(SECTIONS))
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    chosen = parser.parse_args(arguments)
    try:
        names = chosen_sections(chosen.only)
        stored = people(chosen.photos, Zoo().load("encoder").size_px, chosen.out)
    except UnrippleError as error:
        print(error, file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    tables: dict[str, Table] = {}
    seconds: dict[str, float] = {}
    for name in names:
        started = time.monotonic()
        tables[name] = SECTIONS[name](stored)
        seconds[name] = round(time.monotonic() - started, 1)
        show(name, tables[name])
    bounds = judged(tables)
    print(f"\n== bounds, {chosen.photos} photos, {sum(seconds.values()):.0f} s")
    for bound in bounds:
        word = "met   " if bound["met"] else "MISSED"
        value = "missing" if bound["value"] is None else f"{bound['value']:.4f}"
        print(f"{word} {bound['figure']:58} {value:>9}   {bound['bound']}")
    report = {"photos": chosen.photos, "seconds": seconds, "tables": tables, "bounds": bounds}
    chosen.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1).replace("NaN", "null")
    (chosen.out / "quality.json").write_text(text + "\n")
    return 0 if all(bound["met"] for bound in bounds) else 1


if __name__ == "__main__":
    raise SystemExit(main())
