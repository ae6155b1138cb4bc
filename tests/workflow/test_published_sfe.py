"""A whole run of StyleFeatureEditor at 1024 px, from files in the published containers.

The weights are random, so the pictures are noise; what is tested is that all of it fits together,
on two cores and in the memory of a small machine.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.published_files import write_sfe
from tests.workflow.test_published import REPO, SIDE
from unripple.cli.main import main
from unripple.io.results import Results
from unripple.pipeline.graph import STEPS

pytestmark = pytest.mark.slow
MEMORY_LIMIT_BYTES = 10e9
EDITS = ("darker", "serious")
OTHERS = ("parser", "depth", "inpainter", "identity")
"""Roles whose published networks `test_published` knows."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a run over one photo, one edit of codes and one of style space."""
    folder = tmp_path_factory.mktemp("published-sfe")
    with pytest.MonkeyPatch.context() as here:
        here.setenv("UNRIPPLE_MODELS", str(folder / "published"))
        here.chdir(folder)
        for name, path in write_sfe(folder / "files"):
            assert main(["models", "add", str(path), "--as", name, "--accept-new"]) == 0
            path.unlink()
        boundary = np.random.default_rng(0).normal(0, 0.01, (1, 18 * 512)).astype(np.float32)
        np.save(folder / "Smiling_boundary.npy", boundary)
        words = ["models", "add", "Smiling_boundary.npy", "--as", "fs_smiling", "--accept-new"]
        assert main(words) == 0
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
    config = {
        "models": {"base": "sfe", **dict.fromkeys(OTHERS, "embedded")},
        "invert": {"method": "sfe"},
        "align": {"mode": "aligned"},
        "parse": {"scales": "one"},
        "edits": [
            {"name": "darker", "direction": "black hair", "degree": 8},
            {"name": "serious", "direction": "fs_smiling", "degree": -6},
        ],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def test_every_artifact_of_the_dag_is_there(finished: Path) -> None:
    results = Results(finished / "results")
    for stage, step in STEPS.items():
        for of in step.places(EDITS):
            manifest = results.read_manifest(stage, of, "00000")
            assert list(manifest.keys) == ["anna"], (stage, of, manifest.failures)
    (features,) = (finished / "results" / "invert").glob("anna.features.npy")
    assert np.load(features).shape == (512, 64, 64) and np.load(features).dtype == np.float16
    for edit in EDITS:
        with Image.open(finished / "results" / "paste" / edit / "anna.picture.png") as result:
            assert result.size == (SIDE, SIDE)


def test_no_stage_needs_more_memory_than_a_small_machine_has(finished: Path) -> None:
    import resource

    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert 1e9 < peak < MEMORY_LIMIT_BYTES
