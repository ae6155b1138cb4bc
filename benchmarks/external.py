"""Edits as other programs give them, repaired: against the truth.

    python -m benchmarks.external [--photos 256] [--size 256] [--out runs/external]
    python -m benchmarks.external --samples 12   # the sample portraits instead: nothing is rendered
    python -m benchmarks.external --size 128 --people runs/inverters  # those rendered for another

Held-out people are turned by the renderer, so that the true edit is known; then their pictures are
disturbed as editors do (`benchmarks/disturb.py`), and repaired. Every photo is also paired with the
next edited picture, which is to be refused. A line per photo goes to `rows.jsonl` at once, and
a run that was stopped goes on after the last of them; with other switches it wants another folder.
Writes `external.json` and prints a table; the last column says what is demanded.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

from benchmarks.disturb import Disturbed, disturb
from benchmarks.heldout import (
    BATCH,
    SEED,
    TURN_DEG,
    YAW_DEG_PER_DEGREE,
    Case,
    factors_of_people,
    mask,
    people,
    picture,
    turns,
)
from unripple.conventions import Floats, Mask, NotAPair, Photo, UnrippleError
from unripple.faceworld import counterfactual, render
from unripple.io.photo import read_photo
from unripple.metrics.fidelity import psnr
from unripple.metrics.ghost import ghost_transmission
from unripple.ops.homography import centres, mapped
from unripple.ops.masks import grow
from unripple.ops.pairing import pair
from unripple.runtime.editor import Editor
from unripple.runtime.result import external_settings

Row = dict[str, float]
WANTED = {
    "registration_px": "<= .1",
    "colour_levels": "<= 1",
    "gain_db": ">= 6",
    "person_gain_db": ">= 0",
    "outside_identical": "1",
    "ghost": "<= .05",
    "unedited_outside_identical": "1",
    "twice_identical": "1",
}
"""The figures that are demanded at the median."""


class Trial(NamedTuple):
    """One disturbed counterfactual."""

    case: Case
    disturbed: Disturbed
    unedited: Disturbed


def cases_of(start: int, count: int, size: int, folder: Path) -> list[Case]:
    """Some of the held-out people, every other one turned to the left; rendered once and kept."""
    kept = folder / f"people-{SEED}-{start:04d}-{count}-{size}.npz"
    if not kept.exists():
        rows = [case._asdict() for case in _rendered(start, count, size)]
        folder.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".part.npz")
        np.savez_compressed(partial, **{name: [row[name] for row in rows] for name in rows[0]})
        partial.replace(kept)
    with np.load(kept) as stored:
        columns = {name: stored[name] for name in Case._fields}
    return [
        Case(**{name: column[i] for name, column in columns.items()})
        for i in range(len(columns["photo"]))
    ]


def _rendered(start: int, count: int, size: int) -> list[Case]:
    factors = factors_of_people(start + count)[start:]
    compiled = shutil.which("gcc") is not None
    numbers = torch.arange(start, start + count)
    faces = render(factors, SEED + numbers, size=size, compiled=compiled)
    signs = numbers % 2 * 2.0 - 1
    yaw = faces.pose_deg[:, 0] + signs * TURN_DEG
    true = counterfactual(faces, compiled=compiled, yaw_deg=yaw)
    return [
        Case(
            photo=picture(faces.photo[i]),
            plate=picture(faces.plate[i]),
            before=mask(faces.alpha[i]),
            counterfactual=picture(true.photo[i]),
            after=mask(true.alpha[i]),
            yaw_deg=float(true.pose_deg[i, 0]),
            degree=float(signs[i]) * TURN_DEG / YAW_DEG_PER_DEGREE,
        )
        for i in range(count)
    ]


def sample_cases(folder: Path, count: int) -> list[Case]:
    """Edits of the sample portraits, one per portrait first, whatever they change."""
    found = []
    for truth in sorted((folder / "truth").glob("portrait-*")):
        photo = folder / f"{truth.name}.png"
        for number, edit in enumerate(sorted(path for path in truth.iterdir() if path.is_dir())):
            alphas = [read_photo(place / "alpha.png").srgb[..., 0] for place in (truth, edit)]
            before, after = (alpha >= 128 for alpha in alphas)
            true = read_photo(next(edit.glob("photo.*"))).srgb
            plates = [read_photo(path).srgb for path in truth.glob("plate.*")]
            case = Case(read_photo(photo).srgb, plates[0], before, true, after, 0.0, 0.0)
            found.append((number, truth.name, case))
    return [case for _, _, case in sorted(found, key=lambda one: one[:2])][:count]


def chosen_cases(options: argparse.Namespace, start: int, count: int) -> list[Case]:
    """Some of the cases that the switches ask for."""
    if options.samples:
        return sample_cases(Path("data/photos"), options.samples)[start : start + count]
    if options.people is not None:
        return _turned(options.photos, options.size, options.people)[start : start + count]
    return cases_of(start, count, options.size, options.out)


@cache
def _turned(count: int, size: int, folder: Path) -> list[Case]:
    return turns(people(count, size, folder), both=False)


def trials(cases: list[Case], seed: int, start: int = 0) -> Iterator[Trial]:
    """Disturb every case, and its unedited photo in the very same way."""
    for number, case in enumerate(cases, start):
        rng = (seed, number)
        person = case.before | case.after
        yield Trial(
            case,
            disturb(case.counterfactual, person, np.random.default_rng(rng), old=case.photo),
            disturb(case.photo, person, np.random.default_rng(rng)),
        )


def registration_px(places: Floats, true: Disturbed, size: tuple[int, int]) -> float:
    """The median distance between found and true places, px of the photo."""
    points = centres(size[1], size[0])[::4, ::4]
    scale = np.sqrt(size[0] * size[1] / np.prod(true.picture.shape[:2]))
    apart = np.linalg.norm(mapped(places, points) - mapped(true.places, points), axis=-1)
    return float(np.median(apart) * scale)


def colour_levels(photo: Photo, seen: Floats, background: Mask) -> float:
    """The median difference of softened colours on the background, levels."""
    soft = [cv2.GaussianBlur(one.astype(np.float32), (0, 0), 2) for one in (photo, seen)]
    return float(np.median(np.abs(soft[0] - soft[1])[background]))


def measured(editor: Editor, trial: Trial) -> Row:
    """Figures of one repair."""
    case, found = trial.case, pair(trial.case.photo, trial.disturbed.picture)
    height, width = case.photo.shape[:2]
    outside = ~grow(case.before | case.after, 3 * height / 128)
    seen = found.seen(trial.disturbed.picture, centres(width, height))
    started = time.process_time()
    result = editor.repair(case.photo, trial.disturbed.picture)
    seconds = time.process_time() - started
    given: Photo = cv2.resize(
        trial.disturbed.picture, (width, height), interpolation=cv2.INTER_AREA
    )
    person = case.after
    row = {
        "registration_px": registration_px(found.places, trial.disturbed, (height, width)),
        "colour_levels": colour_levels(case.photo, seen, outside),
        "psnr_given": psnr(given, case.counterfactual),
        "psnr_result": psnr(result.picture, case.counterfactual),
        "person_psnr_given": psnr(given, case.counterfactual, person),
        "person_psnr_result": psnr(result.picture, case.counterfactual, person),
        "outside_identical": float((result.picture == case.photo).all(2)[outside].mean()),
        "ghost": abs(
            ghost_transmission(result.picture, case.photo, case.plate, case.before, case.after)
        ),
        "seconds": seconds,
        "background_redrawn": float(trial.disturbed.background),
    }
    row["gain_db"] = row["psnr_result"] - row["psnr_given"]
    row["person_gain_db"] = row["person_psnr_result"] - row["person_psnr_given"]
    return row


def unedited(editor: Editor, trial: Trial, outside: Mask) -> Row:
    """Disturbed, repaired, disturbed and repaired again, the photo is to be itself."""
    photo = trial.case.photo
    once = editor.repair(photo, trial.unedited.picture).picture
    again = disturb(once, trial.case.before | trial.case.after, np.random.default_rng(7))
    twice = editor.repair(photo, again.picture).picture
    same, as_before = ((one == photo).all(2) for one in (once, twice))
    return {
        "unedited_identical": float(same.mean()),
        "unedited_outside_identical": float(same[outside].mean()),
        "twice_identical": float(as_before[outside].mean()),
    }


def refused(photo: Photo, other: Disturbed) -> bool:
    """Whether another person's edited picture is refused for a photo."""
    try:
        pair(photo, other.picture)
    except NotAPair:
        return True
    return False


