"""Render shards of faces to train on, on as many processes as asked.

The shards that will be held out come first, so that every training can be validated from its first
minute. A shard appears under its name only when it is finished; finished ones are never redone.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import time
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from unripple import faceworld
from unripple.atomic import write_bytes
from unripple.training.shards import PLAN, Batch, shard_path, validation_indices

log = logging.getLogger("unripple.training")

PEOPLE = 128  # per shard, each at two poses
CHUNK = 8  # faces rendered at once on a CPU
POSE = ("yaw", "pitch", "roll", "gaze_x", "gaze_y")  # what differs within a pair
ATTRIBUTES_EVERY = 4  # in the last of so many shards something else differs, too
ATTRIBUTE_GROUPS = (
    ("smile",), ("mouth_open",), ("eye_open",), ("age",), ("masculinity",), ("melanin",),
    ("hair_length",), ("hair_light", "hair_warmth"), ("hair_curl",), ("fringe",), ("grey",),
    ("bald",), ("beard", "moustache"), ("lipstick",), ("glasses",), ("hat",), ("nose_width",),
    ("lip_fullness",), ("cheek",),
)  # fmt: skip
"""What that may be: one of these groups of factors, drawn anew."""
FIELDS = ("photo", "plate", "labels", "inverse_depth", "alpha", "landmarks", "pose_deg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m unripple.training data`."""
    add = parser.add_argument
    add("--out", type=Path, default=Path("runs/data/128"), help="folder of shards")
    add("--size", type=int, default=128, help="side of the pictures, px")
    add("--shards", type=int, default=60, help="how many shards of 256 faces")
    add("--first", type=int, default=0, help="index of the first one")
    add("--workers", type=int, default=1, help="processes, one thread each")
    add("--device", default="cpu")
    add("--eager", action="store_true", help="without a C compiler: same pictures, 8 times slower")


def main(chosen: argparse.Namespace) -> int:
    """Render what is missing of the asked range."""
    chosen.out.mkdir(parents=True, exist_ok=True)
    plan(chosen.out, chosen.first + chosen.shards)
    asked = argparse.Namespace(**{k: v for k, v in vars(chosen).items() if k != "module"})
    work = [(asked, worker) for worker in range(chosen.workers)]  # a module cannot be sent
    if chosen.workers == 1:
        render_missing(*work[0])
        return 0
    with multiprocessing.get_context("spawn").Pool(chosen.workers) as pool:
        pool.starmap(render_missing, work, chunksize=1)
    return 0


def plan(folder: Path, shards: int) -> None:
    """Note how many shards the set will have: its last two are held out."""
    path = folder / PLAN
    planned = int(json.loads(path.read_text())["shards"]) if path.exists() else 0
    write_bytes(path, f"{json.dumps({'shards': max(planned, shards)})}\n".encode())


def render_missing(chosen: argparse.Namespace, worker: int) -> None:
    """One process's share of the shards."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(1)
    held_out = validation_indices(chosen.out)
    indices = range(chosen.first, chosen.first + chosen.shards)
    order = sorted(indices, key=lambda index: (index not in held_out, index))
    for index in order[worker :: chosen.workers]:
        path = shard_path(chosen.out, index)
        if path.exists():
            continue
        started = time.monotonic()
        write_shard(path, index, chosen.size, chosen.device, compiled=not chosen.eager)
        speed = 2 * PEOPLE / (time.monotonic() - started)
        log.info("%s  %.1f pictures/s", path.name, speed)


def pair_factors(people: int, seed: int) -> Tensor:
    """Factors of `people` persons at two poses each, [2 * people, K], partners side by side."""
    one = faceworld.sample_factors(people, seed=2 * seed)
    pose = faceworld.sample_factors(people, seed=2 * seed + 1)
    other = one.clone()
    columns = [faceworld.NAMES.index(name) for name in POSE]
    other[:, columns] = pose[:, columns]
    return torch.stack((one, other), dim=1).flatten(0, 1)  # [2 * people, K]


def attribute_pair_factors(people: int, seed: int) -> Tensor:
    """One of `ATTRIBUTE_GROUPS` differs within a pair; in every second pair the pose does, too."""
    factors = pair_factors(people, seed).view(people, 2, -1)
    one, other = factors.unbind(1)
    other[::2] = one[::2]
    anew = faceworld.sample_factors(people, seed=2 * seed + 1)
    for person in range(people):
        group = ATTRIBUTE_GROUPS[(seed * people + person) // 2 % len(ATTRIBUTE_GROUPS)]
        columns = [faceworld.NAMES.index(name) for name in group]
        if one[person, columns].equal(anew[person, columns]):  # switches: the other way
            anew[person, columns] = 1 - anew[person, columns]
        other[person, columns] = anew[person, columns]
    return factors.flatten(0, 1)  # [2 * people, K]


def write_shard(
    path: Path, index: int, size: int, device: str = "cpu", *, compiled: bool = True
) -> None:
    """Render one shard; its people follow from its index alone."""
    attribute_pairs = index % ATTRIBUTES_EVERY == ATTRIBUTES_EVERY - 1
    factors = (attribute_pair_factors if attribute_pairs else pair_factors)(PEOPLE, seed=index)
    seeds = (index * PEOPLE + torch.arange(PEOPLE)).repeat_interleave(2)
    parts = [
        render_chunk(factors[i : i + CHUNK], seeds[i : i + CHUNK], size, device, compiled=compiled)
        for i in range(0, len(factors), CHUNK)
    ]
    shard = {field: torch.cat([part[field] for part in parts]) for field in FIELDS}
    shard |= {"factors": factors, "seed": seeds}
    metadata = {
        "faceworld": str(faceworld.VERSION),
        "size": str(size),
        "first_identity": str(index * PEOPLE),
    }
    write_bytes(path, save({k: v.cpu().contiguous() for k, v in shard.items()}, metadata=metadata))


def render_chunk(
    factors: Tensor, seeds: Tensor, size: int, device: str = "cpu", *, compiled: bool = True
) -> Batch:
    """Render faces whose pairs lie side by side, in the types that shards store."""
    plates = faceworld.draw_plates(factors[::2], seeds[::2], faceworld.portrait(size))
    faces = faceworld.render(
        factors.to(device),
        seeds,
        size=size,
        compiled=compiled,
        plates=plates.repeat_interleave(2, dim=0),
    )
    return {
        "photo": faces.photo,
        "plate": plates,
        "labels": faces.labels,
        "inverse_depth": faces.inverse_depth.half(),
        "alpha": faces.alpha,
        "landmarks": faces.landmarks,
        "pose_deg": faces.pose_deg,
    }
