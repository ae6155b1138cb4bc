"""A folder of photos through StyleFeatureEditor takes no more memory than a few of them.

The published runner keeps 29 MB of every photo until the end. With the tiny networks the features
of 1,000 photos are 4 MB in float16 and their pictures 12 MB each: whoever held photo, inversion and
e4e's drawing would have 36 MB more at the end.
"""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.sfe_files import write_sfe_project
from tests.tiny import LANDMARKS, SIZE, picture
from unripple.io.config import read_config
from unripple.io.results import Results
from unripple.io.sheet import Row
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.shard import run_shard
from unripple.zoo.zoo import Zoo

pytestmark = pytest.mark.slow
FEW, MANY = 100, 1000
MORE_MB = 8.0
STAGES = ("align", "project", "invert")


def peak_mb(rows: list[Row], results: Results) -> float:
    """The most memory of a process of its own that takes photos to their inversions."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        status = 1
        try:
            config, photos = read_config(Path("config.yaml")), {row.photo for row in rows}
            for stage in STAGES:
                job = job_from_config(config, stage, None, Zoo(config["models"]))
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


def test_a_thousand_photos_need_the_memory_of_a_hundred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_sfe_project(tmp_path / "project", {"photo-0000.png": (SIZE, SIZE)})
    monkeypatch.chdir(folder)
    rows, listed = [], {}
    for number in range(MANY):
        path = Path("data/photos", f"photo-{number:04d}.png")
        Image.fromarray(picture(number)).save(path)
        rows.append(Row(path.stem, str(path), "00000"))
        listed[path.name] = LANDMARKS
    Path(read_config(Path("config.yaml"))["align"]["landmarks"]).write_text(json.dumps(listed))
    few = peak_mb(rows[:FEW], Results(tmp_path / "few"))
    results = Results(tmp_path / "many")
    many = peak_mb(rows, results)
    assert many - few < MORE_MB, (few, many)
    kept = results.read_manifest("invert", None, "00000").keys
    features = [results.store.get(key)["features"] for key in list(kept.values())[::100]]
    assert all(np.asarray(one).dtype == np.float16 for one in features)