def judged(trial: Trial, other: Trial, *, with_unedited: bool) -> dict[str, Any]:
    """All that is to be said of one photo; `lost` says why its own edit was refused."""
    editor = Editor(settings=external_settings({"align": {"mode": "aligned"}}))
    told: dict[str, Any] = {
        "words": trial.disturbed.words,
        "wrong_refused": refused(trial.case.photo, other.disturbed),
    }
    try:
        row = measured(editor, trial)
        if with_unedited:
            silhouettes = trial.case.before | trial.case.after
            outside = ~grow(silhouettes, 3 * silhouettes.shape[0] / 128)
            row |= unedited(editor, trial, outside)
    except NotAPair as error:
        return told | {"lost": str(error)}
    return told | {"figures": row}


def table(rows: list[Row]) -> str:
    """Median, the worse decile on either side, and what is demanded."""
    lines = ["| figure | median | 10% | 90% | demanded |", "| --- | --- | --- | --- | --- |"]
    for name in dict.fromkeys(name for row in rows for name in row):
        values = np.array([row[name] for row in rows if name in row])
        values = values[np.isfinite(values)]
        if len(values):
            low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
            wanted = WANTED.get(name, "")
            lines.append(f"| {name} | {middle:.3f} | {low:.3f} | {high:.3f} | {wanted} |")
    return "\n".join(lines)


