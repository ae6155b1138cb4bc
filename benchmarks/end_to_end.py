"""What one photo costs at published sizes, with 1, 3 and 10 edits, stage by stage.

    python benchmarks/end_to_end.py [--edits 1 3 10] [--photo FILE] [--weights FOLDER] [--embedded]

The networks have the published sizes and made-up weights, 2.4 GB, which are written into a folder
(a temporary one if none is named) and loaded as fetched ones are. Such networks see nothing, so
after the parser and the depth network have done their work, a round person takes the place of what
they say: a little further right in every edit. Everything else is the product's own way, in
memory, on one thread. --embedded takes the weights that come with the program, as they are.

CPU seconds by stage; loading a network counts for the stage that first needs it. The peak of memory
is the whole process's, when that many edits were made.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
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
from unripple.runtime import editor as road
from unripple.stages import depth, parse
from unripple.zoo.zoo import published_index

SIDE_PX = 1024
FACE_OF_CIHP = 13

NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "generator": stylegan2.Generator,
    "encoder": e4e.Encoder,
    "hfgi": lambda: nn.ModuleDict(
        {"grid_align": hfgi.Aligner(), "residue": hfgi.ResidualEncoder()}
    ),
    "parser": graphonomy.Graphonomy,
    "depth": dpt.DPT,
    "inpainter": lama.Lama,
    "identity": irse.Backbone,
}
"""Those of the set `published`, by role."""


def write_weights(folder: Path) -> dict[str, str]:
    """Write networks of the published sizes; role -> file."""
    files = {}
    index = published_index()
    for role, build in NETWORKS.items():
        path = folder / f"{role}.safetensors"
        files[role] = str(path)
        if path.exists():
            continue
        torch.manual_seed(0)
        state = {key: value.contiguous() for key, value in stirred(build()).state_dict().items()}
        if role in ("generator", "encoder"):
            state["latent_avg"] = torch.zeros(512)
        about = index.entry(index.sets["published"][role]).metadata[role]
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


def counted(spent: Counter[str]) -> None:
    """From now on, add up CPU seconds by stage."""
    advance = road.compute_or_load

    def timed(job: Any, *words: Any, **more: Any) -> Any:
        started = time.process_time()
        try:
            return advance(job, *words, **more)
        finally:
            spent[job.step.stage] += time.process_time() - started

    road.compute_or_load = timed


def peak_gb() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def walk(settings: Mapping[str, Any], photo: Photo, marks: list[int]) -> None:
    """Make edits one after the other, and print the table."""
    spent: Counter[str] = Counter()
    counted(spent)
    columns: dict[int, tuple[dict[str, float], float]] = {}
    editor = road.Editor(settings=settings)
    photo_of = partial(editor.open, photo)
    for number in range(1, max(marks) + 1):
        degree = -3 + 6 * number / (max(marks) + 1)
        editor.run(photo_of(), "measure", Edit(f"edit-{number}", (("pose", degree),)))
        if number in marks:
            columns[number] = dict(spent), peak_gb()
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edits", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--photo", type=Path, default=REPO / "data/photos/portrait-01.png")
    parser.add_argument("--weights", type=Path, help="folder to keep the made-up weights in")
    parser.add_argument("--embedded", action="store_true", help="small networks, real masks")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    shown = Image.open(asked.photo).convert("RGB")
    settings: dict[str, Any] = {"align": {"mode": "aligned"}}
    if asked.embedded:
        walk(settings, np.asarray(shown), asked.edits)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.weights or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        models = write_weights(folder)
        directions = write_directions(folder / "directions.safetensors")
        see_round_persons()
        large = np.asarray(shown.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))
        judges = {"measure": {"pose": False}}
        walk({**settings, **judges, "models": models, "directions": directions}, large, asked.edits)


if __name__ == "__main__":
    main()
