"""One table of the ways to invert, on people that none of them has seen.

    python benchmarks/inverters.py [--photos 64] [--samples] [--only "e4e; pti"]
        [--out runs/inverters] [--plot docs/inverters.svg]

Every method inverts every photo, and turns it by 20 degrees to either side; the true pictures of
both turns are known. Figures are medians. A method whose weights are not here is left out and
named. Every photo's figures are kept as soon as they are there: a run that was ended goes on from
them, and one with other settings or weights does not read them. The exit status is 1 if a stated
bound is missed, and 2 if nothing could be measured.

Nothing here compares with published figures: those are of other photos, other generators and other
implementations of LPIPS and MS-SSIM.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.edits import E4E, FAITHFUL
from benchmarks.heldout import TURN_DEG, TURNS, Case, people, turns
from unripple import atomic
from unripple.conventions import Photo, UnrippleError
from unripple.io.artifact import Artifact, encode_part
from unripple.io.config import Edit
from unripple.io.digest import value_sha256
from unripple.metrics.fidelity import l2, psnr
from unripple.metrics.ghost import ghost_transmission, inner_ghost
from unripple.metrics.structure import hyperstyle_ms_ssim
from unripple.metrics.subject import cosine, yaw_error
from unripple.models.perceptual import FeatureDistance
from unripple.ops.tensors import resized, to_tensor
from unripple.pipeline.graph import RECIPES
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.editor import Editor
from unripple.stages.interface import RIPPLE
from unripple.stages.measure import embed, yaw_of
from unripple.zoo import zoo
from unripple.zoo.zoo import Zoo

Row = dict[str, float]
Settings = Mapping[str, Any]

ALWAYS: Settings = {"align": {"mode": "aligned"}, "edit": {"turn": "generator"}}
"""Held-out people are crops already, and it is the inverter that is asked to turn them."""
PTI: Settings = {"invert": {"method": "pti"}}
METHODS: Mapping[str, Settings] = {
    "e4e": E4E,
    "optimise": E4E | {"project": {"method": "optimise"}},
    "pivot": E4E | {"project": {"method": "pivot"}},
    "w": E4E | {"project": {"method": "w"}},
    "restyle": E4E | {"project": {"method": "restyle"}},
    "psp": E4E | {"project": {"method": "psp"}},
    "hfgi-faithful": FAITHFUL,
    "hfgi": {},
    "sfe": {"invert": {"method": "sfe"}},
    "hyperstyle": {"invert": {"method": "hyperstyle"}, "project": {"method": "w"}},
    "pti": PTI,
    "pti, 350 steps": {"invert": {"method": "pti", "pti": {"tune": "steps"}}},
    "optimise and pti": PTI | {"project": {"method": "optimise"}},
}
DEGREE = 3.0  # of the direction `pose`, 20 degrees
SAMPLE_PX = 128  # of the embedded networks
MSSSIM_PX = 256  # the smaller picture has no fifth scale


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


SLOW, FEWER = ("pivot", "pti, 350 steps", "optimise and pti"), 8
"""Methods of a minute and more look at every eighth photo."""

BOUNDS = (
    Bound("pti, 350 steps", "psnr", 5.0, than="e4e"),
    Bound("pti", "psnr", 2.0, than="e4e"),
    Bound("pti", "edit_psnr", 1.0, than="e4e"),
    Bound("hfgi", "edit_psnr", 2.0, than="hfgi-faithful"),
)
FIGURES: Mapping[str, str] = {
    "photos": "photos",
    "psnr": "inversion, dB",
    "psnr_person": "the person, dB",
    "l2": "L2",
    "distance": "feature distance",
    "ms_ssim": "MS-SSIM",
    "identity": "identity",
    "edit_psnr": "turned, dB",
    "edit_psnr_person": "the person turned, dB",
    "edit_identity": "identity, turned",
    "yaw_error": "yaw off, degrees",
    "inner_ghost": "inner ghost",
    "ghost": "ghost",
    "ghost_removed": "ghost after unripple",
    "cpu_s": "CPU-s",
    "edit_cpu_s": "CPU-s an edit",
    "kilobytes": "artifact, kB",
}
"""Figure -> heading; the artifact is what edits need of a photo beside the photo itself."""


class Bench:
    """Methods under test, and the networks that judge them.

    Args:
        methods: settings by name.
    """

    def __init__(self, methods: Mapping[str, Settings]) -> None:
        self.settings = {name: {**ALWAYS, **own} for name, own in methods.items()}
        zoo.keep_networks()
        judges = Zoo()
        self.pose, self.identity = judges.load("pose"), judges.load("identity")
        parser: Any = judges.load("parser").net
        self.distance = FeatureDistance(parser)

    def editor(self, method: str) -> Editor:
        """A session of its own, so that nothing is found done."""
        return Editor(settings=self.settings[method])

    def digest(self, method: str) -> str:
        """Of what decides its figures: settings and weights of every stage."""
        config = self.editor(method).config
        chosen, edit = Zoo(config["models"]), Edit("edit", (("pose", DEGREE),))
        jobs = [
            job_from_config(config, step.stage, of, chosen, edit=edit)
            for step in RECIPES[RIPPLE].values()
            for of in step.places((edit.name,))
            if step.stage not in ("report", "measure")
        ]
        return value_sha256([[job.step.version, job.settings, job.weights] for job in jobs])

    def measure(self, method: str, cases: list[Case]) -> Row:
        """One photo: its inversion, and its turns against the truth."""
        editor, photo, before = self.editor(method), cases[0].photo, cases[0].before
        started = time.process_time()
        found = editor.run(photo, "invert")
        spent = time.process_time() - started
        drawn: Any = found["invert"]["picture"]
        sized = [resized(shown, MSSSIM_PX) for shown in (drawn, photo)]
        with torch.inference_mode():
            distance = float(self.distance(to_tensor(drawn), to_tensor(photo)))
        row = {
            "psnr": psnr(drawn, photo),
            "psnr_person": psnr(drawn, photo, before),
            "l2": l2(drawn, photo),
            "distance": distance,
            "ms_ssim": hyperstyle_ms_ssim(*sized),
            "identity": self._likeness(drawn, photo),
            "cpu_s": spent,
            "kilobytes": kept_bytes(found) / 1000,
        }
        turned = [self._turned(editor, case) for case in cases]
        return row | {name: float(np.nanmean([one[name] for one in turned])) for name in turned[0]}

    def _turned(self, editor: Editor, case: Case) -> Row:
        edit = Edit("turn", (("pose", case.degree),))
        started = time.process_time()
        drawn: Any = editor.run(case.photo, "edit", edit)["edit"]["picture"]
        spent = time.process_time() - started
        removed: Any = editor.run(case.photo, "compose", edit)["compose"]["picture"]
        masks = case.before, case.after
        achieved = yaw_of(drawn, self.pose.net, net_size_px=self.pose.size_px)
        return {
            "edit_psnr": psnr(drawn, case.counterfactual),
            "edit_psnr_person": psnr(drawn, case.counterfactual, case.after),
            "edit_identity": self._likeness(drawn, case.counterfactual),
            "yaw_error": abs(yaw_error(achieved, case.yaw_deg)),
            "inner_ghost": inner_ghost(drawn, case.photo, case.counterfactual, *masks),
            "ghost": ghost_transmission(drawn, case.photo, case.plate, *masks),
            "ghost_removed": ghost_transmission(removed, case.photo, case.plate, *masks),
            "edit_cpu_s": spent,
        }

    def _likeness(self, one: Photo, other: Photo) -> float:
        size = self.identity.size_px
        looks = (embed(shown, self.identity.net, net_size_px=size) for shown in (one, other))
        return cosine(*looks)


def kept_bytes(found: Mapping[str, Artifact]) -> int:
    """What edits need of a photo: codes, and what the inversion keeps that is no picture."""
    parts = [*found["project"].values(), *found["invert"].values()]
    return sum(
        len(encode_part(part)[1])
        for part in parts
        if not (isinstance(part, np.ndarray) and part.dtype == np.uint8)
    )


def missing(settings: Settings) -> str:
    """Why a method cannot be measured here, or ""."""
    try:
        config = Editor(settings={**ALWAYS, **settings}).config
        chosen = Zoo(config["models"])
        for stage in ("project", "invert"):
            job = job_from_config(config, stage, None, chosen)
            for role in job.step.roles(job.settings):
                if not chosen.path(role).exists():
                    return f"{chosen.path(role)} is not here"
    except UnrippleError as error:
        return str(error)
    return ""


def samples() -> Iterator[list[Case]]:
    """Both turns of the sample portraits, of which the repository has the truth."""
    photos = Path(__file__).resolve().parents[1] / "data" / "photos"
    for path in sorted(photos.glob("portrait-*.png")):
        truth = photos / "truth" / path.stem
        yaw = json.loads((truth / "meta.json").read_text())["yaw_deg"]
        yield [
            Case(
                photo=_small(path),
                plate=_small(truth / "plate.png"),
                before=_small(truth / "alpha.png")[..., 0] >= 128,
                counterfactual=_small(truth / f"look_{turn}" / "photo.png"),
                after=_small(truth / f"look_{turn}" / "alpha.png")[..., 0] >= 128,
                yaw_deg=yaw + sign * TURN_DEG,
                degree=sign * DEGREE,
            )
            for turn, sign in TURNS.items()
        ]


def _small(path: Path) -> Photo:
    """A rendered picture at the side of the embedded networks."""
    with Image.open(path) as picture:
        wanted = (SAMPLE_PX, SAMPLE_PX)
        return np.asarray(picture.convert("RGB").resize(wanted, Image.Resampling.BOX))


def cases_of(count: int, folder: Path) -> Iterator[list[Case]]:
    """Both turns of every person."""
    stored = people(count, Zoo().load("encoder").size_px, folder)
    both = turns(stored)
    for i in range(count):
        yield [both[i], both[count + i]]


def medians(rows: Sequence[Row]) -> Row:
    """Figure -> median over photos, undefined ones left out; and how many photos."""
    values = {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
    found = {
        name: float(np.nanmedian(one)) if np.isfinite(one).any() else math.nan
        for name, one in values.items()
    }
    return found | {"photos": float(len(rows))}


def table_of(table: Mapping[str, Row]) -> str:
    """A Markdown table, methods down."""
    lines = ["| | " + " | ".join(FIGURES.values()) + " |", "| --- " * (len(FIGURES) + 1) + "|"]
    for method, row in table.items():
        lines.append(f"| {method} | " + " | ".join(f"{row[name]:.3g}" for name in FIGURES) + " |")
    return "\n".join(lines)


def kept_row(path: Path, digest: str) -> Row | None:
    """A photo's figures, if they are here and of these settings and weights."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("digest") != digest:
        return None
    return {name: math.nan if value is None else value for name, value in kept["figures"].items()}


