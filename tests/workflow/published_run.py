"""One photo of 1024 px through the whole workflow, with networks of the published sizes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from unripple.cli.main import main
from unripple.io.results import Results
from unripple.pipeline.graph import STEPS

REPO = Path(__file__).resolve().parents[2]
SIDE = 1024


@contextmanager
def finished_run(
    folder: Path,
    write: Callable[[Path], Iterator[tuple[str, Path]]],
    config: Mapping[str, Any],
    prepare: Callable[[], None] = lambda: None,
) -> Iterator[Path]:
    """The folder of a finished run; the weights are taken away afterwards.

    Args:
        folder: an empty one.
        write: writes the published files: (entry of the list, path).
        config: of the run; the photo is a crop already, and parsed at one scale.
        prepare: what else lies in the folder, which is the current one then.
    """
    with pytest.MonkeyPatch.context() as here:
        here.setenv("UNRIPPLE_MODELS", str(folder / "published"))
        here.chdir(folder)
        for name, path in write(folder / "files"):
            take(name, path)
            path.unlink()
        prepare()
        write_photo()
        content = {"align": {"mode": "aligned"}, "parse": {"scales": "one"}, **config}
        Path("config.yaml").write_text(yaml.safe_dump(content))
        here.setenv("OMP_NUM_THREADS", "2")
        snakemake = (sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile"))
        done = subprocess.run((*snakemake, "--cores", "1"), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    yield folder
    for path in (folder / "published").iterdir():
        path.unlink()


def take(name: str, path: Path) -> None:
    """As users do it who have a file already."""
    assert main(["models", "add", str(path), "--as", name, "--accept-new"]) == 0


def write_photo() -> None:
    """`anna`, an aligned portrait of 1024 px."""
    folder = Path("data/photos")
    folder.mkdir(parents=True)
    with Image.open(REPO / "data" / "photos" / "portrait-01.png") as portrait:
        large = portrait.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    large.save(folder / "anna.png")


def check_every_artifact(folder: Path, edits: tuple[str, ...]) -> None:
    """Every step of every edit has made something of anna."""
    results = Results(folder / "results")
    for stage, step in STEPS.items():
        for of in step.places(edits):
            manifest = results.read_manifest(stage, of, "00000")
            assert list(manifest.keys) == ["anna"], (stage, of, manifest.failures)


def peak_bytes() -> int:
    """The most memory that any process of the run took."""
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
