"""Measure pose edits against the truth: held-out faces turned by 20 degrees to either side.

    python benchmarks/edit.py [--photos 64] [--out runs/benchmark]

Renders people that no training and no choice of checkpoint has seen, edits each of them twice, and
prints one table of medians side by side: the edit of e4e, the edit of HFGI (ripples and all), the
composed result, the same with Telea's fill and with borrowed texture, and the truth itself as a
check of the figures.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from unripple.api.editor import Editor
from unripple.conventions import Mask, Photo
from unripple.faceworld import (
    INDEX,
    PITCH_MAX_DEG,
    YAW_MAX_DEG,
    counterfactual,
    render,
    sample_factors,
)
from unripple.io.config import Edit
from unripple.metrics.figures import FIGURES, edit_figures
from unripple.stages.measure import embed, yaw_of
from unripple.zoo.zoo import Zoo

SEED = 900_000_000  # trainings count up from 0, sample photos start at 700 million
TURN_DEG = 20.0
YAW_DEG_PER_DEGREE = 20 / 3  # of the embedded direction `pose`
COLUMNS = ("e4e edit", "HFGI edit", "result", "result, Telea", "result, borrow", "truth")


class Case(NamedTuple):
    """One photo and one edit of it, with everything that is true about both."""

    photo: Photo
    plate: Photo
    before: Mask
    counterfactual: Photo
    after: Mask
    yaw_deg: float
    degree: float


def held_out_people(count: int) -> torch.Tensor:
    """Factors of people who look about straight ahead, so that both turns stay in range."""
    factors = sample_factors(12 * count + 64, seed=SEED)
    calm = (factors[:, INDEX["yaw"]].abs() * YAW_MAX_DEG < 15) & (
        factors[:, INDEX["pitch"]].abs() * PITCH_MAX_DEG < 8
    )
    return factors[calm][:count]


def cases(count: int, size: int, folder: Path) -> list[Case]:
    """Render the photos and the truth of both turns; kept on disk between runs."""
    cache = folder / f"cases-{SEED}-{count}-{size}.pt"
    if cache.exists():
        stored = torch.load(cache, weights_only=True)
    else:
        stored = _render(held_out_people(count), size)
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(stored, cache)
    rows: list[Case] = []
    for turn, degree in (("left", -3.0), ("right", 3.0)):
        rows += [
            Case(
                photo=_hwc(stored["photo"][i]),
                plate=_hwc(stored["plate"][i]),
                before=(stored["alpha"][i] >= 128).numpy(),
                counterfactual=_hwc(stored[f"{turn}_photo"][i]),
                after=(stored[f"{turn}_alpha"][i] >= 128).numpy(),
                yaw_deg=float(stored[f"{turn}_yaw"][i]),
                degree=degree,
            )
            for i in range(count)
        ]
    return rows


def _render(factors: torch.Tensor, size: int) -> dict[str, torch.Tensor]:
    compiled = shutil.which("gcc") is not None
    stored: dict[str, list[torch.Tensor]] = {}
    for start in range(0, len(factors), 8):
        part = factors[start : start + 8]
        seeds = SEED + torch.arange(start, start + len(part))
        faces = render(part, seeds, size=size, compiled=compiled)
        found = {"photo": faces.photo, "plate": faces.plate, "alpha": faces.alpha}
        for turn, sign in (("left", -1), ("right", 1)):
            yaw = faces.pose_deg[:, 0] + sign * TURN_DEG
            true = counterfactual(faces, compiled=compiled, yaw_deg=yaw)
            found |= {
                f"{turn}_photo": true.photo,
                f"{turn}_alpha": true.alpha,
                f"{turn}_yaw": true.pose_deg[:, 0],
            }
        for name, value in found.items():
            stored.setdefault(name, []).append(value)
    return {name: torch.cat(values) for name, values in stored.items()}


def _hwc(picture: torch.Tensor) -> Photo:
    pixels: Photo = picture.permute(1, 2, 0).contiguous().numpy()
    return pixels


class Bench:
    """The editors under test and the networks that judge them."""

    def __init__(self) -> None:
        aligned: dict[str, Any] = {"align": {"mode": "aligned"}}
        self.editor = Editor(settings=aligned)
        self.e4e = Editor(settings=aligned | {"invert": {"method": "e4e"}})
        self.telea = Editor(settings=aligned | {"inpaint": {"painter": "telea"}})
        self.borrow = Editor(settings=aligned | {"inpaint": {"painter": "borrow"}})
        zoo = Zoo()
        self.pose, self.identity = zoo.load("pose"), zoo.load("identity")

    def measure(self, case: Case) -> dict[str, dict[str, float]]:
        """Figures of every column for one case."""
        edit = Edit("edit", (("pose", case.degree),))
        walked = self.editor.run(case.photo, "compose", edit)
        pictures = {
            "e4e edit": self.e4e.run(case.photo, "edit", edit)["edit"]["picture"],
            "HFGI edit": walked["edit"]["picture"],
            "result": walked["compose"]["picture"],
            "result, Telea": self.telea.run(case.photo, "compose", edit)["compose"]["picture"],
            "result, borrow": self.borrow.run(case.photo, "compose", edit)["compose"]["picture"],
            "truth": case.counterfactual,
        }
        touched = walked["compose"]["touched"]
        found = {name: self._figures(case, picture) for name, picture in pictures.items()}
        same = (pictures["result"] == case.photo)[~touched]
        found["result"]["identical_outside_silhouettes"] = float(same.mean())
        inversion = walked["invert"]["picture"].astype(float) - case.photo
        found["HFGI edit"]["inversion_psnr"] = float(20 * np.log10(255 / _rms(inversion)))
        codes_alone = self.e4e.run(case.photo, "invert")["invert"]["picture"].astype(float)
        found["e4e edit"]["inversion_psnr"] = float(
            20 * np.log10(255 / _rms(codes_alone - case.photo))
        )
        return found

    def _figures(self, case: Case, picture: Photo) -> dict[str, float]:
        embeddings = [
            embed(shown, self.identity.net, net_size_px=self.identity.size_px)
            for shown in (case.photo, picture)
        ]
        return edit_figures(
            case.photo,
            picture,
            case.before,
            case.after,
            plate=case.plate,
            counterfactual=case.counterfactual,
            asked_yaw_deg=case.yaw_deg,
            achieved_yaw_deg=yaw_of(picture, self.pose.net, net_size_px=self.pose.size_px),
            photo_embedding=embeddings[0],
            result_embedding=embeddings[1],
        )


def _rms(values: np.ndarray[Any, Any]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def medians(rows: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Column -> figure -> median over all cases; undefined figures are left out of it.

    For `yaw_error` the median of its absolute value is added.
    """
    table: dict[str, dict[str, float]] = {}
    for column in COLUMNS:
        names = {name for row in rows for name in row[column]}
        table[column] = {}
        for name in sorted(names):
            values = np.array([row[column].get(name, np.nan) for row in rows], np.float64)
            if np.isfinite(values).any():
                table[column][name] = float(np.nanmedian(values))
            if name == "yaw_error":
                table[column]["yaw_error_abs"] = float(np.nanmedian(np.abs(values)))
    return table


