"""Edits that follow a text, from the photo to the picture, in memory and through the stages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import save_model, walk, write_project
from unripple.conventions import BadText, UnrippleError
from unripple.io.config import edits, read_config
from unripple.io.results import Results
from unripple.models import clip
from unripple.pipeline.checks import warnings_of
from unripple.pipeline.jobs import Job, job_from_config
from unripple.runtime.editor import Editor
from unripple.zoo import zoo as zoo_module
from unripple.zoo.zoo import Zoo

PHOTO = "data/photos/anna.png"
SAID: dict[str, Any] = {"text": "a face with a hat", "strength": 1.5}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two texts, and a CLIP of a few thousand weights that knows some words."""
    folder = write_project(tmp_path_factory.mktemp("project"), {"anna.png": (64, 64)})
    torch.manual_seed(0)
    vision = clip.CLIPVisionCfg(layers=(1, 1, 1, 1), width=8, image_size=32)
    text = clip.CLIPTextCfg(vocab_size=600, width=64, heads=1, layers=1)
    net = clip.CLIP(16, vision, text, quick_gelu=True)
    for name, weight in net.visual.named_parameters():
        if name.endswith("bn3.weight"):  # they begin at 0, and nothing would be seen
            torch.nn.init.ones_(weight)
    words = ["a", "face", "with", "hat", "beard"]
    save_model(folder / "clip.safetensors", dict(net.state_dict()), size=32, words=words)
    return folder


@pytest.fixture
def config(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Its config, with two text edits."""
    monkeypatch.chdir(project)
    given = read_config(Path("config.yaml"))
    models = {**given["models"], "clip": str(project / "clip.safetensors")}
    said = [{"name": "hat", **SAID}, {"name": "beard", "text": "a face with a beard"}]
    return {**given, "models": models, "edits": said}


def test_python_and_the_stages_give_the_same_bytes(
    project: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    walk(config)
    result = Editor(settings=config).edit(PHOTO, **SAID)
    result.save(tmp_path / "out.png")
    made = project / "results" / "paste" / "hat" / "anna.picture.png"
    assert made.read_bytes() == (tmp_path / "out.png").read_bytes()
    about = json.loads((project / "results" / "translate" / "hat" / "anna.about.json").read_text())
    assert about["similarity_after"] > about["similarity"] and about["turn"] is False
    listings = [path.read_text() for path in Results().store.root.rglob("digests.json")]
    assert sum('"text direction"' in listing for listing in listings) == 2  # one for each text


def test_a_job_travels_as_text(config: dict[str, Any]) -> None:
    zoo = Zoo(config["models"])
    job = job_from_config(config, "translate", "hat", zoo)
    again = Job.from_json("translate", "hat", job.to_json())
    assert again.weights == job.weights and set(job.weights) == {"clip", "generator"}
    assert again.ingredients({"project": "x"}) == job.ingredients({"project": "x"})
    other = job_from_config(config, "translate", "beard", zoo)
    assert other.ingredients({"project": "x"}) != job.ingredients({"project": "x"})


def test_words_that_the_network_does_not_know_are_told(config: dict[str, Any]) -> None:
    zoo = Zoo(config["models"])
    (hat, _) = edits(config)
    assert warnings_of(config, hat, zoo) == []
    result = Editor(settings=config).edit(PHOTO, text="a face like Elsa")
    assert [w for w in result.warnings if "'like', 'elsa'" in w]


def test_what_python_refuses(config: dict[str, Any]) -> None:
    editor = Editor(settings=config)
    with pytest.raises(BadText, match="edit: text is empty"):
        editor.edit(PHOTO, text=" ")
    with pytest.raises(UnrippleError, match="leave edit and degrees out"):
        editor.edit(PHOTO, text="a hat", pose=3)
    with pytest.raises(UnrippleError, match="are about a text"):
        editor.edit(PHOTO, strength=3)


def test_sets_without_a_clip_say_so(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoo_module, "NOT_EMBEDDED", ("clip",))
    models = {role: path for role, path in config["models"].items() if role != "clip"}
    with pytest.raises(UnrippleError, match="no clip"):
        Editor(settings={**config, "models": models}).edit(PHOTO, text="a hat")
