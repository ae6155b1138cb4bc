"""A whole run with networks of the published sizes, from files in the published containers.

The weights are random, so the pictures are noise; what is tested is that all of it fits together at
1024 px, on two cores.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from tests.published_files import write_all
from tests.workflow.published_run import SIDE, check_every_artifact, cost_of, finished_run

pytestmark = pytest.mark.slow
MEMORY_LIMIT_BYTES = 24e9
CONFIG = {
    "models": "published",
    "directions": "directions.safetensors",
    "edits": [{"name": "turned", "direction": "pose", "degree": 2}],
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a run over one photo with one edit."""
    folder = tmp_path_factory.mktemp("published")
    with finished_run(folder, write_all, CONFIG, write_direction) as place:
        yield place


def write_direction() -> None:
    direction = np.random.default_rng(0).normal(0, 0.05, 512).astype(np.float32)
    save_file({"pose": direction}, "directions.safetensors", metadata={"pose": "{}"})


def test_every_artifact_of_the_dag_is_there(finished: Path) -> None:
    check_every_artifact(finished, ("turned",))
    assert (finished / "results" / "report.html").exists()


@pytest.mark.parametrize(
    "stage", ["align", "invert", "edit/turned", "parse/photo", "ripple/turned", "inpaint/turned"]
)
def test_pictures_have_1024_px(finished: Path, stage: str) -> None:
    found = list((finished / "results" / stage).glob("anna*.png"))
    assert found
    with Image.open(found[0]) as picture:
        assert picture.size == (SIDE, SIDE)


def test_the_result_is_a_picture_with_figures(finished: Path) -> None:
    figures = json.loads((finished / "results" / "measure.json").read_text())
    assert figures["failures"] == []
    (row,) = figures["edits"]
    assert "identity_cosine" in row and "yaw_error" not in row
    with Image.open(finished / "results" / "paste" / "turned" / "anna.picture.png") as result:
        assert result.size == (SIDE, SIDE) and np.asarray(result).std() > 1


def test_no_process_needs_more_memory_than_a_laptop_has(finished: Path) -> None:
    at_least = 1.4e9  # what the depth network's weights alone have
    assert at_least < cost_of(finished).peak_bytes < MEMORY_LIMIT_BYTES