def summary(told: list[dict[str, Any]]) -> dict[str, Any]:
    """What a run found so far."""
    return {
        "rows": [one["figures"] for one in told if "figures" in one],
        "right_refused": [one["lost"] for one in told if "lost" in one],
        "wrong_refused": [sum(one["wrong_refused"] for one in told), len(told)],
    }


def main(words: list[str] | None = None) -> dict[str, Any]:
    """Run the benchmark; what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--samples", type=int, default=0)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--people", type=Path, help="where `heldout` keeps rendered people")
    parser.add_argument("--seed", type=int, default=24)
    parser.add_argument(
        "--unedited", type=int, default=256, help="so many unedited photos are disturbed, too"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/external"))
    options = parser.parse_args(words)
    options.out.mkdir(parents=True, exist_ok=True)
    lines = options.out / "rows.jsonl"
    told = _begun(lines, {"samples": options.samples, "size": options.size, "seed": options.seed})
    count = options.samples or options.photos
    for start in range(0, count, BATCH):
        if start + BATCH <= len(told):
            continue
        wanted = min(BATCH, count - start)
        pictures = list(trials(chosen_cases(options, start, wanted), options.seed, start))
        for i in range(len(told) - start, len(pictures)):
            other = pictures[(i + 1) % len(pictures)]
            one = judged(pictures[i], other, with_unedited=start + i < options.unedited)
            told.append(one)
            with lines.open("a") as file:
                file.write(json.dumps(one) + "\n")
            print(f"{len(told)}/{count} {one['words']}", flush=True)
    found = summary(told[:count])
    (options.out / "external.json").write_text(json.dumps(found, indent=1))
    if found["rows"]:
        print(table(found["rows"]))
    caught, wrong = found["wrong_refused"]
    print(f"right pairs refused: {len(found['right_refused'])}; wrong ones: {caught} of {wrong}")
    return found


def _begun(lines: Path, switches: dict[str, int]) -> list[dict[str, Any]]:
    """What an earlier run wrote; a last line that was cut off is taken away.

    Raises:
        UnrippleError: it had other switches.
    """
    if not lines.exists():
        lines.write_text(json.dumps(switches) + "\n")
    whole = [line for line in lines.read_text().splitlines(keepends=True) if line.endswith("\n")]
    lines.write_text("".join(whole))
    if json.loads(whole[0]) != switches:
        raise UnrippleError(f"{lines}: begun with {whole[0].strip()}; name another folder by --out")
    return [json.loads(line) for line in whole[1:]]


if __name__ == "__main__":
    main()
