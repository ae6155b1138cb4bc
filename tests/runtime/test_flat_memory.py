"""A folder of photos through StyleFeatureEditor or HyperStyle takes no more memory than a few do.

The published runner of the one keeps 29 MB of every photo until the end; the script of the other
holds 94 MB of weight offsets of each. With the tiny networks the features of 1,000 photos are 4 MB
in float16 and their pictures 12 MB each: whoever held photo, inversion and e4e's drawing would have
36 MB more at the end.
"""

from __future__ import annotations

import json
import logging
import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.sfe_files import write_sfe_project
from tests.tiny import LANDMARKS, SIZE, picture, write_project
from unripple.io.config import read_config
from unripple.io.results import Results
from unripple.io.sheet import Row
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.shard import run_shard
from unripple.zoo.zoo import Zoo

log = logging.getLogger(__name__)
pytestmark = pytest.mark.slow
FEWEST, FEW, MANY = 10, 100, 1000
MORE_MB = 8.0
EDIT = "look_left"
PLACES = {"align": None, "project": None, "invert": None, "translate": EDIT, "edit": EDIT}


def peak_mb(rows: list[Row], results: Results) -> float:
    """The most memory of a process of its own that takes photos to their edits."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        status = 1
        try:
            config, photos = read_config(Path("config.yaml")), {row.photo for row in rows}
            for stage, of in PLACES.items():
                job = job_from_config(config, stage, of, Zoo(config["models"]))
                made = run_shard(job, "00000", rows, photos, results)
                assert not made.failures and len(made.keys) == len(rows)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            os.write(write, json.dumps(peak).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    _, ended = os.waitpid(child, 0)
    with os.fdopen(read) as told:
        assert ended == 0
        return float(json.loads(told.read()))


def write_hyperstyle_project(folder: Path, photos: dict[str, tuple[int, int]]) -> Path:
    write_project(folder, photos)
    path = folder / "config.yaml"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "invert": {"method": "hyperstyle"}}))
    return folder


@pytest.mark.parametrize("write", [write_sfe_project, write_hyperstyle_project])
def test_a_thousand_photos_need_the_memory_of_a_hundred(
    write: Callable[[Path, dict[str, tuple[int, int]]], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = write(tmp_path / "project", {"photo-0000.png": (SIZE, SIZE)})
    monkeypatch.chdir(folder)
    rows, listed = [], {}
    for number in range(MANY):
        path = Path("data/photos", f"photo-{number:04d}.png")
        Image.fromarray(picture(number)).save(path)
        rows.append(Row(path.stem, str(path), "00000"))
        listed[path.name] = LANDMARKS
    Path(read_config(Path("config.yaml"))["align"]["landmarks"]).write_text(json.dumps(listed))
    results = {count: Results(tmp_path / str(count)) for count in (FEWEST, FEW, MANY)}
    peaks = {count: peak_mb(rows[:count], own) for count, own in results.items()}
    log.info("%s: peaks in MB by the number of photos: %s", write.__name__, peaks)
    assert peaks[MANY] - peaks[FEW] < MORE_MB, peaks
    if write is write_sfe_project:
        kept = results[MANY].read_manifest("invert", None, "00000").keys
        features = [results[MANY].store.get(key)["features"] for key in list(kept.values())[::100]]
        assert all(np.asarray(one).dtype == np.float16 for one in features)