def keep(path: Path, digest: str, row: Row) -> None:
    """Keep a photo's figures, whole or not at all."""
    figures = {name: None if math.isnan(value) else value for name, value in row.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(path, json.dumps({"digest": digest, "figures": figures}).encode())


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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument(
        "--samples", action="store_true", help="the repository's portraits: nothing is rendered"
    )
    parser.add_argument("--only", help="methods, with semicolons between: " + "; ".join(METHODS))
    parser.add_argument("--out", type=Path, default=Path("runs/inverters"))
    parser.add_argument("--people", type=Path, default=Path("runs/benchmark"), help="rendered ones")
    parser.add_argument("--plot", type=Path, help="an SVG of distortion against editability")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        methods = chosen_methods(chosen.only)
        if chosen.samples:
            cases = list(samples())[: chosen.photos]
        else:
            cases = list(cases_of(chosen.photos, chosen.people))
    except UnrippleError as error:
        print(error, file=sys.stderr)
        return 2
    for name in list(methods):
        if why := missing(methods[name]):
            print(f"left out: {name} ({why})")
            del methods[name]
    if not methods:
        print("no method left to measure: fetch weights, or name others with --only")
        return 2
    bench = Bench(methods)
    rows: dict[str, dict[int, Row]] = {name: {} for name in methods}
    for name in methods:
        digest = bench.digest(name)
        for i, both in enumerate(cases):
            if name in SLOW and i % FEWER:
                continue
            path = chosen.out / name.replace(", ", "-").replace(" ", "-") / f"{i:04d}.json"
            row = kept_row(path, digest)
            if row is None:
                row = bench.measure(name, both)
                keep(path, digest, row)
            rows[name][i] = row
        found = medians(list(rows[name].values()))
        print(f"{name}: {found['psnr']:.2f} dB, turned {found['edit_psnr']:.2f} dB", flush=True)
    table = {name: medians(list(own.values())) for name, own in rows.items()}
    print(f"\n{len(cases)} photos, medians\n\n{table_of(table)}\n")
    if chosen.plot is not None:
        from benchmarks.scatter import scatter

        points = {name: (row["psnr"], row["edit_psnr"]) for name, row in table.items()}
        axes = ("inversion against the photo, dB", "20° turn against the true picture, dB")
        atomic.write_bytes(chosen.plot, scatter(points, axes).encode())
    values = {bound: bound.value(rows) for bound in BOUNDS}
    for bound, value in values.items():
        if value is not None:
            print(f"{'met   ' if value >= bound.low else 'MISSED'} {bound}: {value:.2f}")
    report = {"photos": len(cases), "table": table}
    text = json.dumps(report, indent=1).replace("NaN", "null") + "\n"
    atomic.write_bytes(chosen.out / "inverters.json", text.encode())
    return 0 if all(value is None or value >= one.low for one, value in values.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