def show(table: dict[str, dict[str, float]]) -> None:
    """Print the table, figures down, columns across."""
    known = [*FIGURES, "yaw_error_abs", "inversion_psnr", "identical_outside_silhouettes"]
    print(f"{'median':32}" + "".join(f"{column:>15}" for column in COLUMNS))
    for name in known:
        cells = [table[column].get(name) for column in COLUMNS]
        if any(cell is not None for cell in cells):
            shown = ("" if cell is None else f"{cell:.4f}" for cell in cells)
            print(f"{name:32}" + "".join(f"{cell:>15}" for cell in shown))


def verdicts(table: dict[str, dict[str, float]]) -> dict[str, bool]:
    """What the result has to show, one line each."""
    edit, result, telea = table["HFGI edit"], table["result"], table["result, Telea"]
    psnr = "counterfactual_psnr"
    return {
        "the HFGI edit shows a ghost: alpha >= 0.2": edit["ghost_transmission"] >= 0.2,
        "the result shows none: |alpha| <= 0.05": abs(result["ghost_transmission"]) <= 0.05,
        "texture energy of the fill within 0.5 to 1.5": 0.5 <= result["texture_energy"] <= 1.5,
        "texture energy above Telea's": result["texture_energy"] > telea["texture_energy"],
        "all bytes kept outside both silhouettes": result["background_identical"] == 1.0
        and result["identical_outside_silhouettes"] == 1.0,
        "closer to the truth than the HFGI edit": result[psnr] > edit[psnr],
        "closer to the truth than the e4e edit": result[psnr] > table["e4e edit"][psnr],
        "achieved yaw within 6 degrees": result["yaw_error_abs"] <= 6,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench()
    size = Zoo().load("encoder").size_px
    started, rows = time.monotonic(), []
    for i, case in enumerate(cases(chosen.photos, size, chosen.out)):
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
