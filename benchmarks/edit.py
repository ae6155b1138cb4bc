"""Measure pose edits against the truth: held-out faces turned by 20 degrees to either side.

    python benchmarks/edit.py [--photos 64] [--out runs/benchmark]

Renders people that no training and no choice of checkpoint has seen, edits each of them twice, and
prints one table of medians side by side: the edit of e4e, of HFGI trained as published (ripples and
all) and of the shipped HFGI, the composed result, the same with Telea's fill and with borrowed
texture alone, and the truth itself as a check of the figures. `benchmarks/quality.py` measures
more, and the networks one by one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.edits import E4E, FAITHFUL, Bench, Recipe, Row, medians
from benchmarks.heldout import people, turns
from unripple.metrics.figures import FIGURES
from unripple.zoo.zoo import Zoo

RECIPES = {
    "e4e edit": Recipe(E4E, "edit"),
    "as published": Recipe(FAITHFUL, "edit"),
    "HFGI edit": Recipe(stage="edit"),
    "result": Recipe(),
    "result, Telea": Recipe({"inpaint": {"painter": "telea"}}),
    "result, borrow": Recipe({"inpaint": {"painter": "borrow"}}),
}


def show(table: dict[str, Row]) -> None:
    """Print the table, figures down, recipes across."""
    known = [*FIGURES, "yaw_error_abs", "identical_outside_silhouettes"]
    print(f"{'median':32}" + "".join(f"{column:>15}" for column in table))
    for name in known:
        cells = [row.get(name) for row in table.values()]
        if any(cell is not None for cell in cells):
            shown = ("" if cell is None else f"{cell:.4f}" for cell in cells)
            print(f"{name:32}" + "".join(f"{cell:>15}" for cell in shown))


def verdicts(table: dict[str, Row]) -> dict[str, bool]:
    """What the result has to show, one line each."""
    edit, result, telea = table["HFGI edit"], table["result"], table["result, Telea"]
    published = table["as published"]
    psnr = "counterfactual_psnr"
    return {
        "HFGI as published leaves a ghost: alpha >= 0.2": published["ghost_transmission"] >= 0.2,
        "the result shows none: |alpha| <= 0.05": abs(result["ghost_transmission"]) <= 0.05,
        "texture energy of the fill within 0.5 to 1.5": 0.5 <= result["texture_energy"] <= 1.5,
        "texture energy above Telea's": result["texture_energy"] > telea["texture_energy"],
        "all bytes kept outside both silhouettes": result["background_identical"] == 1.0
        and result["identical_outside_silhouettes"] == 1.0,
        "closer to the truth than HFGI as published, by 2 dB": result[psnr] > published[psnr] + 2,
        "more texture in the fill than the HFGI edit": result["texture_energy"]
        > edit["texture_energy"],
        "closer to the truth than the e4e edit": result[psnr] > table["e4e edit"][psnr],
        "achieved yaw within 6 degrees": result["yaw_error_abs"] <= 6,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(RECIPES)
    stored = people(chosen.photos, Zoo().load("encoder").size_px, chosen.out)
    started, rows = time.monotonic(), []
    for i, case in enumerate(turns(stored)):
        rows.append(bench.measure(case))
        if i % 16 == 15:
            print(f"{i + 1} edits, {time.monotonic() - started:.0f} s", flush=True)
    table = medians(rows)
    show(table)
    passed = verdicts(table)
    for claim, holds in passed.items():
        print(("ok    " if holds else "FAILS ") + claim)
    report = {"photos": chosen.photos, "medians": table, "claims": passed}
    (chosen.out / "edit.json").write_text(json.dumps(report, indent=1) + "\n")
    return 0 if all(passed.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
