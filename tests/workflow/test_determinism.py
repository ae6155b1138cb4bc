"""The same config gives the same bytes, whatever the shards, the cores and the photos' order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.tiny import picture, walk, without_times, write_directions, write_models
from unripple.cli.main import main
from unripple.io.config import Config, complete
from unripple.io.results import Results
from unripple.io.sheet import read_sheet, update_sheet
from unripple.report.assemble import assemble

pytestmark = pytest.mark.slow
REPO = Path(__file__).resolve().parents[2]
NAMES = ("anna", "bob", "carla")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("weights")
    content: dict[str, Any] = {
        "models": write_models(folder),
        "directions": write_directions(folder / "directions.safetensors"),
        "align": {"mode": "aligned"},
        "edits": [{"name": "left", "direction": "pose", "degree": -3}],
        "report": {"height_px": 32},
    }
    return complete(content)


def add_photos(folder: Path, names: tuple[str, ...] = NAMES) -> None:
    place = folder / "data" / "photos"
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(picture(NAMES.index(name))).save(place / f"{name}.png")
    (place / f"{names[0]}-broken.png").write_bytes(b"no picture")


def everything(folder: Path) -> dict[str, bytes]:
    """All artifacts by key and by name, the report and the figures; no manifests, no logs."""
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "results").rglob("*"))
        if path.is_file() and "log" not in path.parts and not path.name.startswith(".")
    }
    report = "results/report.html"
    files[report] = without_times(files[report])
    return {name: data for name, data in files.items() if not is_manifest(name)}


def is_manifest(name: str) -> bool:
    return name.endswith(".json") and Path(name).stem.isdigit() and len(Path(name).stem) == 5


def whole(config: Config, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What the DAG makes of a folder."""
    monkeypatch.chdir(folder)
    walk(config)
    shards = sorted({row.shard for row in read_sheet(Path("data/sheet.tsv"))})
    html, figures = assemble(config, shards, Results())
    Path("results/report.html").write_text(html)
    Path("results/measure.json").write_text(figures)
    return everything(folder)


@pytest.fixture(scope="module")
def wanted(config: Config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All photos at once, in one shard, on one thread."""
    folder = tmp_path_factory.mktemp("wanted")
    add_photos(folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        return whole(config, folder, monkeypatch)


@pytest.mark.parametrize("shard_size", [1, 2])
def test_the_size_of_shards_changes_nothing(
    config: Config,
    wanted: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shard_size: int,
) -> None:
    add_photos(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(json.dumps(config))
    assert main(["sheet", "--shard-size", str(shard_size)]) == 0
    assert len({row.shard for row in read_sheet(Path("data/sheet.tsv"))}) == -(-4 // shard_size)
    assert whole(config, tmp_path, monkeypatch) == wanted


def test_the_order_in_which_photos_come_changes_nothing(
    config: Config, wanted: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in reversed(NAMES):
        add_photos(tmp_path, (name,))
        Path(f"data/photos/{name}-broken.png").unlink()
        update_sheet(Path("data/photos"), shard_size=2)
    add_photos(tmp_path)
    assert whole(config, tmp_path, monkeypatch) == wanted
    assert [row.photo for row in read_sheet(Path("data/sheet.tsv"))] == [
        *reversed(NAMES),
        "anna-broken",
    ]


@pytest.mark.parametrize("threads", [2, 5])
def test_the_number_of_threads_changes_nothing(
    config: Config,
    wanted: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    threads: int,
) -> None:
    add_photos(tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert whole(config, tmp_path, monkeypatch) == wanted
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_networks_are_called_on_one_thread_whatever_the_machine_says(tmp_path: Path) -> None:
    """Also the embedded networks, whose sums are long, and without a word in the environment."""
    code = f"""
import hashlib, sys
from unripple import Editor
result = Editor().edit({str(REPO / "data/photos/portrait-01.png")!r}, pose=-3)
print(hashlib.sha256(result.picture.tobytes()).hexdigest())
"""
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "3")
    }
    assert len(said) == 1


def test_the_number_of_cores_changes_nothing(
    config: Config, wanted: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four jobs at a time, on shards of two."""
    add_photos(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(json.dumps(config))
    update_sheet(Path("data/photos"), shard_size=2)
    environment = {key: text for key, text in os.environ.items() if key != "OMP_NUM_THREADS"}
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile")]
    subprocess.run(
        [*command, "--cores", "4"],
        check=True,
        capture_output=True,
        env=environment,
    )
    assert everything(tmp_path) == wanted
