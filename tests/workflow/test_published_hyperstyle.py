"""A whole run of HyperStyle at 1024 px, from files in the published containers.

The weights are random, so the pictures are noise; what is tested is that all of it fits together,
on two cores and in the memory of a small machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from tests.published_files import write_hyperstyle
from tests.workflow.published_run import (
    SIDE,
    check_every_artifact,
    cost_of,
    finished_run,
)

pytestmark = pytest.mark.slow
MEMORY_LIMIT_BYTES = 12e9
ITERATIONS, VIEW = 5, 256
ARTIFACT_LIMIT_BYTES = 40e3
EDIT = "turned"
OTHERS = ("parser", "depth", "inpainter", "identity")
"""Roles whose published networks `test_published` knows."""
CONFIG = {
    "models": {
        **dict.fromkeys(OTHERS, "embedded"),
        **dict.fromkeys(("generator", "hypernet"), "hyperstyle"),
        "w_encoder": "faces_w_encoder",
    },
    "project": {"method": "w"},
    "invert": {"method": "hyperstyle", "hyperstyle": {"iterations": ITERATIONS}},
    "directions": "directions.safetensors",
    "edits": [{"name": EDIT, "direction": "pose", "degree": 2}],
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a run over one photo with one edit."""
    folder = tmp_path_factory.mktemp("published-hyperstyle")
    with finished_run(folder, write_hyperstyle, CONFIG, write_direction) as place:
        yield place


def write_direction() -> None:
    direction = np.random.default_rng(0).normal(0, 0.05, 512).astype(np.float32)
    save_file({"pose": direction}, "directions.safetensors", metadata={"pose": "{}"})


def test_every_artifact_of_the_dag_is_there(finished: Path) -> None:
    check_every_artifact(finished, (EDIT,))
    with Image.open(finished / "results" / "paste" / EDIT / "anna.picture.png") as result:
        assert result.size == (SIDE, SIDE)


def test_every_iteration_is_a_view_and_what_is_kept_is_small(finished: Path) -> None:
    """94.3 MB of weight offsets, which the published script cannot save."""
    place = finished / "results" / "invert"
    with Image.open(place / "anna.views.png") as views:
        assert views.size == (ITERATIONS * VIEW, VIEW)
        drawn = np.asarray(views.convert("RGB")).astype(int)
    pictures = np.split(drawn, ITERATIONS, axis=1)
    assert all(np.abs(a - b).max() > 0 for a, b in pairwise(pictures))
    (codes,) = place.glob("anna.layer_codes.npy")
    assert np.load(codes).shape == (1, 17, 512)
    assert codes.stat().st_size < ARTIFACT_LIMIT_BYTES


def test_no_process_needs_more_memory_than_a_small_machine_has(finished: Path) -> None:
    assert 1e9 < cost_of(finished).peak_bytes < MEMORY_LIMIT_BYTES
