"""What one photo costs at published sizes, with 1, 3 and 10 edits, stage by stage.

    python benchmarks/end_to_end.py [--edits 1 3 10] [--photo FILE] [--weights FOLDER] [--embedded]
                                    [--cores N] [--size 1024]

The networks have the published sizes and made-up weights, 3.1 GB, which are written into a folder
(a temporary one if none is named) and loaded as fetched ones are. --size 256 draws, paints and
parses at that many pixels, as the source projects' scripts do; see `benchmarks/against.py`. Such
networks see nothing, so after the parser and the depth network have done their work, a round person
takes the place of what they say: a little further right in every edit. Everything else is the
product's own way, in memory, on one thread. --embedded takes the weights that come with the
program, as they are.

CPU seconds by stage; loading a network counts for the stage that first needs it. The peak of memory
is the whole process's, when that many edits were made.

--cores prints when each stage of the first edit begins and ends on so many cores. From the CPU
seconds of a run on one core follows what the clock would say on a quiet machine: stages that do not
wait for each other stand side by side, and painting, for which all others wait, has all cores but
for the layers that keep to one (`unripple.models.layers.threads`), whose share is measured.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from torch import nn

from benchmarks.networks import stirred
from benchmarks.projects import REPO
from unripple.conventions import InverseDepth, Mask, Photo
from unripple.io.config import Edit
from unripple.models import (
    dpt,
    e4e,
    graphonomy,
    hfgi,
    irse,
    lama,
    stylegan2,
)
from unripple.models.layers.threads import OneThread
from unripple.pipeline.graph import Place, find_step, inputs_until
from unripple.runtime import editor as road
from unripple.stages import depth, parse
from unripple.stages.interface import RIPPLE
from unripple.zoo.zoo import published_index

SIDE_PX = 1024
PARSED_PX = 512  # at most
FACE_OF_CIHP = 13

NETWORKS: Mapping[str, Callable[[int], nn.Module]] = {
    "generator": stylegan2.Generator,
    "encoder": lambda side: e4e.Encoder(n_codes=2 * (side.bit_length() - 2)),
    "hfgi": lambda _: nn.ModuleDict(
        {"grid_align": hfgi.Aligner(), "residue": hfgi.ResidualEncoder()}
    ),
    "parser": lambda _: graphonomy.Graphonomy(),
    "depth": lambda _: dpt.DPT(),
    "inpainter": lambda _: lama.Lama(),
    "identity": lambda _: irse.Backbone(),
}
"""Those of the set `published`, by role, for pictures of one side."""

SIZED = ("generator", "encoder", "parser")
"""Roles whose files differ from side to side."""


def write_weights(folder: Path, side: int = SIDE_PX) -> dict[str, str]:
    """Write networks of the published sizes, for pictures of `side` px; role -> file."""
    files = {}
    index = published_index()
    for role, build in NETWORKS.items():
        own = f"-{side}" if role in SIZED and side != SIDE_PX else ""
        path = folder / f"{role}{own}.safetensors"
        files[role] = str(path)
        if path.exists():
            continue
        torch.manual_seed(0)
        net = stirred(build(side))
        state = {key: value.contiguous() for key, value in net.state_dict().items()}
        if role in ("generator", "encoder"):
            state["latent_avg"] = torch.zeros(512)
        about = dict(index.entry(index.sets["published"][role]).metadata[role])
        if role == "parser":
            about["size"] = min(side, PARSED_PX)
        if role == "generator":
            about["size"] = side
        save_file(state, path, metadata={key: json.dumps(value) for key, value in about.items()})
    return files


def write_directions(path: Path) -> str:
    """Write a direction `pose` for codes of 512; its file."""
    vector = np.random.default_rng(0).normal(size=512).astype(np.float32)
    about = {"usable": [-10, 10], "unit": "a step"}
    save_arrays({"pose": vector}, path, metadata={"pose": json.dumps(about)})
    return str(path)


def person(picture: Photo) -> Mask:
    """Where the round person of a picture stands: the same for the same picture."""
    height, width = picture.shape[:2]
    moved = zlib.crc32(np.ascontiguousarray(picture).data) % 9 * width // 100
    down, across = np.mgrid[:height, :width]
    right = (across - width // 2 - moved) / (width * 0.24)
    shown: Mask = np.square(right) + np.square((down - height * 0.7) / (height * 0.5)) < 1
    return shown


def see_round_persons() -> None:
    """Let parser and depth network work, and say something else than they do."""
    labels, seen = parse._labels, depth.depth

    def labels_of(scores: Any, picture: Photo) -> Any:
        labels(scores, picture)
        return (person(picture) * FACE_OF_CIHP).astype(np.uint8)

    def depth_of(picture: Photo, *words: Any, **more: Any) -> InverseDepth:
        seen(picture, *words, **more)
        return person(picture).astype(np.float32)

    parse._labels, depth.depth = labels_of, depth_of  # type: ignore[assignment]


@dataclass(frozen=True)
class Span:
    """A step of a photo: from when to when by the clock, and the CPU seconds of its thread."""

    place: Place
    began: float
    ended: float
    cpu_s: float


@contextmanager
def counted() -> Iterator[list[Span]]:
    """Within it, note every step that an editor makes."""
    advance, spans = road.compute_or_load, []

    def timed(job: Any, *words: Any, **more: Any) -> Any:
        began, cpu_s = time.monotonic(), time.thread_time()
        try:
            return advance(job, *words, **more)
        finally:
            place = job.step.stage, job.of
            spent = time.thread_time() - cpu_s
            spans.append(Span(place, began, time.monotonic(), spent))

    road.compute_or_load = timed
    try:
        yield spans
    finally:
        road.compute_or_load = advance


def peak_gb() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def walk(settings: Mapping[str, Any], photo: Photo, marks: list[int]) -> None:
    """Make edits one after the other, and print the table."""
    columns: dict[int, tuple[Counter[str], float]] = {}
    editor = road.Editor(settings=settings)
    photo_of = partial(editor.open, photo)
    with counted() as spans:
        for number in range(1, max(marks) + 1):
            degree = -3 + 6 * number / (max(marks) + 1)
            editor.run(photo_of(), "measure", Edit(f"edit-{number}", (("pose", degree),)))
            if number in marks:
                columns[number] = by_stage(spans), peak_gb()
    spent = by_stage(spans)
    names = [f"{number} edit{'s' * (number > 1)}" for number in columns]
    print(f"| CPU-s | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}")
    for stage in spent:
        cells = (f"{column[stage]:.1f}" for column, _ in columns.values())
        print(f"| {stage} | {' | '.join(cells)} |")
    sums = {number: sum(column.values()) for number, (column, _) in columns.items()}
    print(f"| all | {' | '.join(f'{total:.1f}' for total in sums.values())} |")
    peaks = (f"{peak:.2f}" for _, peak in columns.values())
    print(f"| peak of memory, GB | {' | '.join(peaks)} |")
    first, last = min(marks), max(marks)
    if last > first:
        print(f"\neach further edit: {(sums[last] - sums[first]) / (last - first):.1f} CPU-s")


def by_stage(spans: Sequence[Span]) -> Counter[str]:
    """CPU seconds by stage."""
    spent: Counter[str] = Counter()
    for span in spans:
        spent[span.place[0]] += span.cpu_s
    return spent


def timeline(settings: Mapping[str, Any], photo: Photo, cores: int) -> None:
    """One edit on one core and on several: what was, and what follows for a quiet machine."""
    edit, cpu_s = Edit("edit", (("pose", -2.0),)), {}
    for count in (1, cores):
        editor = road.Editor(settings=settings, cores=count)
        with counted() as spans, one_thread_seconds() as single:
            editor.run(editor.open(photo), "measure", edit)
        start = min(span.began for span in spans)
        print(f"\n| on {count} cores | begins, s | ends, s | CPU-s |\n| --- | ---: | ---: | ---: |")
        for span in sorted(spans, key=lambda one: one.began):
            name = " of the ".join(filter(None, span.place))
            times = (span.began - start, span.ended - start, span.cpu_s)
            print(f"| {name} | {' | '.join(f'{value:.1f}' for value in times)} |", flush=True)
        print(f"\npeak of memory so far: {peak_gb():.2f} GB")
        if count == 1:
            cpu_s = {span.place: span.cpu_s for span in spans}
            alone = single[0]
    inputs = inputs_until("measure", edit.name, settings.get("recipe", RIPPLE))
    needs = {place: set(before.values()) for place, before in inputs.items()}
    one, several = (quiet_s(needs, cpu_s, alone, count) for count in (1, cores))
    print(f"\nby CPU-s: {one:.1f} s on one core, {several:.1f} s on {cores}: {one / several:.2f}")


@contextmanager
def one_thread_seconds() -> Iterator[list[float]]:
    """Within it, add up the CPU seconds of the painter's layers that stay on one thread."""
    own, spent = OneThread.forward, [0.0]

    def timed(layer: OneThread, *inputs: Any) -> Any:
        started = time.thread_time()
        try:
            return own(layer, *inputs)
        finally:
            spent[0] += time.thread_time() - started

    OneThread.forward = timed  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        OneThread.forward = own  # type: ignore[method-assign]


