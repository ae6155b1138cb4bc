"""Toy faces under factors of the face world, for the trainings that read factors."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file

from unripple import faceworld
from unripple.training.shards import shard_path

from .toy_faces import SHARDS, toy_shard


def write_factor_shards(folder: Path, *, size: int) -> Path:
    """As `toy_faces.write_shards`, with the face world's factors in place of the toys' own."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(SHARDS):
        shard = toy_shard(index, size)
        factors = faceworld.sample_factors(len(shard["photo"]), index)
        save_file(shard | {"factors": factors}, shard_path(folder, index))
    return folder
