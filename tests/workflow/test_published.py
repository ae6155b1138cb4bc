"""Whole runs with networks of the published sizes, from files in the published containers.

The weights are random, so the pictures are noise; what is tested is that all of it fits together at
1024 px, on two cores and in the memory of a small machine. Each run is made once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from tests.published_files import write_all, write_hyperstyle, write_sfe
from tests.workflow.published_run import SIDE, check_every_artifact, cost_of, finished_run, take

pytestmark = pytest.mark.slow
ITERATIONS, VIEW = 5, 256
ARTIFACT_LIMIT_BYTES = 40e3


def write_pose() -> None:
    direction = np.random.default_rng(0).normal(0, 0.05, 512).astype(np.float32)
    save_file({"pose": direction}, "directions.safetensors", metadata={"pose": "{}"})


def take_boundary() -> None:
    boundary = np.random.default_rng(0).normal(0, 0.01, (1, 18 * 512)).astype(np.float32)
    np.save("Smiling_boundary.npy", boundary)
    take("fs_smiling", Path("Smiling_boundary.npy"))


class Run(NamedTuple):
    """A run over one photo.

    Attributes:
        write: writes the published files.
        models: the config's section.
        edits: likewise.
        prepare: what the edits need.
        memory_limit_bytes: what all processes together may take.
        more: other sections.
    """

    write: Callable[[Path], Iterator[tuple[str, Path]]]
    models: str | Mapping[str, str]
    edits: list[dict[str, Any]]
    prepare: Callable[[], None]
    memory_limit_bytes: float
    more: Mapping[str, Any] = {}

    @property
    def config(self) -> dict[str, Any]:
        """The run's config, but for what all runs have."""
        return {"models": self.models, "edits": self.edits, **self.more}

    @property
    def names(self) -> tuple[str, ...]:
        """Of its edits."""
        return tuple(edit["name"] for edit in self.edits)


TURNED = [{"name": "turned", "direction": "pose", "degree": 2}]
# Roles whose published networks the first run has.
OTHERS = dict.fromkeys(("parser", "depth", "inpainter", "identity"), "embedded")
HYPERSTYLE = dict.fromkeys(("generator", "hypernet"), "hyperstyle")
RUNS = {
    "hfgi": Run(
        write_all,
        "published",
        TURNED,
        write_pose,
        24e9,
        {"directions": "directions.safetensors"},
    ),
    "sfe": Run(
        write_sfe,
        {"base": "sfe", "inverter": "sfe_inverter_light", **OTHERS},
        [
            {"name": "darker", "direction": "black hair", "degree": 8},
            {"name": "serious", "direction": "fs_smiling", "degree": -6},
        ],
        take_boundary,
        10e9,
        {"invert": {"method": "sfe"}},
    ),
    "hyperstyle": Run(
        write_hyperstyle,
        {**OTHERS, **HYPERSTYLE, "w_encoder": "faces_w_encoder"},
        TURNED,
        write_pose,
        12e9,
        {
            "project": {"method": "w"},
            "invert": {"method": "hyperstyle", "hyperstyle": {"iterations": ITERATIONS}},
            "directions": "directions.safetensors",
        },
    ),
}


class Finished(NamedTuple):
    """A run that ended, and the folder in which it did."""

    run: Run
    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"


@pytest.fixture(scope="module")
def finished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Finished]:
    run = RUNS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with finished_run(folder, run.write, run.config, run.prepare) as place:
        yield Finished(run, place)


def of(*names: str) -> pytest.MarkDecorator:
    """Of these runs alone."""
    return pytest.mark.parametrize("finished", names, indirect=True)


@of(*RUNS)
def test_every_artifact_of_the_dag_is_there(finished: Finished) -> None:
    check_every_artifact(finished.folder, finished.run.names)
    assert (finished.results / "report.html").exists()
    for edit in finished.run.names:
        with Image.open(finished.results / "paste" / edit / "anna.picture.png") as result:
            assert result.size == (SIDE, SIDE) and np.asarray(result).std() > 1


@of(*RUNS)
def test_its_processes_need_no_more_memory_than_a_small_machine_has(finished: Finished) -> None:
    cost = cost_of(finished.folder)
    assert cost.peak_bytes > 1e9
    assert max(cost.peak_bytes, cost.together_bytes) < finished.run.memory_limit_bytes


@of("hfgi")
@pytest.mark.parametrize(
    "stage", ["align", "invert", "edit/turned", "parse/photo", "ripple/turned", "inpaint/turned"]
)
def test_pictures_have_1024_px(finished: Finished, stage: str) -> None:
    found = list((finished.results / stage).glob("anna*.png"))
    assert found
    with Image.open(found[0]) as picture:
        assert picture.size == (SIDE, SIDE)


@of("hfgi")
def test_the_result_has_figures(finished: Finished) -> None:
    figures = json.loads((finished.results / "measure.json").read_text())
    assert figures["failures"] == []
    (row,) = figures["edits"]
    assert "identity_cosine" in row and "yaw_error" not in row


@of("sfe")
def test_features_are_kept_in_half_precision(finished: Finished) -> None:
    (features,) = (finished.results / "invert").glob("anna.features.npy")
    assert np.load(features).shape == (512, 64, 64) and np.load(features).dtype == np.float16


@of("hyperstyle")
def test_every_iteration_is_a_view_and_what_is_kept_is_small(finished: Finished) -> None:
    """94.3 MB of weight offsets, which the published script cannot save."""
    place = finished.results / "invert"
    with Image.open(place / "anna.views.png") as views:
        assert views.size == (ITERATIONS * VIEW, VIEW)
        drawn = np.asarray(views.convert("RGB")).astype(int)
    pictures = np.split(drawn, ITERATIONS, axis=1)
    assert all(np.abs(a - b).max() > 0 for a, b in pairwise(pictures))
    (codes,) = place.glob("anna.layer_codes.npy")
    assert np.load(codes).shape == (1, 17, 512)
    assert codes.stat().st_size < ARTIFACT_LIMIT_BYTES
