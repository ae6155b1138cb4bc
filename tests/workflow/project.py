"""A small project, changes to it, and the places of its results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.tiny import picture, without_times, write_directions, write_models
from unripple.io.config import Config, complete
from unripple.io.results import Results
from unripple.io.sheet import read_sheet
from unripple.pipeline.graph import STEPS, ancestors
from unripple.report.assemble import assemble

REPO = Path(__file__).resolve().parents[2]
EDIT = "left"
PHOTOS = ("anna", "bob", "carla")
PLACES = tuple((stage, of) for stage, step in STEPS.items() for of in step.places((EDIT,)))

Change = Callable[[Config], Config | None]
Cost = dict[str, int]


def below(*named: str) -> tuple[str, ...]:
    """Places by their words, and all that is made from them."""
    return tuple(
        word(*place)
        for place in PLACES
        if {word(*ancestor) for ancestor in ancestors(*place)} & set(named)
    )


def word(stage: str, of: str | None) -> str:
    return f"{stage} {of or ''}".strip()


EVERYWHERE = tuple(word(*place) for place in PLACES)


def write_photo(name: str, seed: int) -> None:
    Path("data/photos").mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed)).save(Path("data/photos", f"{name}.png"))


def make(folder: Path) -> None:
    """Three photos that are crops already; the config's paths are relative."""
    write_photo("anna", 1), write_photo("bob", 2), write_photo("carla", 3)
    models = {
        role: Path(path).relative_to(folder).as_posix()
        for role, path in write_models(folder / "data" / "models").items()
    }
    write_directions(folder / "data" / "directions.safetensors")
    config = {
        "models": models,
        "directions": "data/directions.safetensors",
        "edits": [{"name": EDIT, "direction": "pose", "degree": -3}],
        "align": {"mode": "aligned"},
        "report": {"height_px": 32},
    }
    Path("config.yaml").write_text(json.dumps(config))


def go_to_a_copy(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    monkeypatch.chdir(folder)
    return folder


def config_here() -> Config:
    return complete(json.loads(Path("config.yaml").read_text()))


def write_report(config: Config) -> None:
    shards = sorted({row.shard for row in read_sheet(Path("data/sheet.tsv"))})
    html, figures = assemble(config, shards, Results())
    Path("results/report.html").write_text(html)
    Path("results/measure.json").write_text(figures)


def weights(role: str) -> Change:
    def change(config: Config) -> None:
        path = Path(config["models"][role])
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        state = load_file(path)
        name = next(name for name in sorted(state) if state[name].is_floating_point())
        state[name] = (state[name] + torch.tensor(0.01, dtype=state[name].dtype)).contiguous()
        save_file(state, path, metadata=metadata)

    return change


def changed_photo(config: Config) -> None:
    write_photo("bob", 5)


def everything(folder: Path) -> dict[str, bytes]:
    """Results by name: pictures, manifests, report, figures; neither store nor logs."""
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "results").rglob("*"))
        if path.is_file() and not {"store", "log", "view"} & set(path.parts) and path.name[0] != "."
    }
    report = "results/report.html"
    if report in files:  # the folder's name stands in it, too
        files[report] = without_times(files[report]).replace(str(folder).encode(), b"")
    return files
