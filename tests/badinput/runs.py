"""Shard jobs over a folder of bad photos, as the workflow runs them: under limits, in a child."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.tiny import LANDMARKS, write_directions, write_models
from unripple.io.config import read_config
from unripple.io.results import Manifest, Results
from unripple.io.sheet import Row, update_sheet
from unripple.pipeline.jobs import Job, job_from_config
from unripple.pipeline.limits import Limits
from unripple.runtime.pool import Each, supervised
from unripple.runtime.shard import run_shard
from unripple.zoo.zoo import Zoo

LIMITS = Limits(megapixels=30, seconds=20, memory_mb=1500)

_LANDMARKS = Path("data/landmarks.json")
_kept = tempfile.TemporaryDirectory(prefix="unripple-tiny-")  # for all tests of this process


@cache
def weights() -> dict[str, Any]:
    """The sections of a config that name tiny networks and directions."""
    folder = Path(_kept.name)
    directions = write_directions(folder / "directions.safetensors")
    return {"models": write_models(folder / "models"), "directions": directions}


def make_project(folder: Path, limits: Limits = LIMITS, mode: str = "file") -> Path:
    """A folder to run in, without photos: faces lie where all tiny photos have them."""
    (folder / "data" / "photos").mkdir(parents=True)
    config = {
        **weights(),
        "edits": [{"name": "look_left", "direction": "pose", "degree": -3}],
        "align": {"mode": mode} | ({"landmarks": str(_LANDMARKS)} if mode == "file" else {}),
        "limits": asdict(limits),
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    return folder


def align(folder: Path) -> dict[str, Manifest]:
    """Run the align stage for every shard; its manifests."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        rows = update_sheet(Path("data/photos"))
        listed = {row.photo: LANDMARKS for row in rows}
        _LANDMARKS.write_text(json.dumps(listed))
        config = read_config(Path("config.yaml"))
        job = job_from_config(config, "align", None, Zoo(config["models"]))
        manifests = {}
        for shard in sorted({row.shard for row in rows}):
            inside = [row for row in rows if row.shard == shard]
            present = {row.photo for row in inside}
            task = partial(shard_task, job, shard, inside, present)
            manifests[shard] = supervised(task)
        return manifests
    finally:
        os.chdir(here)


def shard_task(job: Job, shard: str, rows: list[Row], present: set[str], each: Each) -> Manifest:
    return run_shard(job, shard, rows, present, Results(), each=each)
