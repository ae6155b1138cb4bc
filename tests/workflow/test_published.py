"""A whole run with networks of the published sizes, from files in the published containers.

The weights are random, so the pictures are noise; what is tested is that all of it fits together at
1024 px, on two cores.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import save_file

from tests.published_files import write_all
from unripple.cli.main import main
from unripple.io.results import Results
from unripple.pipeline.graph import STEPS

pytestmark = pytest.mark.slow
REPO = Path(__file__).resolve().parents[2]
SIDE = 1024
MEMORY_LIMIT_BYTES = 24e9


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a run over one photo with one edit."""
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as here:
        here.setenv("UNRIPPLE_MODELS", str(folder / "published"))
        here.chdir(folder)
        for name, path in write_all(folder / "files"):
            assert main(["models", "add", str(path), "--as", name, "--accept-new"]) == 0
            path.unlink()
        write_photo_and_config(folder)
        here.setenv("OMP_NUM_THREADS", "2")
        snakemake = (sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile"))
        done = subprocess.run((*snakemake, "--cores", "1"), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    yield folder
    for path in (folder / "published").iterdir():
        path.unlink()


def write_photo_and_config(folder: Path) -> None:
    (folder / "data" / "photos").mkdir(parents=True)
    with Image.open(REPO / "data" / "photos" / "portrait-01.png") as portrait:
        large = portrait.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    large.save(folder / "data" / "photos" / "anna.png")
    direction = np.random.default_rng(0).normal(0, 0.05, 512).astype(np.float32)
    save_file({"pose": direction}, folder / "directions.safetensors", metadata={"pose": "{}"})
    config = {
        "models": "published",
        "directions": "directions.safetensors",
        "align": {"mode": "aligned"},
        "parse": {"scales": "one"},
        "edits": [{"name": "turned", "direction": "pose", "degree": 2}],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def test_every_artifact_of_the_dag_is_there(finished: Path) -> None:
    results = Results(finished / "results")
    for stage, step in STEPS.items():
        for of in step.places(("turned",)):
            manifest = results.read_manifest(stage, of, "00000")
            assert list(manifest.keys) == ["anna"], (stage, of, manifest.failures)
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


def test_no_stage_needs_more_memory_than_a_laptop_has(finished: Path) -> None:
    import resource

    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert 1e9 < peak < MEMORY_LIMIT_BYTES  # the depth network's weights alone are 1.4 GB
