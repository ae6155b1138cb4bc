"""CPU seconds of a photo and an edit: this project and another program, in alternating pairs.

    python benchmarks/against.py [--size 256] [--rounds 5] [--weights FOLDER] [--against PATH]

This side: the stages of one turned head up to the finished picture, depth included, at `--size`, by
networks of the published sizes with made-up weights (see `end_to_end.py`), on one thread. The
other one: PATH, a program, or a folder with a program `run` in it, which starts what the user has
of the source projects' scripts, one after the other. It is called with photos' files, and shall
edit each of them once; it runs in its own folder. Without --against this side is measured alone.

Each round runs both with one photo, and with three: two photos more, divided by two, are the cost
of one without start-ups. Counted is what a process and all that it starts take of the processors.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.projects import REPO

MORE = 2
"""Photos beyond the first."""


def write_photos(folder: Path, side: int) -> list[Path]:
    """Pictures of one size that no program can take for one another."""
    shown = Image.open(REPO / "data/photos/portrait-01.png").convert("RGB")
    pixels = np.asarray(shown.resize((side, side), Image.Resampling.BICUBIC))
    paths = []
    for number in range(1 + MORE):
        paths.append(folder / f"photo-{number}.png")
        Image.fromarray(np.roll(pixels, number, axis=1)).save(paths[-1])
    return paths


def edit_ours(paths: Sequence[Path], weights: Path, side: int) -> None:
    """Edit photos in this process."""
    import torch

    from benchmarks.end_to_end import published, see_round_persons
    from unripple.io.config import Edit
    from unripple.runtime.editor import Editor

    torch.set_num_threads(1)
    see_round_persons()
    settings = {"align": {"mode": "aligned"}, **published(weights, side)}
    editor = Editor(settings=settings)
    for path in paths:
        editor.run(path, "paste", Edit("edit", (("pose", -2.0),)))


def cpu_s(command: Sequence[str], folder: Path) -> float:
    """CPU seconds of a command and of all that it waits for.

    Raises:
        CalledProcessError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, env=one_thread, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=256, help="side of the photos, px")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--weights", type=Path, help="folder to keep the made-up weights in")
    parser.add_argument("--against", type=Path, help="the other program, or the folder of its run")
    parser.add_argument("--ours", type=Path, nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.ours:
        edit_ours(asked.ours, asked.weights, asked.size)
        return
    with tempfile.TemporaryDirectory() as temporary:
        weights = (asked.weights or Path(temporary)).resolve()
        paths = [str(path) for path in write_photos(Path(temporary), asked.size)]
        own = [sys.executable, "-m", "benchmarks.against", "--size", str(asked.size)]
        sides = {"this project": ([*own, "--weights", str(weights), "--ours"], REPO)}
        if asked.against:
            program = asked.against.resolve()
            program = program / "run" if program.is_dir() else program
            sides[program.parent.name] = ([str(program)], program.parent)
        subprocess.run([*own, "--weights", str(weights), "--ours", paths[0]], cwd=REPO, check=True)
        compare(sides, paths, asked.rounds)


def compare(sides: dict[str, tuple[list[str], Path]], paths: Sequence[str], rounds: int) -> None:
    """Run all sides in turn and print the medians."""
    first: dict[str, list[float]] = {name: [] for name in sides}
    further: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, (command, folder) in sides.items():
            one, all_of_them = (cpu_s([*command, *some], folder) for some in (paths[:1], paths))
            first[name].append(one)
            further[name].append((all_of_them - one) / MORE)
            print(f"round {number + 1}, {name}: {one:.1f}, {further[name][-1]:.1f}", flush=True)
    print("\n| CPU-s, medians | with its start | without |\n| --- | ---: | ---: |")
    for name in sides:
        with_start, without = (statistics.median(times[name]) for times in (first, further))
        print(f"| {name} | {with_start:.1f} | {without:.1f} |")


if __name__ == "__main__":
    main()
