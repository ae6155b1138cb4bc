"""A whole run of StyleFeatureEditor at 1024 px, from files in the published containers.

The weights are random, so the pictures are noise; what is tested is that all of it fits together,
on two cores and in the memory of a small machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.published_files import write_sfe
from tests.workflow.published_run import (
    SIDE,
    check_every_artifact,
    cost_of,
    finished_run,
    take,
)

pytestmark = pytest.mark.slow
MEMORY_LIMIT_BYTES = 10e9
EDITS = ("darker", "serious")
OTHERS = ("parser", "depth", "inpainter", "identity")
"""Roles whose published networks `test_published` knows."""
CONFIG = {
    "models": {
        "base": "sfe",
        "inverter": "sfe_inverter_light",
        **dict.fromkeys(OTHERS, "embedded"),
    },
    "invert": {"method": "sfe"},
    "edits": [
        {"name": "darker", "direction": "black hair", "degree": 8},
        {"name": "serious", "direction": "fs_smiling", "degree": -6},
    ],
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a run over one photo, one edit of codes and one of style space."""
    folder = tmp_path_factory.mktemp("published-sfe")
    with finished_run(folder, write_sfe, CONFIG, take_direction) as place:
        yield place


def take_direction() -> None:
    boundary = np.random.default_rng(0).normal(0, 0.01, (1, 18 * 512)).astype(np.float32)
    np.save("Smiling_boundary.npy", boundary)
    take("fs_smiling", Path("Smiling_boundary.npy"))


def test_every_artifact_of_the_dag_is_there(finished: Path) -> None:
    check_every_artifact(finished, EDITS)
    (features,) = (finished / "results" / "invert").glob("anna.features.npy")
    assert np.load(features).shape == (512, 64, 64) and np.load(features).dtype == np.float16
    for edit in EDITS:
        with Image.open(finished / "results" / "paste" / edit / "anna.picture.png") as result:
            assert result.size == (SIDE, SIDE)


def test_no_process_needs_more_memory_than_a_small_machine_has(finished: Path) -> None:
    assert 1e9 < cost_of(finished).peak_bytes < MEMORY_LIMIT_BYTES