def quiet_s(
    needs: Mapping[Place, set[Place]], cpu_s: Mapping[Place, float], alone_s: float, cores: int
) -> float:
    """When the last step ends, if each takes its CPU seconds; see `unripple.runtime.walk`.

    Args:
        needs: what each step waits for.
        cpu_s: of each, on one core.
        alone_s: those of the painter's layers that stay on one thread.
        cores: how many there are.
    """
    now, waiting, running = 0.0, list(needs), dict[Place, float]()
    while waiting or running:
        unmade = {*waiting, *running}
        ready = [place for place in waiting if not needs[place] & unmade]
        shared = cores if len(ready) == 1 and not running else 1
        for place in ready[: cores - len(running)]:
            waiting.remove(place)
            took = cpu_s[place]
            if find_step(place[0]).threads_alike:
                took = alone_s + (took - alone_s) / shared
            running[place] = now + took
        first = min(running, key=running.__getitem__)
        now = running.pop(first)
    return now


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edits", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--photo", type=Path, default=REPO / "data/photos/portrait-01.png")
    parser.add_argument("--weights", type=Path, help="folder to keep the made-up weights in")
    parser.add_argument("--embedded", action="store_true", help="small networks, real masks")
    parser.add_argument("--cores", type=int, help="when each stage begins and ends on so many")
    parser.add_argument("--size", type=int, default=SIDE_PX, help="side of the picture, px")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    shown = Image.open(asked.photo).convert("RGB")
    settings: dict[str, Any] = {"align": {"mode": "aligned"}}
    if asked.embedded:
        walk(settings, np.asarray(shown), asked.edits)
        return
    with tempfile.TemporaryDirectory() as temporary:
        settings |= published(asked.weights or Path(temporary), asked.size)
        see_round_persons()
        resized = shown.resize((asked.size, asked.size), Image.Resampling.BICUBIC)
        if asked.cores:
            timeline(settings, np.asarray(resized), asked.cores)
        else:
            walk(settings, np.asarray(resized), asked.edits)


def published(folder: Path, side: int) -> dict[str, Any]:
    """Settings with made-up networks of the published sizes, which are written into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    directions = write_directions(folder / "directions.safetensors")
    models = write_weights(folder, side)
    return {"measure": {"pose": False}, "models": models, "directions": directions}


if __name__ == "__main__":
    main()
